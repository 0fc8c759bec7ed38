"""How the runs of one organization stand: counts that are cut off, so that looking costs little however much there is.

Called by the action `runs.backlog`. Invariant: of each status only so many rows are looked at, by the indexes of unfinished runs and
of statuses; runs that other runs started are theirs.
"""

from uuid import UUID

from sqlalchemy import and_, func, literal, select

from tegu.domain.actor import Rows
from tegu.domain.backlog import RunBacklog
from tegu.domain.status import RunStatus
from tegu.storage.tables import runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

COUNTED_MAX = 10_000
_DAY_S = 86_400.0


async def backlog_of(
    connection: Transaction,
    organization_id: UUID,
    rows: Rows,
    *,
    has_worker: bool,
    counted_max: int = COUNTED_MAX,
) -> RunBacklog:
    """Look, in one statement."""
    c = runs.c
    now = func.statement_timestamp()
    ours = and_(
        c.organization_id == organization_id,
        c.parent_id.is_(None),
        pipelines_seen(organization_id, rows, c.pipeline_id),
    )
    free = (
        select(c.status, c.due_at)
        .where(ours, c.owner.is_(None), c.due_at.is_not(None))
        .limit(counted_max)
        .cte("free")
    )
    running = (
        select(literal(1)).where(ours, c.status == RunStatus.RUNNING.value).limit(counted_max).subquery()
    )
    failed = (
        select(c.ended_at)
        .where(ours, c.status == RunStatus.FAILED.value)
        .order_by(c.id.desc())
        .limit(counted_max)
        .subquery()
    )
    day_ago = now - func.make_interval(0, 0, 0, 0, 0, 0, _DAY_S)
    is_due = free.c.due_at <= now
    is_waiting = free.c.status == RunStatus.WAITING.value
    found = await connection.execute(
        select(
            func.count().label("looked_at"),
            func.count().filter(is_due).label("due"),
            func.extract("epoch", now - func.min(free.c.due_at).filter(is_due)).label("oldest_due_s"),
            func.count().filter(~is_due, is_waiting).label("waiting"),
            func.count().filter(~is_due, ~is_waiting).label("scheduled"),
            select(func.count()).select_from(running).scalar_subquery().label("running"),
            select(func.count()).where(failed.c.ended_at > day_ago).scalar_subquery().label("failed"),
        ).select_from(free)
    )
    row = found.one()
    return RunBacklog(
        has_worker=has_worker,
        due=row.due,
        oldest_due_s=None if row.oldest_due_s is None else float(row.oldest_due_s),
        waiting=row.waiting,
        scheduled=row.scheduled,
        running=row.running,
        failed_in_day=row.failed,
        is_capped=counted_max in (row.looked_at, row.running, row.failed),
    )
