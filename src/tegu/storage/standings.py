"""Where runs stand, as whoever waits for them looks: status, owner, due time.

Called by the actions that drive and wait, many times a second; it reads nothing but the runs' own rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Double, func, select

from tegu.domain.status import RunStatus
from tegu.storage.tables import runs
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands. `due_in_s` is negative when it is overdue, None when no time is set for it."""

    status: RunStatus
    is_owned: bool
    due_in_s: float | None


async def standings_of(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[UUID, Standing]:
    """Status, ownership and due time of runs; unknown ones are missing."""
    due_in_s = func.extract("epoch", runs.c.due_at - func.clock_timestamp()).cast(Double)
    query = select(runs.c.id, runs.c.status, runs.c.owner, due_in_s.label("due_in_s")).where(
        runs.c.organization_id == organization_id, runs.c.id.in_(run_ids)
    )
    return {
        row.id: Standing(RunStatus(row.status), row.owner is not None, row.due_in_s)
        for row in await connection.execute(query)
    }
