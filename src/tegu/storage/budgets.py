"""Budgets as their organization sees and sets them.

Called by the actions, under tegu_app. What enforces them are the ledger's statements (`begin_call`, `store_reply`,
`fail_call`).
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, literal, null, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.budget import Budget, BudgetPeriod, BudgetPlace, window_end
from tegu.domain.ids import new_id
from tegu.domain.outcome import BUDGET_EXHAUSTED
from tegu.storage.tables import budget_windows, budgets, llm_calls, pipelines, runs, stage_runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

RUNS_MAX = 100


async def list_budgets(connection: Transaction, organization_id: UUID, rows: Rows = ALL_ROWS) -> list[Budget]:
    """The organization's, its pipelines', then those of its newest runs that have not ended."""
    now: datetime = await connection.scalar(select(func.clock_timestamp()))
    return [
        _budget(row, now)
        for query in (_of_periods(organization_id, rows), _of_runs(organization_id, rows))
        for row in (await connection.execute(query)).mappings()
    ]


async def set_budget(
    connection: Transaction,
    organization_id: UUID,
    place: BudgetPlace,
    limit_usd: Decimal,
    *,
    pipeline_id: UUID | None = None,
    allows_unpriced: bool = False,
    rows: Rows = ALL_ROWS,
) -> bool:
    """Set or change it. False: there is no such run, or it has ended."""
    if place.run_id is not None:
        return await _set_of_run(connection, organization_id, place.run_id, limit_usd, rows)
    row = insert(budgets).values(
        organization_id=organization_id,
        id=new_id(),
        pipeline_id=pipeline_id,
        period=place.period.value,
        limit_usd=limit_usd,
        allows_unpriced=allows_unpriced,
        created_at=func.clock_timestamp(),
    )
    changed = row.on_conflict_do_update(
        index_elements=[
            budgets.c.organization_id,
            text("coalesce(pipeline_id, '00000000-0000-0000-0000-000000000000')"),
            budgets.c.period,
        ],
        set_={"limit_usd": limit_usd, "allows_unpriced": allows_unpriced},
    )
    await connection.execute(changed)
    return True


async def remove_budget(
    connection: Transaction,
    organization_id: UUID,
    place: BudgetPlace,
    *,
    pipeline_id: UUID | None = None,
    rows: Rows = ALL_ROWS,
) -> bool:
    """Take it away, with what it has counted. False: there is none."""
    if place.run_id is not None:
        return await _set_of_run(connection, organization_id, place.run_id, None, rows)
    mine = and_(
        budgets.c.organization_id == organization_id,
        budgets.c.period == place.period.value,
        budgets.c.pipeline_id.is_not_distinct_from(pipeline_id),
    )
    gone = await connection.scalar(budgets.delete().where(mine).returning(budgets.c.id))
    if gone is not None:
        await forget_windows(connection, organization_id, gone)
    return gone is not None


async def wake_postponed(connection: Transaction, organization_id: UUID) -> int:
    """Let every stage that waits for a budget be tried again now. Returns how many runs that is.

    In a transaction after the one that changed the budget: who was refused by the old one was driven then, and is
    found here either with its stage waiting, or still driven; its driver, or its next checkpoint, hears of the signal.
    """
    under_way = and_(runs.c.organization_id == organization_id, runs.c.status.in_(("waiting", "running")))
    # Locked first: a checkpoint that is under way is over before we look at what it leaves waiting.
    locked = select(runs.c.id).where(under_way).order_by(runs.c.id).with_for_update(key_share=True)
    await connection.execute(select(func.count()).select_from(locked.subquery()))
    waiting = and_(
        stage_runs.c.organization_id == organization_id,
        stage_runs.c.status == "waiting",
        func.jsonb_extract_path_text(stage_runs.c.error, "code") == BUDGET_EXHAUSTED,
        select(literal(1)).where(under_way, runs.c.id == stage_runs.c.run_id).exists(),
    )
    woken = update(stage_runs).where(waiting).values(due_at=func.clock_timestamp())
    found = woken.returning(stage_runs.c.run_id).cte("found")
    count: int = await connection.scalar(select(func.count(found.c.run_id.distinct())))
    is_waiting = select(literal(1)).where(waiting, stage_runs.c.run_id == runs.c.id).correlate(runs).exists()
    await connection.execute(
        update(runs)
        .where(under_way, or_(runs.c.owner.is_not(None), is_waiting))
        .values(
            inbox=runs.c.inbox + 1,
            due_at=case((runs.c.owner.is_(None), func.clock_timestamp()), else_=runs.c.due_at),
        )
    )
    return count


async def _set_of_run(
    connection: Transaction, organization_id: UUID, run_id: UUID, limit_usd: Decimal | None, rows: Rows
) -> bool:
    mine = and_(
        runs.c.organization_id == organization_id,
        runs.c.id == run_id,
        runs.c.status.in_(("pending", "running", "waiting")),
        runs.c.budget_id.is_(None),  # others have that of what they stem from
        pipelines_seen(organization_id, rows, runs.c.pipeline_id),
    )
    changed = update(runs).where(mine).values(budget_usd=limit_usd).returning(runs.c.id)
    is_there = await connection.scalar(changed) is not None
    if is_there and limit_usd is None:
        await forget_windows(connection, organization_id, run_id)
    return is_there


async def forget_windows(connection: Transaction, organization_id: UUID, budget_id: UUID) -> None:
    """What a budget that is taken away has counted: another one in its place counts anew, from the ledger."""
    await connection.execute(
        budget_windows.delete().where(
            budget_windows.c.organization_id == organization_id, budget_windows.c.budget_id == budget_id
        )
    )


def _of_periods(organization_id: UUID, rows: Rows) -> Any:
    since = func.date_trunc(budgets.c.period, func.clock_timestamp().op("at time zone")("UTC")).op(
        "at time zone"
    )("UTC")
    window = and_(
        budget_windows.c.organization_id == budgets.c.organization_id,
        budget_windows.c.budget_id == budgets.c.id,
        budget_windows.c.since == since,
    )
    pipeline = and_(
        pipelines.c.organization_id == budgets.c.organization_id, pipelines.c.id == budgets.c.pipeline_id
    )
    # A window that no call has opened yet: what was spent before there was a budget.
    spent = (
        select(func.coalesce(func.sum(func.coalesce(llm_calls.c.cost_usd, llm_calls.c.reserved_usd)), 0))
        .select_from(
            llm_calls.outerjoin(
                runs,
                and_(runs.c.organization_id == llm_calls.c.organization_id, runs.c.id == llm_calls.c.run_id),
            )
        )
        .where(
            llm_calls.c.organization_id == budgets.c.organization_id,
            llm_calls.c.answered_by == "provider",
            llm_calls.c.created_at >= since,
            or_(budgets.c.pipeline_id.is_(None), runs.c.pipeline_id == budgets.c.pipeline_id),
        )
        .scalar_subquery()
    )
    return (
        select(
            budgets.c.period,
            budgets.c.limit_usd,
            budgets.c.allows_unpriced,
            pipelines.c.name.label("pipeline"),
            null().label("run_id"),
            func.coalesce(budget_windows.c.spent_usd, spent).label("spent_usd"),
            func.coalesce(budget_windows.c.reserved_usd, 0).label("reserved_usd"),
        )
        .select_from(budgets.outerjoin(budget_windows, window).outerjoin(pipelines, pipeline))
        .where(
            budgets.c.organization_id == organization_id,
            pipelines_seen(organization_id, rows, budgets.c.pipeline_id),
        )
        .order_by(pipelines.c.name.nulls_first(), budgets.c.period)
    )


def _of_runs(organization_id: UUID, rows: Rows) -> Any:
    window = and_(
        budget_windows.c.organization_id == runs.c.organization_id, budget_windows.c.budget_id == runs.c.id
    )
    under_way = or_(runs.c.status == "pending", runs.c.status == "running", runs.c.status == "waiting")
    return (
        select(
            literal(BudgetPeriod.RUN.value).label("period"),
            runs.c.budget_usd.label("limit_usd"),
            literal(value=False).label("allows_unpriced"),
            null().label("pipeline"),
            runs.c.id.label("run_id"),
            func.coalesce(budget_windows.c.spent_usd, 0).label("spent_usd"),
            func.coalesce(budget_windows.c.reserved_usd, 0).label("reserved_usd"),
        )
        .select_from(runs.outerjoin(budget_windows, window))
        .where(
            runs.c.organization_id == organization_id,
            runs.c.budget_usd.is_not(None),
            runs.c.budget_id.is_(None),  # or it is another's, and shown there
            under_way,
            pipelines_seen(organization_id, rows, runs.c.pipeline_id),
        )
        .order_by(runs.c.id.desc())
        .limit(RUNS_MAX)
    )


def _budget(row: Any, now: datetime) -> Budget:
    period = BudgetPeriod(row["period"])
    return Budget(
        BudgetPlace(period, row["pipeline"], row["run_id"]),
        limit_usd=row["limit_usd"],
        spent_usd=Decimal(row["spent_usd"]),
        reserved_usd=Decimal(row["reserved_usd"]),
        allows_unpriced=row["allows_unpriced"],
        resets_at=window_end(period, now),
    )
