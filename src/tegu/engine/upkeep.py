"""What any worker does for all of them: declare dead whose lease has ended, free their runs, forget the long dead.

Run by each worker beside its own work. Invariant: every step may be done by several workers at once, or not at all for
a while; none is needed for what a living worker owns.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random
from uuid import UUID

from tegu.storage.workers import Workers

log = logging.getLogger("tegu.engine")

Chore = Callable[[], Awaitable[None]]
"""Something else that any worker does for all: it never returns, and bounds its own waits."""

_ANSWER_S = 30.0  # a connection may be dead without saying so
_FORGET_SHARE = 0.01


async def look_after_others(
    workers: Workers, lease_s: float, every_s: float, random: Random, wake: Callable[[], None]
) -> None:
    """For ever, about every `every_s`. `wake` is called when runs became free."""
    while True:
        await asyncio.sleep(every_s * random.uniform(0.8, 1.2))
        try:
            async with asyncio.timeout(_ANSWER_S):
                await workers.mark_dead(lease_s=lease_s)
                if await workers.sweep():
                    wake()
                if random.random() < _FORGET_SHARE:
                    await workers.forget()
        except Exception as error:  # noqa: BLE001 (the next look may do better)
            log.info("others not looked after: %s", error or type(error).__name__)


async def retire(workers: Workers, worker_id: UUID, *, within_s: float) -> None:
    """Say goodbye; a worker that still owns runs keeps its row until its lease ends, so that they are freed."""
    try:
        async with asyncio.timeout(within_s):
            await workers.retire(worker_id)
    except Exception as error:  # noqa: BLE001 (the end of a worker must not be an error of its own)
        log.info("not retired, the lease will end by itself: %s", error or type(error).__name__)
