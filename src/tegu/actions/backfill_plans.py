"""What a backfill would do: which stages of the earlier runs are done anew and why, and what that will take.

Called by `backfills`. Invariant: it is known before anything runs only what differs in the versions and models; a stage after one
that is done anew counts as done anew too, until a sample has shown how often it is.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tegu.actions.forecasting import Asked, forecast
from tegu.actions.forecasts import free_stages, requested_models
from tegu.actions.nesting import NESTING_KINDS
from tegu.actions.pipelines import resolve
from tegu.actions.scope import Scope
from tegu.domain.backfill import Accuracy, Backfill, BackfillPlan, PlannedStage, StageOutlook
from tegu.domain.errors import UsageError
from tegu.domain.forecast import HISTORY_MAX, SAMPLES_MIN
from tegu.domain.json import JsonObject
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.stage_changes import CONDITIONS, stage_changes
from tegu.stages.fingerprint import ACTING_KINDS
from tegu.storage import backfill_bases, history, pipelines
from tegu.storage import backfills as store
from tegu.storage.backfill_bases import Bases, BasesFound
from tegu.storage.history import ContentFilter
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.transaction import Transaction

_BACKFILLS_LOOKED_AT = 20


@dataclass(frozen=True, slots=True)
class BackfillSpec:
    """What is asked for: of `pipeline` (a name, or a version of it) a `sample` of so many in all, `limit` more, or all there are.
    `acts`: also where stages send, ask or wait again.
    """

    pipeline: str
    filter: ContentFilter
    sample: int | None = None
    limit: int | None = None
    is_all: bool = False
    model: str | None = None
    budget_usd: Decimal | None = None
    acts: bool = False
    seed: int | None = None
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and what it was made from."""

    plan: BackfillPlan
    version: PipelineVersion
    bases: Bases
    existing: Backfill | None


async def planned(scope: Scope, spec: BackfillSpec) -> Planned:
    """See the module. Raises NotFoundError, UsageError, ConfigurationError."""
    if sum((spec.sample is not None, spec.limit is not None, spec.is_all)) != 1:
        raise UsageError("a backfill is of a sample, of so many more, or of all", hint="say one of them")
    version = await resolve(scope, spec.pipeline)
    bases = Bases(version, spec.model, spec.filter)
    models = await requested_models(scope, version.definition, spec.model)
    free = free_stages(scope, version.definition)
    async with scope.transaction() as connection:
        existing = await store.find_unfinished(
            connection, scope.organization_id, version, spec.model, filter_json(spec.filter)
        )
        if existing is not None and spec.seed not in {None, existing.seed}:
            existing = None
        found = await backfill_bases.look_at_bases(connection, scope.organization_id, bases)
        before = await _definitions(scope, connection, found)
        acting = await _acting(scope, connection, version.definition, {})
        stages, redone = _outlook(version.definition, before, found, models, free, acting)
        lengths = await history.lengths_of(
            connection, scope.organization_id, content_ids=found.input_ids, thread_ids=found.input_ids
        )
        sampled = await _sampled(scope, connection, version, existing)
        earlier = sampled or await history.earlier_runs(
            connection, scope.organization_id, version.pipeline_id, HISTORY_MAX
        )
        accuracy = await _accuracy(scope, connection, version.name)
    runs = runs_of(spec, existing, found.count)
    asked = Asked(
        version,
        runs,
        list(lengths.values()),
        models,
        free,
        redone={} if sampled else redone,
        counts_reused=bool(sampled),
        taken=_taken(version.definition, before, found),
        of=found.count,
        seed=existing.seed if existing else spec.seed or 0,
    )
    plan = BackfillPlan(
        pipeline=version.name,
        version=version.number,
        versions={str(number): count for number, count in sorted(found.counts.items())},
        targets=existing.targets if existing else found.count,
        current=found.current,
        runs=runs,
        results=found.results,
        stages=stages,
        forecast=await asyncio.to_thread(forecast, asked, earlier),
        is_from_sample=bool(sampled),
        seed=asked.seed,
        continues=existing.id if existing else None,
        accuracy=accuracy,
    )
    return Planned(plan, version, bases, existing)


def runs_of(spec: BackfillSpec, existing: Backfill | None, count: int) -> int:
    """How many runs are to be started beyond those that are wanted already."""
    left = existing.targets - existing.wanted if existing else count
    if spec.is_all:
        return left
    if spec.limit is not None:
        return min(left, spec.limit)
    assert spec.sample is not None
    return min(left, max(0, spec.sample - (existing.wanted if existing else 0)))


def filter_json(wanted: ContentFilter) -> JsonObject:
    """As it is stored, and known again."""
    return {
        "since": wanted.since.isoformat() if wanted.since else None,
        "until": wanted.until.isoformat() if wanted.until else None,
        "source_type": wanted.source_type.value if wanted.source_type else None,
        "metadata": wanted.metadata,
    }


def _outlook(
    definition: PipelineDefinition,
    before: Mapping[int, PipelineDefinition],
    found: BasesFound,
    models: Mapping[str, tuple[str, ...]],
    free: Collection[str],
    acting: Mapping[str, tuple[str, ...]],
) -> tuple[tuple[PlannedStage, ...], dict[str, float]]:
    """What becomes of each stage, and in which part of the runs it may be done anew."""
    direct: dict[str, float] = {}
    redone: dict[str, dict[int, float]] = {}
    said: dict[str, PlannedStage] = {}
    for name in definition.order():
        stage = definition.stage(name)
        why: dict[str, None] = {}
        is_new, changed, by_version = bool(before), 0.0, dict[int, float]()
        for number, then in before.items():
            share = found.counts[number] / max(1, found.count)
            is_new = is_new and name not in then
            certain = 1.0 if name in acting else _certain(stage, then, number, found, models, why)
            changed += share * certain
            upstream = [redone[each][number] for each in stage.upstream]
            by_version[number] = max((certain, *upstream))
        redone[name] = by_version
        direct[name] = changed
        after = [each for each in stage.upstream if any(redone[each].values())]
        outlook = StageOutlook.REUSED
        if is_new:
            outlook, why = StageOutlook.NEW, {}
        elif name in acting:
            outlook, why = StageOutlook.ACTS, dict.fromkeys(acting[name])
        elif changed:
            outlook = StageOutlook.CHANGED
        elif after:
            outlook, why = StageOutlook.MAY_CHANGE, dict.fromkeys((*why, *after))
        said[name] = PlannedStage(name, outlook, tuple(why), changed)
    total = {
        name: sum(redone[name][number] * found.counts[number] for number in before) / max(1, found.count)
        for name in said
        if name not in free
    }
    return tuple(said[stage.name] for stage in definition.stages), total


def _taken(
    definition: PipelineDefinition, before: Mapping[int, PipelineDefinition], found: BasesFound
) -> dict[str, float]:
    """Of the stages that all earlier versions have: in which part of the runs they were taken. All those runs were counted."""
    names = [name for name in definition.order() if before and all(name in then for then in before.values())]
    return {
        name: sum(row.count for row in found.stages if row.stage == name and row.status != "skipped")
        / max(1, found.count)
        for name in names
    }


async def _acting(
    scope: Scope,
    connection: Transaction,
    definition: PipelineDefinition,
    nested: dict[str, tuple[str, ...]],
) -> dict[str, tuple[str, ...]]:
    """The stages whose output is never taken from an earlier run, and those that nest some, with their names. `nested` remembers what was
    found of each pipeline; a version nests older ones only, so there is an end.
    """
    found: dict[str, tuple[str, ...]] = {}
    for stage in definition.stages:
        if stage.uses not in NESTING_KINDS:
            found |= {stage.name: ()} if stage.uses in ACTING_KINDS else {}
            continue
        written = str(stage.config["pipeline"])
        if written not in nested:
            version = await pipelines.find_named(connection, scope.organization_id, written)
            inner = await _acting(scope, connection, version.definition, nested) if version else {}
            nested[written] = tuple(inner)
        if nested[written]:
            found[stage.name] = nested[written]
    return found


def _certain(
    stage: StageDefinition,
    then: PipelineDefinition,
    number: int,
    found: BasesFound,
    models: Mapping[str, tuple[str, ...]],
    why: dict[str, None],
) -> float:
    """In which part of the runs of an earlier version the stage is done anew for certain; notes why."""
    if stage.name not in then:
        return 1.0
    changes = stage_changes(then.stage(stage.name), stage)
    why |= dict.fromkeys(changes)
    if not set(changes) <= CONDITIONS:
        return 1.0
    rows = [each for each in found.stages if each.version == number and each.stage == stage.name]
    asked = set(models.get(stage.name, ()))
    anew = 0
    for row in rows:
        if row.status == "failed":
            anew += row.count
            why |= {"failed": None}
        elif row.status == "skipped" and changes:
            anew += row.count
        elif asked and row.models and not asked & set(row.models.split(", ")):
            anew += row.count
            why |= {"model": None}
    return anew / max(1, found.counts[number])


async def _definitions(
    scope: Scope, connection: Transaction, found: BasesFound
) -> dict[int, PipelineDefinition]:
    made: dict[int, PipelineDefinition] = {}
    for number, version_id in found.versions.items():
        version = await pipelines.get_version(connection, scope.organization_id, version_id)
        assert version is not None
        made[number] = version.definition
    return made


async def _sampled(
    scope: Scope, connection: Transaction, version: PipelineVersion, existing: Backfill | None
) -> Sequence[history.EarlierRun]:
    """The runs of this backfill so far, where they are enough to tell from."""
    if existing is None:
        return ()
    found = await history.earlier_runs(
        connection, scope.organization_id, version.pipeline_id, HISTORY_MAX, backfill_id=existing.id
    )
    return found if len(found) >= SAMPLES_MIN else ()


async def _accuracy(scope: Scope, connection: Transaction, pipeline: str) -> tuple[Accuracy, ...]:
    """How right the forecasts of earlier steps were, the newest first."""
    known = await store.list_backfills(
        connection, scope.organization_id, pipeline=pipeline, limit=_BACKFILLS_LOOKED_AT
    )
    return tuple(
        Accuracy(
            runs=step.upto - step.after,
            calls_forecast=step.calls_forecast.mean if step.calls_forecast else None,
            calls=step.calls,
            cost_usd_forecast=step.cost_usd_forecast.mean if step.cost_usd_forecast else None,
            cost_usd=step.cost_usd if not step.unknown_costs else None,
        )
        for each in known
        for step in reversed(each.steps)
        if step.calls is not None
    )
