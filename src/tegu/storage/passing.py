"""The bodies of model calls that are kept until their run ends, and no longer.

Called by the chore of the workers. Invariant: it takes bodies of calls that began under such a setting, whatever is set by now.
"""

import asyncpg

from tegu.storage.statements import statement

_AT_ONCE = 500


async def forget_bodies(pool: "asyncpg.Pool[asyncpg.Record]") -> int:
    """Take those whose run has ended, of all organizations. How many."""
    total, found = 0, _AT_ONCE
    while found == _AT_ONCE:
        found = int(await pool.fetchval(statement("forget_bodies"), _AT_ONCE))
        total += found
    return total
