"""Runs by the stage that they are at, or failed in, as a condition for queries.

Called by `run_filters`, inside one organization's transaction. Invariant: a stage that failed has an error, and what is at a stage is
under way; so runs that ended well are looked at only where very many others are meant.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, literal, select, union

from tegu.domain.status import RunStatus, StageStatus
from tegu.storage.tables import runs, stage_runs
from tegu.storage.transaction import Transaction

FEW_MAX = 20_000
"""Runs are looked for one by one where no more than so many can be meant, and from the list's beginning where more."""
_AT_IT = (StageStatus.RUNNING.value, StageStatus.WAITING.value, StageStatus.FAILED.value)
_UNDER_WAY = tuple(status.value for status in RunStatus if not status.is_terminal)


async def are_few_at(connection: Transaction, organization_id: UUID, stage: str) -> bool:
    """Whether few runs that nobody else started can be at a stage, or have failed in it. Asked for before a query is written, so that
    the planner knows.
    """
    for candidates in _candidates(organization_id, stage):
        several = candidates.limit(FEW_MAX + 1).subquery()
        if (await connection.execute(select(func.count()).select_from(several))).scalar_one() > FEW_MAX:
            return False
    return True


def is_at(organization_id: UUID, stage: str, *, are_few: bool) -> ColumnElement[bool]:
    """Whether a run is at a stage now, or failed in it."""
    c = stage_runs.c
    at_it = (
        select(literal(1))
        .where(
            c.organization_id == organization_id,
            c.run_id == runs.c.id,
            c.stage == stage,
            c.status.in_(_AT_IT),
        )
        .correlate(runs)
        .exists()
    )
    if not are_few:
        return at_it
    candidates = union(*_candidates(organization_id, stage)).cte("may_be_at").prefix_with("materialized")
    return and_(runs.c.id.in_(select(candidates.c.run_id)), at_it)


def _candidates(organization_id: UUID, stage: str) -> tuple[Select[Any], ...]:
    """Runs with an error of it, which say why they failed or wait; and those that are under way, but for what others started."""
    c, run = stage_runs.c, runs.alias("under_way").c
    said_why = select(c.run_id).where(
        c.organization_id == organization_id, c.stage == stage, c.error.is_not(None)
    )
    under_way = [
        select(run.id.label("run_id")).where(
            run.organization_id == organization_id, run.status == status, run.parent_id.is_(None)
        )
        for status in _UNDER_WAY
    ]
    return said_why, *under_way
