"""Forking a run: what another run has come to is taken over up to a stage, and goes on from there, perhaps changed.

Called by the action. Invariants: a fork is made in one transaction, whole or not at all, and its base is never changed; whoever
edits an output or a configuration is named in the fork; another configuration is a version that is stored, and not current.
"""

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from pydantic import JsonValue

from tegu.actions import pipelines
from tegu.actions.policy import enforce
from tegu.actions.runs import WATCH_S
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.budget import checked_limit
from tegu.domain.errors import ConflictError, InvalidInputError, NotFoundError, Problem, UsageError
from tegu.domain.json import JsonObject, json_hash, storable
from tegu.domain.run import TriggeredBy
from tegu.llm.schema import validator
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.forking import Cut, cut_at
from tegu.stages.kind import StageOutput
from tegu.stages.results import results_of
from tegu.stages.review import ReviewKind
from tegu.storage import contents, forks, idempotency, run_starts
from tegu.storage import pipelines as versions
from tegu.storage.forks import ForkBase, GivenOutput
from tegu.storage.partials import watch_runs
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.quotas import take_runs
from tegu.storage.transaction import Transaction

EDITABLE = ("with", "instructions", "model", "when", "retries", "timeout_s", "deadline_s", "result")
"""What of a stage a fork may change. Another wiring is another pipeline: publish it."""


@dataclass(frozen=True, slots=True)
class ForkOptions:
    """How to fork. `edits` are changes of a stage's entry in the document (of `with:` only what is named; null takes away);
    `outputs` stand in for what stages came to. With `fresh` nothing after the stage is taken from the base, also where
    nothing has changed that it depends on. With `stream` replies may be followed from the first call on. What is None is as in the base.
    """

    from_stage: str
    edits: Mapping[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    outputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    model: str | None = None
    metadata: JsonObject | None = None
    budget_usd: Decimal | None = None
    triggered_by: TriggeredBy = TriggeredBy.LIBRARY
    idempotency_key: str | None = None
    fresh: bool = False
    stream: bool = False


@dataclass(frozen=True, slots=True)
class ForkedRun:
    """The run that was made. `kept` stages are as in the base, `edited` have the output that was given; the rest (`anew`) is
    decided again. `version` is that of the pipeline that it runs.
    """

    run_id: UUID
    version: int
    kept: tuple[str, ...]
    edited: tuple[str, ...]
    anew: tuple[str, ...]
    version_label: str = ""


async def fork(scope: Scope, run_id: UUID, options: ForkOptions) -> ForkedRun:
    """Make the fork; workers are woken after it is committed. Raises NotFoundError, ConflictError (what the stage waits for has
    not ended; `erased` where what the run read was deleted), UsageError, InvalidInputError, DefinitionError, QuotaError.
    """
    async with scope.in_one_transaction() as joined, joined.transaction() as connection:
        base = await _base(scope, connection, run_id)
        found = await versions.get_version(connection, scope.organization_id, base.version_id, scope.rows)
        assert found is not None
        if found.archived_at is not None:
            raise versions.refuse_archived(found.name)
        version = await _edited_version(joined, found, options)
        cut = _cut(version.definition, base, options)
        given = [_given(scope, version.definition, name, options.outputs[name]) for name in cut.edited]
        run_id, is_new = await _once(scope, connection, base, version, options)
        if is_new:
            await forks.copy_stages(connection, scope.organization_id, run_id, base.id, cut.kept)
            for each in given:
                await forks.store_given(connection, scope.organization_id, run_id, base.id, each)
            if options.stream:
                await watch_runs(connection, scope.organization_id, [run_id], for_s=WATCH_S)
    scope.wake()
    return ForkedRun(run_id, version.number, cut.kept, cut.edited, cut.anew, version.label)


async def _base(scope: Scope, connection: Transaction, run_id: UUID) -> ForkBase:
    base = await forks.lock_base(connection, scope.organization_id, run_id, scope.rows)
    if base is None:
        raise NotFoundError(f"there is no run {run_id}", hint="`tegu runs` lists the newest")
    there = base.content_id is None or await contents.get_contents(
        connection, scope.organization_id, [base.content_id]
    )
    if base.erased_at is not None or not there:
        raise ConflictError(
            f"what run {run_id} read was deleted, and what came of it with it",
            code="erased",
            hint="start a run over another content",
        )
    if base.is_slice:
        raise UsageError(
            f"run {run_id} performs some items of another run's stage",
            hint="fork the run that it is a part of",
        )
    return base


def _cut(definition: PipelineDefinition, base: ForkBase, options: ForkOptions) -> Cut:
    return cut_at(
        definition,
        base.statuses,
        options.from_stage,
        configured=options.edits.keys(),
        given=options.outputs.keys(),
        was_cancelled=base.was_cancelled,
    )


async def _edited_version(scope: Scope, found: PipelineVersion, options: ForkOptions) -> PipelineVersion:
    """The base's version, or one with the edits, which is stored beside it: the name goes on to mean what it meant."""
    if not options.edits:
        return found
    document = found.definition.to_json()
    stages = document["stages"]
    assert isinstance(stages, dict)
    for name, changes in options.edits.items():
        entry = stages.get(name)
        if not isinstance(entry, dict):
            raise NotFoundError(
                f"there is no stage {name!r} in pipeline {found.name!r}", hint=f"stages: {', '.join(stages)}"
            )
        if (
            entry.get("uses") == ReviewKind.name
        ):  # who decides, and what becomes of silence, is the pipeline's
            enforce(scope.actor, "runs.fork with another review", Permission.PIPELINES_WRITE)
        stages[name] = _edited(name, entry, changes)
    edited = await pipelines.defined(scope, document)
    return await pipelines.publish(
        scope,
        edited.definition,
        makes_current=False,
        edit_of=found.edit_of if found.is_draft else found.number,
    )


def _edited(stage: str, entry: JsonObject, changes: JsonObject) -> JsonObject:
    made = deepcopy(entry)
    for key, value in changes.items():
        if key not in EDITABLE:
            raise UsageError(
                f"{key!r} of stage {stage!r} cannot be changed by a fork",
                hint=f"a fork changes {', '.join(EDITABLE)}; publish another version for more",
            )
        options = made.setdefault("with", {})
        assert isinstance(options, dict)
        match key, value:
            case "with", dict():
                _merge(options, value)
            case "instructions", _:
                _merge(options, {"instructions": value})
            case _:
                _merge(made, {key: value})
    return made


def _merge(into: JsonObject, changes: JsonObject) -> None:
    """What is null is taken away."""
    for key, value in changes.items():
        if value is None:
            into.pop(key, None)
        else:
            into[key] = value


def _given(scope: Scope, definition: PipelineDefinition, name: str, value: JsonValue) -> GivenOutput:
    """Raises InvalidInputError where the output is not of the stage's shape."""
    stage = definition.stage(name)
    if stage.uses == ReviewKind.name:
        raise UsageError(
            f"what a person decides of {name!r} cannot be given",
            hint=f"fork from {name!r}: it is asked again",
        )
    stored = storable(value)
    problems = validator(scope.catalog.output_schema(stage.uses, stage.config)).problems(stored)
    if problems:
        raise InvalidInputError(
            tuple(Problem(f"outputs.{name}{_place(text)}", _message(text)) for text in problems)
        )
    return GivenOutput(name, stored, results_of(stage, StageOutput(stored)))


def _place(problem: str) -> str:
    return problem.partition(": ")[0].rstrip("/").replace("/", ".")


def _message(problem: str) -> str:
    return problem.partition(": ")[2] or problem


async def _once(
    scope: Scope, connection: Transaction, base: ForkBase, version: PipelineVersion, options: ForkOptions
) -> tuple[UUID, bool]:
    """The fork's id, and whether it is new: the same key gives the same fork. Raises ConflictError, QuotaError."""
    organization_id, key = scope.organization_id, options.idempotency_key
    if key is None:
        return await _insert(scope, connection, base, version, options), True
    hashed = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    request_hash = json_hash(["fork", str(base.id), str(version.id), _said(options)])
    found = await idempotency.claim_key(connection, organization_id, hashed, request_hash)
    if found is None:
        run_id = await _insert(scope, connection, base, version, options)
        await idempotency.settle_key(connection, organization_id, hashed, run_id)
        return run_id, True
    if found.request_hash != request_hash:
        raise ConflictError(
            f"idempotency key {key!r} was used for another request", hint="use a new key for a new request"
        )
    return found.run_id, False


def _said(options: ForkOptions) -> JsonObject:
    return {
        "from": options.from_stage,
        "edits": dict(options.edits),
        "outputs": dict(options.outputs),
        "model": options.model,
        "metadata": options.metadata,
        "budget_usd": str(options.budget_usd),
        "fresh": options.fresh,
    }


async def _insert(
    scope: Scope, connection: Transaction, base: ForkBase, version: PipelineVersion, options: ForkOptions
) -> UUID:
    await take_runs(connection, scope.organization_id, 1)
    budget_usd = base.budget_usd if options.budget_usd is None else checked_limit(options.budget_usd)
    origin = run_starts.ForkOrigin(
        base.id, options.from_stage, base.pinned_at, base.input, _edits(scope, options)
    )
    new = run_starts.NewRun(
        version=version,
        content_id=base.content_id,
        thread_id=base.thread_id,
        model=options.model or base.model,
        triggered_by=options.triggered_by,
        metadata=base.metadata if options.metadata is None else options.metadata,
        budget_usd=budget_usd,
        priority=base.priority,
        reuse_from=None if options.fresh else base.id,
        origin=origin,
    )
    return await run_starts.insert_run(connection, scope.organization_id, new)


def _edits(scope: Scope, options: ForkOptions) -> JsonObject | None:
    """What was changed, and by whom; None where nothing was. Outputs that were given are with their stages."""
    said: JsonObject = {}
    if options.edits:
        said["stages"] = {name: dict(changes) for name, changes in options.edits.items()}
    if options.outputs:
        said["outputs"] = list[JsonValue](sorted(options.outputs))
    if options.model is not None:
        said["model"] = options.model
    if not said:
        return None
    actor = scope.actor
    by: JsonObject = {"kind": actor.kind.value, "label": actor.label}
    if actor.id is not None:
        by["id"] = str(actor.id)
    said["by"] = by
    return said
