"""Costs: add them up."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from tegu.actions import costs
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import Name
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.cost import CostGrouping, CostSummary


class SummarizeCosts(ActionInput):
    """Of which time, and by what."""

    by: CostGrouping = CostGrouping.DAY
    since: Annotated[AwareDatetime | None, Field(description="30 days before `until` where not given.")] = (
        None
    )
    until: Annotated[AwareDatetime | None, Field(description="Now where not given.")] = None
    pipeline: Name | None = None


@action("costs.summary", effect=Effect.READ, permission=Permission.CALLS_READ)
async def summarize_costs(scope: Scope, asked: SummarizeCosts) -> CostSummary:
    """Add up what calls of models cost, by day, model, pipeline or stage, with the share of retries, what reuse saved,
    and how many calls have no known price.
    """
    return await costs.summarize_costs(
        scope, by=asked.by, since=asked.since, until=asked.until, pipeline=asked.pipeline
    )
