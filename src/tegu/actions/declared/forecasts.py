"""Forecasts: what runs of a pipeline will take, before anything is started."""

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from tegu.actions import forecasts, pipelines
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import ModelName, Name
from tegu.actions.declared.runs import INPUTS_MAX
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.content import SourceType
from tegu.domain.forecast import Forecast
from tegu.domain.json import JsonObject
from tegu.storage.history import ContentFilter

Seed = Annotated[
    int, Field(ge=0, lt=2**31, description="Of what is drawn at random: the same one, the same answer.")
]


class Where(ActionInput):
    """Which contents or mail threads: those of which all that is given holds; of all, where nothing is."""

    since: Annotated[AwareDatetime | None, Field(description="Those that came in then or later.")] = None
    until: Annotated[AwareDatetime | None, Field(description="Those that came in before.")] = None
    source_type: SourceType | None = None
    metadata: Annotated[
        JsonObject | None, Field(description='Those whose metadata hold it: `{"customer": "acme"}`.')
    ] = None

    @property
    def filter(self) -> ContentFilter:
        """The same for the database."""
        return ContentFilter(self.since, self.until, self.source_type, self.metadata)


class ForecastRuns(ActionInput):
    """What would be run over what: contents and threads by id, or all that `where` takes (`{}`: all)."""

    pipeline: Annotated[Name, Field(description="`invoices`, or one version: `invoices@2`.")]
    content_ids: Annotated[tuple[UUID, ...], Field(max_length=INPUTS_MAX)] = ()
    thread_ids: Annotated[tuple[UUID, ...], Field(max_length=INPUTS_MAX)] = ()
    where: Where | None = None
    model: Annotated[ModelName | None, Field(description="Instead of every stage's own.")] = None
    seed: Seed = 0


@action("pipelines.forecast", effect=Effect.READ, permission=Permission.CALLS_READ, key="pipeline")
async def forecast_runs(scope: Scope, asked: ForecastRuns) -> Forecast:
    """Say what runs of a pipeline would take, from the ledger of earlier runs: calls, tokens, cost, with how sure that is. A stage
    with too few earlier runs is unknown, and so is what it counts in.
    """
    version = await pipelines.resolve(scope, asked.pipeline)
    over = forecasts.Over(
        asked.content_ids, asked.thread_ids, asked.where.filter if asked.where is not None else None
    )
    return await forecasts.forecast_runs(scope, version, over, model=asked.model, seed=asked.seed)
