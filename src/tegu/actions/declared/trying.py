"""Pipelines that are tried before they are published."""

from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from tegu.actions import trying
from tegu.actions.action import Effect, action
from tegu.actions.declared.inputs import ModelName, Name
from tegu.actions.declared.pipelines import PipelineText
from tegu.actions.declared.runs import TRIGGERED_BY
from tegu.actions.runs import StartOptions
from tegu.actions.scope import Scope
from tegu.actions.trying import TriedInput, TriedRun
from tegu.domain.actor import Permission
from tegu.domain.run import TriggeredBy


class TryPipeline(PipelineText):
    """What is tried, and on what: one content or one mail thread."""

    up_to: Annotated[
        Name | None, Field(description="The stage to run to: what does not lead to it is left out.")
    ] = None
    content_id: UUID | None = None
    thread_id: UUID | None = None
    reuse_from: Annotated[
        UUID | None,
        Field(description="A run over the same input: what nothing has changed for is taken from it."),
    ] = None
    model: Annotated[ModelName | None, Field(description="Instead of every stage's own.")] = None
    budget_usd: Annotated[Decimal | None, Field(description="The most that its calls may cost.")] = None
    idempotency_key: Annotated[
        str | None,
        Field(
            max_length=255, description="The same key gives the same run for 24 h. HTTP: `Idempotency-Key`."
        ),
    ] = None

    @model_validator(mode="after")
    def _one_input(self) -> "TryPipeline":
        if (self.content_id is None) == (self.thread_id is None):
            raise ValueError("give either `content_id` or `thread_id`")
        return self


@action(
    "pipelines.try",
    effect=Effect.WRITE,
    permission=Permission.PIPELINES_WRITE,
    audited=("up_to", "content_id", "thread_id"),
)
async def try_pipeline(scope: Scope, asked: TryPipeline) -> TriedRun:
    """Run a document that is not published over one input, to its end or up to one stage, before other runs. It is kept as a draft
    of the pipeline that it names, which the name does not mean. Stages that act on other systems do so.
    """
    options = StartOptions(
        model=asked.model,
        triggered_by=TRIGGERED_BY.get(scope.actor.kind, TriggeredBy.USER),
        idempotency_key=asked.idempotency_key,
        stream=True,
        budget_usd=asked.budget_usd,
        priority="high",
        reuse_from=asked.reuse_from,
    )
    given = TriedInput(asked.content_id, asked.thread_id)
    return await trying.try_document(scope, asked.given, asked.up_to, given, options)
