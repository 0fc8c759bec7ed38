"""Backfills: preview, start, list, read, report, pause, resume and cancel them."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from tegu.actions import backfill_reports, backfills
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.backfill_plans import BackfillSpec
from tegu.actions.declared.forecasts import Where
from tegu.actions.declared.inputs import ModelName, Name, SortedPageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import ActorKind, Permission
from tegu.domain.backfill import Backfill, BackfillPlan, BackfillReport
from tegu.domain.operations import checked_priority
from tegu.domain.page import Page, id_of, page_of
from tegu.domain.run import TriggeredBy
from tegu.storage import backfills as store
from tegu.storage.history import ContentFilter

TARGETS_MAX = 10_000_000
RUNS_MAX = 5000
_TRIGGERED_BY = {ActorKind.KEY: TriggeredBy.KEY, ActorKind.LIBRARY: TriggeredBy.LIBRARY}


class BackfillId(ActionInput):
    """Which backfill."""

    backfill_id: UUID


class AskForBackfill(ActionInput):
    """What is to be run anew: a `sample` of so many in all, `limit` more of them, or all (`is_all`). Where a backfill to the same
    version, over the same, has something left, it is gone on with, unless another `seed` is given.
    """

    pipeline: Annotated[Name, Field(description="`invoices`: to its current version; or `invoices@2`.")]
    sample: Annotated[int | None, Field(ge=1, le=TARGETS_MAX, description="So many in all, at random.")] = (
        None
    )
    limit: Annotated[int | None, Field(ge=1, le=TARGETS_MAX, description="So many more.")] = None
    is_all: Annotated[bool, Field(description="All that are left.")] = False
    where: Where | None = None
    model: Annotated[ModelName | None, Field(description="Instead of every stage's own.")] = None
    budget_usd: Annotated[
        Decimal | None, Field(description="The most that all its calls together may cost.")
    ] = None
    acts: Annotated[
        bool, Field(description="Also where stages send, ask people or wait again: that is never reused.")
    ] = False
    seed: Annotated[
        int | None, Field(ge=0, lt=2**31, description="Of the order in which the runs are drawn.")
    ] = None
    priority: Annotated[int | Literal["low", "normal", "high"], Field(description="-9 to 9.")] = "low"

    @property
    def spec(self) -> BackfillSpec:
        """The same without how it was said."""
        return BackfillSpec(
            pipeline=self.pipeline,
            filter=self.where.filter if self.where is not None else ContentFilter(),
            sample=self.sample,
            limit=self.limit,
            is_all=self.is_all,
            model=self.model,
            budget_usd=self.budget_usd,
            acts=self.acts,
            seed=self.seed,
            priority=checked_priority(self.priority),
        )


class ListBackfills(SortedPageInput):
    """Which backfills."""

    pipeline: Name | None = None


class ReportBackfill(BackfillId):
    """Of how many runs results are compared, at most."""

    runs_max: Annotated[int, Field(ge=1, le=RUNS_MAX)] = 1000


class SetBackfillBudget(BackfillId):
    """What all its calls together may cost; null: as much as the other budgets let them."""

    budget_usd: Decimal | None


@action("backfills.preview", effect=Effect.READ, permission=Permission.RUNS_READ)
async def preview_backfill(scope: Scope, asked: AskForBackfill) -> BackfillPlan:
    """Say what a backfill would do, before it does: how many runs, which stages are done anew and why, what is reused, and the
    calls and cost to expect.
    """
    return await backfills.preview_backfill(scope, asked.spec)


@action(
    "backfills.start",
    effect=Effect.WRITE,
    permission=Permission.RUNS_WRITE,
    audited=("pipeline", "sample", "limit", "is_all", "budget_usd"),
)
async def start_backfill(scope: Scope, asked: AskForBackfill) -> Backfill:
    """Run a version over all that earlier runs were over, or a sample of it, reusing the outputs of stages that have not changed.
    Workers start its runs, so many at a time, after everybody else's.
    """
    triggered_by = _TRIGGERED_BY.get(scope.actor.kind, TriggeredBy.USER)
    return await backfills.start_backfill(scope, asked.spec, triggered_by)


@action("backfills.list", effect=Effect.READ, permission=Permission.RUNS_READ)
async def list_backfills(scope: Scope, asked: ListBackfills) -> Page[Backfill]:
    """List backfills, the newest first, with what was forecast of them and what they came to."""
    async with scope.transaction() as connection:
        found = await store.list_backfills(
            connection,
            scope.organization_id,
            pipeline=asked.pipeline,
            after=id_of(asked.cursor),
            limit=asked.limit + 1,
            is_oldest_first=asked.is_oldest_first,
            rows=scope.rows,
        )
    return page_of(found, asked.limit, lambda each: each.id)


@action("backfills.get", effect=Effect.READ, permission=Permission.RUNS_READ, key="backfill_id")
async def get_backfill(scope: Scope, asked: BackfillId) -> Backfill:
    """Read one backfill with how far it is: runs by status, calls, tokens, cost."""
    return await backfills.get_backfill(scope, asked.backfill_id)


@action("backfills.report", effect=Effect.READ, permission=Permission.RUNS_READ, key="backfill_id")
async def report_backfill(scope: Scope, asked: ReportBackfill) -> BackfillReport:
    """Read what a backfill has changed so far: stages reused and done anew, fields changed, filled and lost, with examples."""
    return await backfill_reports.report_backfill(scope, asked.backfill_id, runs_max=asked.runs_max)


@action(
    "backfills.update",
    effect=Effect.WRITE,
    permission=Permission.RUNS_WRITE,
    key="backfill_id",
    audited=("backfill_id", "budget_usd"),
    is_idempotent=True,
)
async def update_backfill(scope: Scope, asked: SetBackfillBudget) -> Backfill:
    """Change the budget of a backfill; what waits for it goes on at once."""
    return await backfills.set_budget(scope, asked.backfill_id, asked.budget_usd)


@action(
    "backfills.pause",
    effect=Effect.WRITE,
    permission=Permission.RUNS_WRITE,
    key="backfill_id",
    audited=("backfill_id",),
    is_idempotent=True,
)
async def pause_backfill(scope: Scope, asked: BackfillId) -> Backfill:
    """Start no more runs of a backfill until it is resumed; those under way go on."""
    return await backfills.pause_backfill(scope, asked.backfill_id)


@action(
    "backfills.resume",
    effect=Effect.WRITE,
    permission=Permission.RUNS_WRITE,
    key="backfill_id",
    audited=("backfill_id",),
    is_idempotent=True,
)
async def resume_backfill(scope: Scope, asked: BackfillId) -> Backfill:
    """Let a paused backfill go on."""
    return await backfills.resume_backfill(scope, asked.backfill_id)


@action(
    "backfills.cancel",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.RUNS_WRITE,
    key="backfill_id",
    audited=("backfill_id",),
)
async def cancel_backfill(scope: Scope, asked: BackfillId) -> Backfill:
    """End a backfill and its runs under way. Runs that have ended keep their results."""
    return await backfills.cancel_backfill(scope, asked.backfill_id)
