"""The chore of recording what a day came to, for the organizations that want to be told.

Made by the runtime for workers that drive everybody's runs. Invariant: any number of workers may do it at once; each day is told
once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random

import asyncpg

from tegu.storage.usage import organizations_to_record, record_usage

log = logging.getLogger("tegu.engine")

EVERY_S = 900.0
GRACE_S = 3600.0
"""After the end of a day, in which calls under way at midnight end."""
DAYS = 3
"""How long a day is looked at again for calls that ended late."""
_ANSWER_S = 60.0


async def record_for_ever(
    pool: Callable[[], Awaitable["asyncpg.Pool[asyncpg.Record]"]],
    *,
    random: Random,
    every_s: float = EVERY_S,
    grace_s: float = GRACE_S,
) -> None:
    """Never returns; workers that were started together do not meet."""
    while True:
        await asyncio.sleep(every_s * random.uniform(0.5, 1.0))
        try:
            for organization_id in await organizations_to_record(await pool()):
                async with asyncio.timeout(_ANSWER_S):
                    await record_usage(await pool(), organization_id, days=DAYS, grace_s=grace_s)
        except Exception as error:  # noqa: BLE001 (the next round may do better)
            log.warning("usage not recorded: %s", error or type(error).__name__)
