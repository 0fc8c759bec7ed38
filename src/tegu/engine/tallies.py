"""The chore of adding what came to the tallies, a few minutes later.

Made by the runtime for workers that drive everybody's runs. Invariant: any number of workers may do it at once, or none for a while:
lists then read more of the ledger, and show the same.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from uuid import UUID

import asyncpg

from tegu.storage.tallies import organizations_to_tally, tally

log = logging.getLogger("tegu.engine")

EVERY_S = 300.0
_FIRST_S = 10.0
"""After the start: a service that was down for long has much to add."""
_ANSWER_S = 60.0


async def tally_for_ever(
    pool: Callable[[], Awaitable["asyncpg.Pool[asyncpg.Record]"]], *, random: Random, every_s: float = EVERY_S
) -> None:
    """Never returns; workers that were started together do not meet."""
    wait_s = min(_FIRST_S, every_s)
    while True:
        await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
        wait_s = every_s
        try:
            await tally_all(await pool())
        except Exception as error:  # noqa: BLE001 (the next round may do better)
            log.warning("usage not tallied: %s", error or type(error).__name__)


async def tally_all(pool: "asyncpg.Pool[asyncpg.Record]", **more: float) -> None:
    """Every organization, until nothing is left to add. Each gets a turn before any gets another."""
    async with asyncio.timeout(_ANSWER_S):
        left = await organizations_to_tally(pool)
    while left:
        having_more = list[UUID]()
        for organization_id in left:
            async with asyncio.timeout(_ANSWER_S):
                if await tally(pool, organization_id, **more):
                    having_more.append(organization_id)
        left = having_more
