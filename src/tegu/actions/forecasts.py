"""Forecasts: what runs of a pipeline will take, from the ledger, before anything is started.

Called by `declared` and by backfills. Invariant: nothing is stored and no model is asked.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tegu.actions.forecasting import Asked, forecast
from tegu.actions.models import asks_models
from tegu.actions.run_inputs import inputs_by_id
from tegu.actions.scope import Scope
from tegu.domain.errors import ConfigurationError, UsageError
from tegu.domain.forecast import HISTORY_MAX, Forecast
from tegu.llm.model_names import has_key
from tegu.pipeline.definition import PYTHON_KIND, PipelineDefinition, StageDefinition
from tegu.storage import history
from tegu.storage.history import ContentFilter
from tegu.storage.pipelines import PipelineVersion

_OF_ITS_CODE = frozenset({PYTHON_KIND, "pipeline", "loop"})
"""Kinds that may ask models, and of which only the ledger tells which."""


@dataclass(frozen=True, slots=True)
class Over:
    """What the runs would be over: stored contents and threads by id, or all that a filter takes."""

    content_ids: Sequence[UUID] = ()
    thread_ids: Sequence[UUID] = ()
    filter: ContentFilter | None = None


async def forecast_runs(
    scope: Scope, version: PipelineVersion, over: Over, *, model: str | None = None, seed: int = 0
) -> Forecast:
    """What they will take. Raises NotFoundError for an input that is not there, ConfigurationError for a model that is none."""
    if over.filter is not None and (over.content_ids or over.thread_ids):
        raise UsageError("contents are named, or all that a filter takes are meant, and not both")
    runs, ids = await _inputs(scope, version, over)
    async with scope.transaction() as connection:
        lengths = await history.lengths_of(connection, scope.organization_id, content_ids=ids, thread_ids=ids)
        earlier = await history.earlier_runs(
            connection, scope.organization_id, version.pipeline_id, HISTORY_MAX
        )
    asked = Asked(
        version,
        runs,
        list(lengths.values()),
        await requested_models(scope, version.definition, model),
        free=free_stages(scope, version.definition),
        no_model=await _without_model(scope, version.definition, model),
        seed=seed,
    )
    return await asyncio.to_thread(forecast, asked, earlier)


async def requested_models(
    scope: Scope, definition: PipelineDefinition, override: str | None
) -> dict[str, tuple[str, ...]]:
    """The models that each stage will ask, in turn; stages are missing of which only their code knows. Raises
    ConfigurationError for an override that stands for no model.
    """
    names = scope.machinery.names
    if override is not None:
        names.check(override)
    default = await scope.machinery.default_model(scope.organization_id)
    can_call = has_key(scope.machinery.credentials, scope.organization_id)
    found: dict[str, tuple[str, ...]] = {}
    for stage in definition.stages:
        written = override or stage.model or definition.model or default
        if written is None or not asks_models(scope.catalog, stage.uses):
            continue
        try:
            found[stage.name] = tuple(str(each) for each in await names.resolve(written, can_call))
        except ConfigurationError:
            continue  # an alias that stands for nothing here may do so where the workers are
    return found


async def _without_model(
    scope: Scope, definition: PipelineDefinition, override: str | None
) -> tuple[str, ...]:
    """The stages that ask a model where nobody has said which."""
    if override or definition.model or await scope.machinery.default_model(scope.organization_id):
        return ()
    return tuple(
        stage.name
        for stage in definition.stages
        if stage.model is None and asks_models(scope.catalog, stage.uses)
    )


def free_stages(scope: Scope, definition: PipelineDefinition) -> frozenset[str]:
    """The stages that ask no model, whatever they are given."""
    return frozenset(stage.name for stage in definition.stages if not _may_ask(scope, stage))


def _may_ask(scope: Scope, stage: StageDefinition) -> bool:
    return stage.uses in _OF_ITS_CODE or asks_models(scope.catalog, stage.uses)


async def _inputs(scope: Scope, version: PipelineVersion, over: Over) -> tuple[int, list[UUID]]:
    if over.filter is None:
        found = await inputs_by_id(scope, version, over.content_ids, over.thread_ids)
        return len(found), [ref for each in found if (ref := each.content_id or each.thread_id)]
    async with scope.transaction() as connection:
        return await history.count_inputs(
            connection, scope.organization_id, version.definition.input, over.filter
        )
