"""Tallies: what the ledger says, added up once and kept, so that nobody adds up all of it to show a list.

Called by the engine's chore. Invariant: a run, a call and a content are in the tallies once, or after the mark; migration 0057 says why
none is missed.
"""

from uuid import UUID

import asyncpg

from tegu.storage.statements import statement

STEP_S = 86_400.0
"""How much of the past is added by one statement."""
STATEMENT_S = 60.0
"""Twice the time for which our own statements may run."""


async def organizations_to_tally(pool: "asyncpg.Pool[asyncpg.Record]") -> list[UUID]:
    """All of them; who is new has a mark from now on."""
    return [row["organization_id"] for row in await pool.fetch(statement("mark_tallies"))]


async def tally(
    pool: "asyncpg.Pool[asyncpg.Record]",
    organization_id: UUID,
    *,
    step_s: float = STEP_S,
    statement_s: float = STATEMENT_S,
) -> bool:
    """Add what has come, and move the mark. Returns whether there is more to add at once."""
    return await pool.fetchval(statement("tally"), organization_id, step_s, statement_s)
