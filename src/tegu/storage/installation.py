"""How a whole installation is: counts that are cut off, so that looking costs little however much there is.

Called by the action `health`. Invariant: it only reads, as the engine's role; it never reads a run that has ended.
"""

import asyncpg

from tegu.domain.installation import Backlog, Installation, Leases, WaitingReason
from tegu.storage.statements import statement
from tegu.storage.workers import Workers

COUNTED_MAX = 100_000
REASONS_OF = 1_000
"""Waiting runs whose reasons are looked at."""


async def look(
    door: "asyncpg.Pool[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]",
    *,
    counted_max: int = COUNTED_MAX,
) -> Installation:
    """Look, with few statements, each of its own moment. Raises what asyncpg raises."""
    workers = Workers(door)
    row = await door.fetchrow(statement("look_at_installation"), counted_max)
    assert row is not None
    reasons = await door.fetch(statement("waiting_reasons"), REASONS_OF)
    return Installation(
        at=row["at"],
        workers=await workers.living(),
        backlog=Backlog(row["due"], row["oldest_due_s"], row["waiting"], row["scheduled"], row["cancelling"]),
        reasons=tuple(WaitingReason(reason["code"], reason["runs"]) for reason in reasons),
        unserved=await workers.unserved(),
        leases=Leases(row["owned"], row["stranded"], row["oldest_beat_s"]),
        stages=row["stages"],
        calls=row["calls"],
        counted_max=counted_max,
        is_capped=row["is_capped"],
    )
