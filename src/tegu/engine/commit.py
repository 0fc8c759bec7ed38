"""A commit lane: one connection, one batch of checkpoints at a time, for the runs whose id hashes to it.

Called by the worker, which marks drivers dirty. Group commit needs no timer: what happens while a batch is being
committed is the next batch. Invariants: a run's checkpoints are stored in order; a batch is settled (stored, refused or
found lost) before the next is taken; an unknown commit outcome is resolved by reading rev.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import asyncpg

from tegu.engine.drive import RunDriver
from tegu.storage.checkpoints import Applied, Checkpoints, RunWrite
from tegu.storage.claims import RunKey
from tegu.telemetry import measured

log = logging.getLogger("tegu.engine")

_ONE_LANE_RUNS = 16

Connect = Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]

# Classes of SQLSTATE that pass: connection, read-only or idle-in-transaction, serialization and deadlock, resources,
# operator intervention; lock timeouts; a plan that a migration made stale. And those that say something of the
# schema, the login or the rights, never of the values: an operator's to mend, not a run's to fail for.
_PASSING = ("08", "25", "40", "53", "57", "55P03", "0A000", "28", "3D", "3F", "42")
_STATEMENT_TIMEOUT = "57014"


@dataclass(frozen=True, slots=True)
class LaneOptions:
    """Limits of one batch, of the wait for its answer (which grows with every attempt, fourfold at most: a connection
    may be dead without saying so), and of the wait between attempts to store it.
    """

    runs_max: int = 200
    size_bytes_max: int = 4_000_000
    retry_s_max: float = 2.0
    store_s: float = 10.0


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
            try:
                write = driver.take()
            except Exception:  # a defect of ours must cost one run its turn, not all their worker
                log.exception("run %s is dropped: no checkpoint can be made of it", driver.run.id)
                self._on_lost(driver)
                continue
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
                async with asyncio.timeout(self._options.store_s * min(4, attempt + 1)):
                    stored = await self._store_once(batch)
            except Exception as error:  # noqa: BLE001 (sorted by SQLSTATE, not by class)
                if _passes(error) and not (len(batch) > 1 and attempt > 1 and _is_too_slow(error)):
                    attempt += 1
                    await self._wait(attempt, error)
                    continue
                await self._isolate(batch, error)
                return
            # Outside of the try: what is stored must not be stored again because of what follows from it.
            _count([write for (_, write), (_, found) in zip(batch, stored, strict=True) if found], len(batch))
            for driver, applied in stored:
                self._follow(driver, applied)
            return

    def _follow(self, driver: RunDriver, applied: Applied | None) -> None:
        if driver.is_lost:
            return  # while the answer was under way; somebody has dealt with it
        try:
            if applied is None:
                self._on_lost(driver)
            else:
                self._on_applied(driver, applied)
        except Exception:
            log.exception("run %s is dropped: it cannot go on", driver.run.id)
            driver.is_lost = True
            self._on_lost(driver)

    async def _store_once(
        self, batch: Sequence[tuple[RunDriver, RunWrite]]
    ) -> list[tuple[RunDriver, Applied | None]]:
        store = await self._checkpoints()
        began = perf_counter()
        applied = await store.store(batch[0][0].worker_id, [write for _, write in batch])
        measured.COMMITS.observe(perf_counter() - began)
        missed = [pair for pair, found in zip(batch, applied, strict=True) if found is None]
        resolved = await self._resolve(store, missed) if missed else {}
        return [
            (driver, found or resolved.get(write.key))
            for (driver, write), found in zip(batch, applied, strict=True)
        ]

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
        measured.CHECKPOINTS.add(1, "refused")
        if driver.refused(error):
            self.mark(driver)
        else:
            self._on_lost(driver)

    async def _checkpoints(self) -> Checkpoints:
        if self._store is None or self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
            self._store = Checkpoints(self._connection)
        return self._store

    async def _wait(self, attempt: int, error: Exception) -> None:
        log.warning("checkpoint waits for the database: %s", error or type(error).__name__)
        if self._connection is not None:
            # It broke, or it leads to a server that became read-only or to a stale plan: another may do better.
            self._connection.terminate()
            self._store = None
        await asyncio.sleep(min(self._options.retry_s_max, 0.05 * 2 ** min(attempt, 10)))


def _count(stored: Sequence[RunWrite], all_of_them: int) -> None:
    measured.CHECKPOINTS.add(len(stored), "stored")
    if len(stored) < all_of_them:
        measured.CHECKPOINTS.add(all_of_them - len(stored), "lost")
    for kind, count in Counter(event.kind for write in stored for event in write.events).items():
        measured.EVENTS.add(count, kind)


def lane_of(key: RunKey, lanes: int, *, owned: int) -> int:
    """Which lane stores this run's checkpoints, for as long as it is owned.

    A worker with few runs uses one lane: what ends together is stored together, and nobody waits for another lane,
    which shortens the handoff. With hundreds of runs, two lanes store more in all.
    """
    if owned <= _ONE_LANE_RUNS:
        return 0
    organization_id, run_id = key
    return (organization_id.int ^ run_id.int) % lanes


def _passes(error: Exception) -> bool:
    """Whether waiting may help: by SQLSTATE for what the server says, always for what the connection says."""
    if isinstance(error, asyncpg.PostgresError):
        return _sqlstate(error).startswith(_PASSING)
    return not isinstance(error, asyncpg.DataError | TypeError | ValueError | AssertionError | LookupError)


def _sqlstate(error: Exception) -> str:
    return str(error.sqlstate or "") if isinstance(error, asyncpg.PostgresError) else ""


def _is_too_slow(error: Exception) -> bool:
    """Whether the batch did not end in time; one that meets this again and again is too large."""
    return isinstance(error, TimeoutError) or _sqlstate(error) == _STATEMENT_TIMEOUT
