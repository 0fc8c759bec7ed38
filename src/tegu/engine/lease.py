"""The lease of a worker: a thread of its own renews it, so that a busy event loop does not lose it, and stops renewing
when the event loop has not ticked for too long, so that a stuck worker does.

Called by the worker. Invariants: a worker that cannot be sure of its lease owns nothing; a lost lease means a new id.
"""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import asyncpg

from tegu.domain.ids import new_id
from tegu.storage.workers import Workers
from tegu.telemetry import measured

log = logging.getLogger("tegu.engine")

Connect = Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]

# How long before the end of the lease, by our clock, we stop trusting it.
_MARGIN_S = 0.5


@dataclass(frozen=True, slots=True)
class LeaseOptions:
    """`lease_s` is what the others wait before they take over; `stall_s` how long the event loop may stand still."""

    lease_s: float = 6.0
    beat_s: float = 1.5
    stall_s: float = 30.0


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """What a worker says of itself."""

    version: str
    concurrency: int
    functions: tuple[str, ...]
    drives_all: bool = True


class Lease:
    """One worker's id and lease. `on_lost` is called in the event loop that started it, with the id that is gone."""

    def __init__(
        self,
        connect: Connect,
        facts: WorkerFacts,
        options: LeaseOptions,
        *,
        on_lost: Callable[[UUID], None],
        on_held: Callable[[UUID], None],
    ) -> None:
        self._connect = connect
        self._facts = facts
        self._options = options
        self._on_lost = on_lost
        self._on_held = on_held
        self._loop = asyncio.get_running_loop()
        self._last_tick = monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tegu-lease", daemon=True)

    def start(self) -> None:
        """Begin to register and renew; `on_held` says when the worker may claim."""
        self._tick()
        self._thread.start()

    async def stop(self) -> None:
        """End the thread. The worker retires its id itself, after it has released its runs."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join, self._options.beat_s * 4)

    def _tick(self) -> None:
        self._last_tick = monotonic()
        if not self._stopping.is_set():
            self._loop.call_later(min(0.5, self._options.stall_s / 4), self._tick)

    def _tell(self, callback: Callable[[UUID], None], worker_id: UUID) -> None:
        # The loop is closed when the process ends without stopping us; then nobody is left to be told.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback, worker_id)

    # Below: the thread.

    def _run(self) -> None:
        asyncio.run(self._live())

    async def _live(self) -> None:
        connection: asyncpg.Connection[asyncpg.Record] | None = None
        try:
            while not self._stopping.is_set():
                worker_id, asked = new_id(), monotonic()
                connection = await self._register(worker_id, connection)
                if connection is not None:
                    valid_until = asked + self._options.lease_s - _MARGIN_S
                    connection = await self._hold(worker_id, connection, valid_until)
        finally:
            if connection is not None:
                connection.terminate()

    async def _register(
        self, worker_id: UUID, connection: "asyncpg.Connection[asyncpg.Record] | None"
    ) -> "asyncpg.Connection[asyncpg.Record] | None":
        try:
            async with asyncio.timeout(self._options.lease_s):
                connection = connection or await self._connect()
                await Workers(connection).register(
                    worker_id,
                    host=socket.gethostname(),
                    pid=os.getpid(),
                    version=self._facts.version,
                    concurrency=self._facts.concurrency,
                    functions=self._facts.functions,
                    lease_s=self._options.lease_s,
                    drives_all=self._facts.drives_all,
                )
        except Exception as error:  # noqa: BLE001 (whatever it is, a worker without a lease tries again)
            log.warning("no lease yet: %s", error or type(error).__name__)
            if connection is not None:
                connection.terminate()
            await self._sleep(min(1.0, self._options.beat_s))
            return None
        return connection

    async def _hold(
        self, worker_id: UUID, connection: "asyncpg.Connection[asyncpg.Record]", valid_until: float
    ) -> "asyncpg.Connection[asyncpg.Record] | None":
        """Renew until the lease is lost or we are stopped. Returns the connection if it is still good."""
        alive: asyncpg.Connection[asyncpg.Record] | None = connection
        self._tell(self._on_held, worker_id)
        while not self._stopping.is_set():
            # Never past the end of the lease: runs are dropped before others may take them.
            await self._sleep(min(self._options.beat_s, valid_until - monotonic()))
            if monotonic() - self._last_tick > self._options.stall_s:
                log.warning("the event loop stands still: the lease is not renewed")
            else:
                asked = monotonic()
                alive, held = await self._beat(worker_id, alive, valid_until - asked)
                if held is False:
                    break
                if held:
                    valid_until = asked + self._options.lease_s - _MARGIN_S
            if monotonic() > valid_until:
                break
        else:
            return alive
        log.warning("lease of worker %s lost", worker_id)
        measured.LEASES_LOST.add(1)
        self._tell(self._on_lost, worker_id)
        return alive

    async def _beat(
        self, worker_id: UUID, connection: "asyncpg.Connection[asyncpg.Record] | None", left_s: float
    ) -> tuple["asyncpg.Connection[asyncpg.Record] | None", bool | None]:
        """Renew once. The answer is None when it is not known."""
        try:
            async with asyncio.timeout(max(0.1, left_s)):
                connection = connection or await self._connect()
                return connection, await Workers(connection).beat(worker_id, lease_s=self._options.lease_s)
        except Exception as error:  # noqa: BLE001 (any failure to renew is the same to us)
            log.warning("lease not renewed: %s", error or type(error).__name__)
            if connection is not None:
                connection.terminate()
            return None, None

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but notice a stop."""
        end = monotonic() + seconds
        while not self._stopping.is_set() and (left := end - monotonic()) > 0:  # noqa: ASYNC110 (another thread stops us)
            await asyncio.sleep(min(left, 0.1))
