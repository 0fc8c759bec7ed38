"""Budgets: list, set and remove them."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from tegu.actions import budgets
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import Name, PageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.budget import LIMIT_USD_MAX, Budget, BudgetPeriod, BudgetPlace
from tegu.domain.page import Page, page_within

_ID_MAX = 2**128 - 1


class BudgetOf(ActionInput):
    """Which budget: a run's, a pipeline's per day or month, or with neither the whole organization's."""

    period: BudgetPeriod
    pipeline: Name | None = None
    run_id: UUID | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "BudgetOf":
        if (self.period is BudgetPeriod.RUN) != (self.run_id is not None) or (self.run_id and self.pipeline):
            raise ValueError(
                "a budget is for a run by `run_id`, or per day or month, for a `pipeline` or all"
            )
        return self

    @property
    def place(self) -> BudgetPlace:
        """What it is for."""
        return BudgetPlace(self.period, self.pipeline, self.run_id)


class SetBudget(BudgetOf):
    """Which budget, and how much it is."""

    limit_usd: Annotated[Decimal, Field(ge=0, le=LIMIT_USD_MAX, description="0 stops every call.")]
    allows_unpriced: Annotated[
        bool, Field(description="Calls whose cost nobody knows are made all the same.")
    ] = False


@dataclass(frozen=True, slots=True)
class ChangedBudget:
    """The budget that was changed, and how many runs waited for one and are tried again."""

    place: BudgetPlace
    woken_runs: int


@action("budgets.list", effect=Effect.READ, permission=Permission.BUDGETS_READ)
async def list_budgets(scope: Scope, asked: PageInput) -> Page[Budget]:
    """List budgets and how much is left of each. The organization's come first, then its pipelines', then those of the newest
    runs that have not ended.
    """
    return page_within(await budgets.list_budgets(scope), asked.limit, asked.cursor, _order)


@action(
    "budgets.set",
    effect=Effect.WRITE,
    permission=Permission.BUDGETS_WRITE,
    audited=("period", "pipeline", "run_id", "limit_usd"),
    is_idempotent=True,
)
async def set_budget(scope: Scope, asked: SetBudget) -> ChangedBudget:
    """Set or change the most that calls may cost there. Calls that would exceed it wait, and with them their runs; those that
    now have room go on at once.
    """
    woken = await budgets.set_budget(
        scope, asked.place, asked.limit_usd, allows_unpriced=asked.allows_unpriced
    )
    return ChangedBudget(asked.place, woken)


@action(
    "budgets.remove",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.BUDGETS_WRITE,
    audited=("period", "pipeline", "run_id"),
)
async def remove_budget(scope: Scope, asked: BudgetOf) -> ChangedBudget:
    """Take a budget away: what waited for it goes on."""
    return ChangedBudget(asked.place, await budgets.remove_budget(scope, asked.place))


def _order(budget: Budget) -> tuple[str, ...]:
    """The organization's first, then by pipeline, then by run, the newest first."""
    place = budget.place
    newest_first = f"{_ID_MAX - place.run_id.int:032x}" if place.run_id is not None else ""
    return ("run" if newest_first else "", place.pipeline or "", place.period.value, newest_first)
