"""The runs of backfills: started so many at a time, counted, and ended.

Called by the actions, under tegu_app. Invariant: `started` is moved by whoever holds the backfill's row, in the transaction that
inserts the runs of the targets up to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from tegu.domain.backfill import Backfill, BackfillProgress
from tegu.domain.call import EMBEDDED
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.run import CallTotals, TriggeredBy
from tegu.pipeline.features import needs_of
from tegu.storage.backfills import set_backfill
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.reservations import BUDGET_EXHAUSTED
from tegu.storage.rows import cost_of
from tegu.storage.tables import backfill_targets, contents, llm_calls, runs, stage_runs
from tegu.storage.transaction import Transaction

_OPEN = ("pending", "running", "waiting")


@dataclass(frozen=True, slots=True)
class Target:
    """A target whose turn it is; `content_id` and `thread_id` are None where there is nothing to run over any more. `read_at` is the
    time of which its base read.
    """

    position: int
    base_run_id: UUID
    content_id: UUID | None
    thread_id: UUID | None
    read_at: datetime | None
    metadata: JsonObject | None

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing to run over."""
        return self.content_id is None and self.thread_id is None


async def next_targets(
    connection: Transaction, organization_id: UUID, backfill: Backfill, limit: int
) -> list[Target]:
    """The next of those that are wanted."""
    is_there = (
        select(literal(1))
        .where(
            contents.c.organization_id == organization_id,
            or_(contents.c.id == runs.c.content_id, contents.c.thread_id == runs.c.thread_id),
            contents.c.deleted_at.is_(None),
        )
        .exists()
    )
    base = and_(
        runs.c.organization_id == organization_id,
        runs.c.id == backfill_targets.c.base_run_id,
        runs.c.erased_at.is_(None),
        is_there,
    )
    query = (
        select(
            backfill_targets.c.position,
            backfill_targets.c.base_run_id,
            runs.c.content_id,
            runs.c.thread_id,
            func.coalesce(runs.c.pinned_at, runs.c.created_at),
            runs.c.metadata,
        )
        .select_from(backfill_targets.outerjoin(runs, base))
        .where(
            backfill_targets.c.organization_id == organization_id,
            backfill_targets.c.backfill_id == backfill.id,
            backfill_targets.c.position > backfill.started,
            backfill_targets.c.position <= min(backfill.wanted, backfill.started + limit),
        )
        .order_by(backfill_targets.c.position)
    )
    return [Target(*row) for row in (await connection.execute(query)).all()]


async def start_targets(
    connection: Transaction,
    organization_id: UUID,
    backfill: Backfill,
    version: PipelineVersion,
    triggered_by: TriggeredBy,
    targets: Sequence[Target],
) -> None:
    """Insert their runs; those that are gone are noted so. `started` moves past all of them."""
    mine = and_(
        backfill_targets.c.organization_id == organization_id,
        backfill_targets.c.backfill_id == backfill.id,
    )
    made = [(new_id(), each) for each in targets if not each.is_gone]
    if made:
        functions = sorted(needs_of(version.definition))
        deadline_s = version.definition.deadline_s
        deadline = None if deadline_s is None else func.clock_timestamp() + timedelta(seconds=deadline_s)
        rows: list[dict[str, Any]] = [
            {
                "organization_id": organization_id,
                "id": run_id,
                "pipeline_id": version.pipeline_id,
                "version_id": version.id,
                "content_id": each.content_id,
                "thread_id": each.thread_id,
                "functions": functions,
                "model": backfill.model,
                "budget_usd": backfill.budget_usd,
                "budget_id": backfill.id,
                "backfill_id": backfill.id,
                "reuse_from": each.base_run_id,
                "priority": backfill.priority,
                "triggered_by": triggered_by.value,
                # As the base was: conditions read the metadata, and a thread is read as it was then.
                "metadata": each.metadata,
                "pinned_at": each.read_at,
                "deadline_at": deadline,
            }
            for run_id, each in made
        ]
        await connection.execute(insert(runs).values(rows))
        starts = {each.position: run_id for run_id, each in made}
        await connection.execute(
            update(backfill_targets)
            .where(mine, backfill_targets.c.position.in_(starts))
            .values(run_id=case(starts, value=backfill_targets.c.position))
        )
    gone = [each.position for each in targets if each.is_gone]
    if gone:
        is_one = backfill_targets.c.position.in_(gone)
        await connection.execute(update(backfill_targets).where(mine, is_one).values(is_gone=True))
    started = targets[-1].position
    await set_backfill(connection, organization_id, backfill.id, started=started, note=None)


async def raise_budget(
    connection: Transaction, organization_id: UUID, backfill_id: UUID, budget_usd: Decimal | None
) -> None:
    """Let its runs that have not ended, and the runs of their stages, have another budget."""
    await connection.execute(
        update(runs)
        .where(
            runs.c.organization_id == organization_id,
            runs.c.budget_id == backfill_id,
            runs.c.status.in_(_OPEN),
        )
        .values(budget_usd=budget_usd)
    )


async def cancel_runs(connection: Transaction, organization_id: UUID, backfill_id: UUID) -> int:
    """Ask for the end of its runs. Returns how many are under way."""
    mine = and_(
        runs.c.organization_id == organization_id,
        runs.c.backfill_id == backfill_id,
        runs.c.status.in_(_OPEN),
    )
    locked = select(runs.c.id).where(mine).order_by(runs.c.id).with_for_update(key_share=True)
    under_way: int = await connection.scalar(select(func.count()).select_from(locked.subquery()))
    await connection.execute(
        update(runs)
        .where(mine)
        .values(
            cancel_requested_at=func.coalesce(runs.c.cancel_requested_at, func.clock_timestamp()),
            inbox=runs.c.inbox + 1,
            due_at=case((runs.c.owner.is_(None), func.clock_timestamp()), else_=runs.c.due_at),
        )
    )
    return under_way


async def count_open(connection: Transaction, organization_id: UUID, backfill_id: UUID) -> int:
    """How many of its runs have not ended."""
    query = select(func.count()).where(
        runs.c.organization_id == organization_id,
        runs.c.backfill_id == backfill_id,
        runs.c.status.in_(_OPEN),
    )
    found: int = await connection.scalar(query)
    return found


async def progress_of(connection: Transaction, organization_id: UUID, backfill_id: UUID) -> BackfillProgress:
    """How far it is."""
    by_status = (
        select(runs.c.status, func.count())
        .where(runs.c.organization_id == organization_id, runs.c.backfill_id == backfill_id)
        .group_by(runs.c.status)
    )
    counts = {row[0]: row[1] for row in (await connection.execute(by_status)).all()}
    totals = await totals_of(connection, organization_id, backfill_id)
    return BackfillProgress(
        runs=counts,
        waits_for_budget=await wait_for_budget(connection, organization_id, backfill_id),
        calls=totals.calls,
        input_tokens=totals.input_tokens,
        output_tokens=totals.output_tokens,
        cost_usd=totals.cost_usd,
        unknown_costs=totals.unknown_costs,
    )


async def totals_of(
    connection: Transaction,
    organization_id: UUID,
    backfill_id: UUID,
    *,
    after: int = 0,
    upto: int | None = None,
) -> CallTotals:
    """The calls of its runs and of the runs that these started, of all targets or of those in between, added up."""
    family = select(runs.c.id).where(
        runs.c.organization_id == organization_id, runs.c.budget_id == backfill_id
    )
    if upto is not None:
        meant = select(backfill_targets.c.run_id).where(
            backfill_targets.c.organization_id == organization_id,
            backfill_targets.c.backfill_id == backfill_id,
            backfill_targets.c.position > after,
            backfill_targets.c.position <= upto,
        )
        family = family.where(func.coalesce(runs.c.root_id, runs.c.id).in_(meant))
    calls = llm_calls.c
    query = select(
        func.count().label("calls"),
        func.coalesce(func.sum(calls.input_tokens), 0).label("input_tokens"),
        func.coalesce(func.sum(calls.output_tokens), 0).label("output_tokens"),
        func.coalesce(func.sum(calls.cost_usd), 0).label("cost_usd"),
        func.count().filter(calls.cost_usd.is_(None), calls.provider.not_in(EMBEDDED)).label("unknown_costs"),
    ).where(
        calls.organization_id == organization_id,
        calls.run_id.in_(family),
        calls.answered_by == "provider",
    )
    row = (await connection.execute(query)).mappings().one()
    cost = cost_of(row["cost_usd"]) or Decimal(0)
    return CallTotals(row["calls"], row["input_tokens"], row["output_tokens"], cost, row["unknown_costs"])


async def wait_for_budget(connection: Transaction, organization_id: UUID, backfill_id: UUID) -> int:
    """How many of its runs, and of those that they started, wait for a budget."""
    waits = and_(
        stage_runs.c.organization_id == organization_id,
        stage_runs.c.run_id == runs.c.id,
        stage_runs.c.status == "waiting",
        func.jsonb_extract_path_text(stage_runs.c.error, "code") == BUDGET_EXHAUSTED,
    )
    query = (
        select(func.count(runs.c.id.distinct()))
        .select_from(runs.join(stage_runs, waits))
        .where(
            runs.c.organization_id == organization_id,
            runs.c.budget_id == backfill_id,
            runs.c.status == "waiting",
        )
    )
    found: int = await connection.scalar(query)
    return found
