"""Waking sleepers: NOTIFY is a hint that something became due; polling is the truth.

`Listener` is the worker's ear, `Notifier` the mouth of whoever starts runs. Invariant: losing every notification costs
at most one poll interval.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

import asyncpg

log = logging.getLogger("tegu.engine")

CHANNEL = "tegu_wake"
_CHECK_S = 30.0  # a connection may be dead without saying so
_CHECK_ANSWER_S = 10.0

Connect = Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]


def _close(closed: asyncio.Event, _: object) -> None:
    closed.set()


async def listen(connect: Connect, wake: Callable[[], None], *, retry_s: float = 1.0) -> None:
    """Call `wake` at every notification, and after every reconnection, until cancelled."""
    await hear(connect, CHANNEL, lambda _: wake(), retry_s=retry_s)


async def hear(connect: Connect, channel: str, tell: Callable[[str], None], *, retry_s: float = 1.0) -> None:
    """Pass on what is said on a channel, and nothing ("") after every reconnection, until cancelled."""

    def heard(*said: object) -> None:
        tell(str(said[-1]))

    while True:
        connection: asyncpg.Connection[asyncpg.Record] | None = None
        try:
            connection = await connect()
            closed = asyncio.Event()
            connection.add_termination_listener(partial(_close, closed))
            await connection.add_listener(channel, heard)
            tell("")
            while not closed.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CHECK_S):
                        await closed.wait()
                await connection.fetchval("select 1", timeout=_CHECK_ANSWER_S)
        except Exception as error:  # noqa: BLE001 (any way to lose the ear is answered by polling and a new try)
            log.info("not listening: %s", error or type(error).__name__)
        finally:
            if connection is not None:
                connection.terminate()
        await asyncio.sleep(retry_s)


class Notifier:
    """Says once that something is due, however many starts happened while the last saying was under way."""

    def __init__(self, pool: Callable[[], Awaitable["asyncpg.Pool[asyncpg.Record]"]]) -> None:
        self._pool = pool
        self._again = False
        self._task: asyncio.Task[None] | None = None

    def notify(self) -> None:
        """Wake the workers soon. Never fails: polling is the truth."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._say())
        else:
            self._again = True

    async def close(self) -> None:
        """Let the last word out."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=2.0)

    async def _say(self) -> None:
        while True:
            self._again = False
            try:
                pool = await self._pool()
                await pool.execute("select pg_notify($1, '')", CHANNEL)
            except Exception as error:  # noqa: BLE001 (see the invariant above)
                log.info("nobody woken: %s", error or type(error).__name__)
            if not self._again:
                return
