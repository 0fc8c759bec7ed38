"""Runs as people and programs start and cancel them.

Called by the actions, inside one organization's transaction. Invariant: nothing here changes a status.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from sqlalchemy import TIMESTAMP, case, cast, func, insert, select, update

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.run import TriggeredBy
from tegu.domain.status import RunStatus
from tegu.pipeline.features import CHILD_RUNS, needs_of
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.tables import runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen


@dataclass(frozen=True, slots=True)
class ForkOrigin:
    """Where a fork goes on from: a stage of a run, whose time and input it has. `edits` says what was changed, and by whom."""

    run_id: UUID
    stage: str
    pinned_at: datetime
    input: JsonObject | None = None
    edits: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to be inserted: exactly one of `content_id` and `thread_id`; due now, at `due_at` or after `delay_s`. `reuse_from` is a
    run over the same input.
    """

    version: PipelineVersion
    content_id: UUID | None = None
    thread_id: UUID | None = None
    model: str | None = None
    triggered_by: TriggeredBy = TriggeredBy.LIBRARY
    metadata: JsonObject | None = None
    budget_usd: Decimal | None = None
    priority: int = 0
    due_at: datetime | None = None
    delay_s: float = 0.0
    reuse_from: UUID | None = None
    origin: ForkOrigin | None = None


async def insert_run(connection: Transaction, organization_id: UUID, new: NewRun) -> UUID:
    """Insert a run. It exists when the transaction commits."""
    run_id, origin = new_id(), new.origin
    # Never before now: that would be a place in the queue for nothing.
    due_at = func.greatest(
        func.clock_timestamp() + timedelta(seconds=new.delay_s),
        cast(new.due_at, TIMESTAMP(timezone=True)),
    )
    needs = needs_of(new.version.definition)
    if origin is not None and origin.input is not None:
        needs |= {CHILD_RUNS}
    deadline_s = new.version.definition.deadline_s
    await connection.execute(
        insert(runs).values(
            organization_id=organization_id,
            id=run_id,
            pipeline_id=new.version.pipeline_id,
            version_id=new.version.id,
            content_id=new.content_id,
            thread_id=new.thread_id,
            functions=sorted(needs),
            model=new.model,
            budget_usd=new.budget_usd,
            priority=new.priority,
            due_at=due_at,
            deadline_at=None if deadline_s is None else due_at + timedelta(seconds=deadline_s),
            triggered_by=new.triggered_by.value,
            metadata=new.metadata or {},
            reuse_from=new.reuse_from,
            forked_from=origin and origin.run_id,
            fork_stage=origin and origin.stage,
            pinned_at=origin and origin.pinned_at,
            input=origin and origin.input,
            edits=origin and origin.edits,
        )
    )
    return run_id


async def request_cancel(
    connection: Transaction, organization_id: UUID, run_id: UUID, rows: Rows = ALL_ROWS
) -> RunStatus | None:
    """Ask for the end of a run: signal it, and make it due if nobody owns it. None: there is no such run.

    A run that is terminal already is left alone; its status is returned.
    """
    mine = (runs.c.organization_id == organization_id) & (runs.c.id == run_id)
    mine &= pipelines_seen(organization_id, rows, runs.c.pipeline_id)
    status = await connection.scalar(select(runs.c.status).where(mine).with_for_update(key_share=True))
    if status is None or RunStatus(status).is_terminal:
        return None if status is None else RunStatus(status)
    await connection.execute(
        update(runs)
        .where(mine)
        .values(
            cancel_requested_at=func.coalesce(runs.c.cancel_requested_at, func.clock_timestamp()),
            inbox=runs.c.inbox + 1,
            due_at=case((runs.c.owner.is_(None), func.clock_timestamp()), else_=runs.c.due_at),
        )
    )
    return RunStatus(status)
