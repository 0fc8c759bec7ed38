"""A commit lane: one connection, one batch of checkpoints at a time, for the runs whose id hashes to it.

Called by the worker, which marks drivers dirty. Group commit needs no timer: what happens while a batch is being
committed is the next batch. Invariants: a run's checkpoints are stored in order; a batch is settled (stored, refused or
found lost) before the next is taken; an unknown commit outcome is resolved by reading rev.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncpg

from tegu.engine.drive import RunDriver
from tegu.storage.checkpoints import Applied, Checkpoints, RunWrite
from tegu.storage.claims import RunKey

log = logging.getLogger("tegu.engine")

Connect = Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]

# Classes of SQLSTATE that pass: connection, read-only or idle-in-transaction, serialization and deadlock, resources,
# operator intervention; lock timeouts; a plan that a migration made stale.
_PASSING = ("08", "25", "40", "53", "57", "55P03", "0A000")


@dataclass(frozen=True, slots=True)
class LaneOptions:
    """Limits of one batch, and of the wait between attempts to store it."""

    runs_max: int = 200
    size_bytes_max: int = 4_000_000
    retry_s_max: float = 2.0


class CommitLane:
    """`on_applied` gets each driver and what its run has heard; `on_lost` those that belong to another worker now."""

    def __init__(
        self,
        connect: Connect,
        options: LaneOptions,
        *,
        on_applied: Callable[[RunDriver, Applied], None],
        on_lost: Callable[[RunDriver], None],
    ) -> None:
        self._connect = connect
        self._options = options
        self._on_applied = on_applied
        self._on_lost = on_lost
        self._dirty: dict[RunKey, RunDriver] = {}
        self._wake = asyncio.Event()
        self._store: Checkpoints | None = None
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    def mark(self, driver: RunDriver) -> None:
        """Something happened in the run: take it into the next batch."""
        self._dirty[driver.key] = driver
        self._wake.set()

    async def run(self) -> None:
        """Commit batches until cancelled."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while batch := self._collect():
                    await self._settle(batch)
        finally:
            if self._connection is not None:
                self._connection.terminate()

    def _collect(self) -> list[tuple[RunDriver, RunWrite]]:
        batch: list[tuple[RunDriver, RunWrite]] = []
        size_bytes, worker_id = 0, None
        while (
            self._dirty and len(batch) < self._options.runs_max and size_bytes < self._options.size_bytes_max
        ):
            key, driver = next(iter(self._dirty.items()))
            if worker_id is not None and driver.worker_id != worker_id:
                break  # claimed under another id of ours: the next batch
            del self._dirty[key]
            if driver.is_released:
                continue
            write = driver.take()
            if write is not None:
                worker_id = driver.worker_id
                size_bytes += write.size_bytes
                batch.append((driver, write))
        return batch

    async def _settle(self, batch: Sequence[tuple[RunDriver, RunWrite]]) -> None:
        """Store the batch, whatever happens meanwhile; when PostgreSQL refuses it, by halves, to isolate the culprit."""
        attempt = 0
        while batch := [(driver, write) for driver, write in batch if not driver.is_lost]:
            try:
                await self._store_once(batch)
            except Exception as error:  # noqa: BLE001 (sorted by SQLSTATE, not by class)
                if _passes(error):
                    attempt += 1
                    await self._wait(attempt, error)
                    continue
                await self._isolate(batch, error)
            return

    async def _store_once(self, batch: Sequence[tuple[RunDriver, RunWrite]]) -> None:
        store = await self._checkpoints()
        applied = await store.store(batch[0][0].worker_id, [write for _, write in batch])
        missed = [pair for pair, found in zip(batch, applied, strict=True) if found is None]
        resolved = await self._resolve(store, missed) if missed else {}
        for (driver, write), found in zip(batch, applied, strict=True):
            known = found or resolved.get(write.key)
            if known is not None:
                self._on_applied(driver, known)
            else:
                self._on_lost(driver)

    async def _resolve(
        self, store: Checkpoints, missed: Sequence[tuple[RunDriver, RunWrite]]
    ) -> dict[RunKey, Applied]:
        """Zero rows: either an earlier attempt of ours was stored (rev is one higher, the epoch ours), or we are a zombie."""
        fences = await store.read_fences(write.key for _, write in missed)
        return {
            write.key: Applied(fence.cancel_requested, fence.inbox)
            for _, write in missed
            if (fence := fences.get(write.key)) and fence.epoch == write.epoch and fence.rev == write.rev + 1
        }

    async def _isolate(self, batch: Sequence[tuple[RunDriver, RunWrite]], error: Exception) -> None:
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._settle(batch[:middle])
            await self._settle(batch[middle:])
            return
        driver = batch[0][0]
        log.warning("checkpoint of run %s refused: %s", driver.run.id, error)
        driver.refused(error)
        self.mark(driver)

    async def _checkpoints(self) -> Checkpoints:
        if self._store is None or self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
            self._store = Checkpoints(self._connection)
        return self._store

    async def _wait(self, attempt: int, error: Exception) -> None:
        log.warning("checkpoint waits for the database: %s", error or type(error).__name__)
        if self._connection is not None and not isinstance(error, asyncpg.PostgresError):
            # The state of a connection that broke is unknown; the next attempt opens another.
            self._connection.terminate()
            self._store = None
        await asyncio.sleep(min(self._options.retry_s_max, 0.05 * 2 ** min(attempt, 10)))


def lane_of(key: RunKey, lanes: int) -> int:
    """Which lane stores this run's checkpoints."""
    organization_id, run_id = key
    return (organization_id.int ^ run_id.int) % lanes


def _passes(error: Exception) -> bool:
    """Whether waiting may help: by SQLSTATE for what the server says, always for what the connection says."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(_PASSING)
    return not isinstance(error, asyncpg.DataError | TypeError | ValueError | AssertionError | LookupError)
