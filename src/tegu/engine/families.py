"""Families of runs: parents are woken when children end, and children are asked to end when parents have.

Run by every worker beside its work. What happened is in two tables, appended to by checkpoints; here it is drained, at once
where this process stored such a checkpoint, and by a look about every second for what a process left that died between the
two. Invariant: each statement is bounded, and may be repeated.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from random import Random

import asyncpg

from tegu.storage.children import Families

log = logging.getLogger("tegu.engine")

_ANSWER_S = 30.0  # a connection may be dead without saying so
_TOGETHER_S = 0.02
"""How long what ends at the same time is waited for, so that one statement wakes for all of it."""


class FamilyWatch:
    """See the module. `wake` is called when runs became due."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", wake: Callable[[], None]) -> None:
        self._families = Families(pool)
        self._wake = wake
        self._news = asyncio.Event()

    def note(self) -> None:
        """A checkpoint of this process ended a run that is of a family."""
        self._news.set()

    async def watch(self, every_s: float, random: Random) -> None:
        """For ever."""
        while True:
            try:
                async with asyncio.timeout(every_s * random.uniform(0.8, 1.2)):
                    await self._news.wait()
                await asyncio.sleep(_TOGETHER_S)
            except TimeoutError:
                pass
            self._news.clear()
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await self._drain(self._families.wake_parents)
                    await self._drain(self._families.cancel_children)
            except Exception as error:  # noqa: BLE001 (the next look may do better)
                log.info("families not looked after: %s", error or type(error).__name__)

    async def _drain(self, step: Callable[[], Awaitable[tuple[int, bool]]]) -> None:
        has_more = True
        while has_more:
            runs, has_more = await step()
            if runs:
                self._wake()
