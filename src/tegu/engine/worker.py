"""A worker: one process that owns up to `concurrency` runs at a time and drives them all in one event loop.

Called by `tegu worker`, and in-process by the library and `tegu run`. It can be killed at any moment.

    lease (thread)   who am I; lost -> drop everything, take a new id
    claim loop       free slots? take due runs; nothing due? sleep until woken, at most poll_s
    stage tasks      perform a stage, tell the driver, mark its lane
    commit lanes     store what happened, start what became ready
    watch loop       every second: cancellations and inboxes of my runs, dead workers, their runs
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from time import monotonic
from uuid import UUID

import asyncpg

from tegu.domain.status import RunStatus
from tegu.engine.adopt import Adoption
from tegu.engine.attempt import Perform
from tegu.engine.attempts import Attempts
from tegu.engine.commit import CommitLane, lane_of
from tegu.engine.drive import RunDriver
from tegu.engine.families import FamilyWatch
from tegu.engine.lease import Lease, WorkerFacts
from tegu.engine.options import WorkerOptions
from tegu.engine.slots import StageSlots
from tegu.engine.undriven import Undriven
from tegu.engine.upkeep import Chore, look_after_others, retire
from tegu.engine.wake import listen
from tegu.pipeline.features import FEATURES
from tegu.storage.checkpoints import Applied
from tegu.storage.claims import Claims, RunKey
from tegu.storage.workers import Workers

__all__ = ["Doors", "Worker", "WorkerOptions"]

log = logging.getLogger("tegu.engine")

_CLAIM_MAX = 100
_READ_ONLY = "25006"
_ANSWER_S = 30.0  # a connection may be dead without saying so


@dataclass(frozen=True, slots=True)
class Doors:
    """Connections under the engine's role: a pool for short statements, and single ones for lanes, lease and ear."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    connect: Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]


class Worker:
    """See the module. `perform` does the stages, `perform_alone` those that were under way when their worker died,
    in a child process, bounding their time itself; `functions` names the Python stages it has, `features` what it knows of the language. With `only`, it drives just these runs.
    `on_released` is called with each run that it let go, and the status that it left it in; `chores` go on beside the work.
    """

    def __init__(
        self,
        doors: Doors,
        perform: Perform,
        *,
        options: WorkerOptions | None = None,
        functions: Iterable[str] = (),
        features: Iterable[str] = FEATURES,
        version: str = "",
        only: Iterable[RunKey] | None = None,
        perform_alone: Perform | None = None,
        on_released: Callable[[RunKey, RunStatus], None] | None = None,
        chores: Sequence[Chore] = (),
        random: Random | None = None,
    ) -> None:
        self._chores = chores
        self._doors = doors
        self._on_released = on_released
        self._options = options or WorkerOptions()
        self._functions = tuple(sorted({*functions, *features}))
        self._version = version
        self._only = None if only is None else set(only)
        self._random = random or Random()  # noqa: S311 (jitter and fairness, no secret)
        self._claims = Claims(doors.pool)
        self._workers = Workers(doors.pool)
        self._id: UUID | None = None
        self._drivers: dict[RunKey, RunDriver] = {}
        self._claiming_since: float | None = None
        self._undriven = Undriven(self._claims)
        self._families = FamilyWatch(doors.pool, self.wake)
        self._adoption = Adoption(
            self._claims,
            functions=self._functions,
            only=self._only,
            retry=self._options.retry,
            random=self._random,
        )
        slots = StageSlots(self._options.concurrency, self._options.reserve)
        self._attempts = Attempts(perform, perform_alone, slots, self._mark)
        self._wake = asyncio.Event()
        self._has_room = asyncio.Event()
        self._stopping = self._leaving = False
        self._idle = asyncio.Event()
        self._lanes = [
            CommitLane(doors.connect, self._options.lane, on_applied=self._applied, on_lost=self._lost_run)
            for _ in range(self._options.lanes)
        ]

    @property
    def id(self) -> UUID | None:
        """The present id; None while there is no lease."""
        return self._id

    @property
    def owned(self) -> int:
        """How many runs it owns now."""
        return len(self._drivers)

    @property
    def slots(self) -> int:
        """How many runs it owns at most."""
        return self._options.concurrency

    def wake(self) -> None:
        """Something may be due: look now instead of at the next poll."""
        self._wake.set()

    def follow(self, key: RunKey) -> None:
        """Also drive this run (for a worker that drives given runs only)."""
        if self._only is not None and key not in self._only:
            self._only.add(key)
            self.wake()

    def unfollow(self, key: RunKey) -> None:
        """Take this run no more, once it was let go."""
        if self._only is not None:
            self._only.discard(key)

    async def run(self) -> None:
        """Work until `stop` was called and everything is handed back, or until cancelled."""
        drives_all = self._only is None
        facts = WorkerFacts(self._version, self._options.concurrency, self._functions, drives_all)
        lease = Lease(
            self._doors.connect, facts, self._options.lease, on_lost=self._lost_lease, on_held=self._held
        )
        lease.start()
        loops = [
            asyncio.create_task(self._claim_loop()),
            asyncio.create_task(self._watch_loop()),
            asyncio.create_task(listen(self._doors.connect, self.wake)),
            asyncio.create_task(
                look_after_others(
                    self._workers, self._options.lease.lease_s, self._options.watch_s, self._random, self.wake
                )
            ),
            asyncio.create_task(self._families.watch(self._options.watch_s, self._random)),
            *(asyncio.ensure_future(chore()) for chore in self._chores),
            *(asyncio.create_task(lane.run()) for lane in self._lanes),
        ]
        try:
            await self._until_stopped(loops)
            await self._drain()
        finally:
            for task in loops:
                task.cancel()
            owned_none = not self._drivers
            leaving = self._attempts.under_way()
            self._drop_all()
            await asyncio.gather(*loops, return_exceptions=True)
            if leaving:
                await asyncio.wait(leaving, timeout=self._options.drain_s)
            await lease.stop()
            if owned_none and self._id is not None:
                await retire(self._workers, self._id, within_s=self._options.drain_s)

    def leave(self) -> None:
        """Claim nothing more; `owned` says how many runs there are still to wait for, before `stop`."""
        self._leaving = True

    def stop(self) -> None:
        """Claim nothing more, hand the runs back and end."""
        self._stopping = True
        self._idle.set()
        self.wake()

    async def _until_stopped(self, loops: list[asyncio.Task[None]]) -> None:
        stopped = asyncio.create_task(self._idle.wait())
        try:
            done, _ = await asyncio.wait([*loops, stopped], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {stopped}:
                task.result()  # a loop that ended has failed
        finally:
            stopped.cancel()

    async def _drain(self) -> None:
        """Hand every run back, so that another worker goes on at once and nothing counts as a crash."""
        for driver in list(self._drivers.values()):
            self._hand_back(driver)
        end = monotonic() + self._options.drain_s
        while self._drivers and monotonic() < end:  # noqa: ASYNC110 (bounded, once, at the very end)
            await asyncio.sleep(0.01)

    def _hand_back(self, driver: RunDriver) -> None:
        driver.hand_back()
        self._attempts.drop_all(driver)
        self._mark(driver)

    # Claiming.

    async def _claim_loop(self) -> None:
        while True:
            more = False
            if self._id is not None and not self._stopping and (limit := self._room()):
                try:
                    async with asyncio.timeout(_ANSWER_S):
                        more = await self._claim(self._id, limit)
                except Exception as error:  # noqa: BLE001 (a worker that cannot claim now goes on trying)
                    log.warning("nothing claimed: %s", error or type(error).__name__)
                    if isinstance(error, asyncpg.PostgresError) and error.sqlstate == _READ_ONLY:
                        await self._doors.pool.expire_connections()  # they lead to what is a standby now
                    await asyncio.sleep(min(0.5, self._options.poll_s))
            if self._is_full:
                await self._until_room(self._options.poll_s if self._room() else None)
                continue
            if more:
                continue
            try:
                async with asyncio.timeout(self._options.poll_s):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    @property
    def _is_full(self) -> bool:
        return len(self._drivers) >= self._options.concurrency

    def _room(self) -> int:
        """How many runs to claim now: a full worker may take some of organizations that have none here."""
        reserve = self._options.reserve if self._is_full and self._only is None else 0
        return max(0, min(self._options.concurrency + reserve - len(self._drivers), _CLAIM_MAX))

    async def _until_room(self, timeout_s: float | None) -> None:
        self._has_room.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._has_room.wait()

    async def _claim(self, worker_id: UUID, limit: int) -> bool:
        """Claim once; True when there may be more."""
        if self._leaving:
            return False
        self._claiming_since = monotonic()
        try:
            owned_max = 1 if self._is_full else limit + len(self._drivers)
            adopted = await self._adoption.take(worker_id, limit, self._drivers, owned_max=owned_max)
            if self._id != worker_id:
                return False  # the lease was lost meanwhile; whoever notices frees the runs
            for driver in adopted.drivers:
                if (old := self._drivers.get(driver.key)) is not None:
                    self._lost_run(old)
                self._drivers[driver.key] = driver
                driver.lane = lane_of(driver.key, len(self._lanes), owned=len(self._drivers))
                if self._stopping:
                    self._hand_back(driver)
                else:
                    self._mark(driver)
            return adopted.more
        finally:
            self._claiming_since = None

    # Performing.

    def _applied(self, driver: RunDriver, applied: Applied) -> None:
        starts = driver.applied(applied)
        if driver.is_released:
            self._release(driver)
            return
        if driver.cancel_requested:
            self._attempts.drop_all(driver)
            self._mark(driver)
            return
        self._attempts.drop(driver, driver.dropped)
        if driver.has_news:
            self._mark(driver)
        for task in starts:
            self._attempts.begin(driver, task)
        self._set_alarm(driver)

    def _mark(self, driver: RunDriver) -> None:
        if not driver.is_released:
            self._lanes[driver.lane].mark(driver)

    def _set_alarm(self, driver: RunDriver) -> None:
        """Look at the run when its next stage is due or its next deadline passes; one alarm for each run."""
        due = driver.next_due
        if due is not None and (driver.alarm is None or due < driver.alarm):
            driver.alarm = due
            asyncio.get_running_loop().call_later(max(0.0, due - monotonic()), self._ring, driver, due)

    def _ring(self, driver: RunDriver, at: float) -> None:
        if driver.alarm == at and not driver.is_released:
            driver.alarm = None
            self._mark(driver)
            if (due := driver.next_due) is not None and due > monotonic():
                self._set_alarm(driver)

    # Letting go.

    def _release(self, driver: RunDriver) -> None:
        """The run is finished, waits, or belongs to another: forget it."""
        self._attempts.forget(driver)
        driver.let_go()
        if self._drivers.get(driver.key) is driver:  # and not its successor
            del self._drivers[driver.key]
        self._has_room.set()
        if driver.run.parent_id is not None and driver.status.is_terminal:
            self._families.note()
        if self._adoption.is_limited:
            self.wake()
        if driver.status is RunStatus.WAITING and driver.next_due is not None:
            asyncio.get_running_loop().call_later(max(0.0, driver.next_due - monotonic()), self.wake)
        elif self._only is not None and driver.status.is_terminal:
            self._only.discard(driver.key)
        if self._on_released is not None and not driver.is_lost:
            try:
                self._on_released(driver.key, driver.status)
            except Exception:
                log.exception("who waits for run %s raised", driver.run.id)

    def _lost_run(self, driver: RunDriver) -> None:
        log.warning("run %s is dropped: it is another's now, or cannot go on here", driver.run.id)
        driver.is_lost = True
        self._release(driver)

    def _drop_all(self) -> None:
        for driver in list(self._drivers.values()):
            driver.is_lost = True
            self._release(driver)

    def _held(self, worker_id: UUID) -> None:
        self._id = worker_id
        self.wake()

    def _lost_lease(self, worker_id: UUID) -> None:
        if self._id == worker_id:
            self._id = None
        self._drop_all()

    # Watching.

    async def _watch_loop(self) -> None:
        while True:
            await asyncio.sleep(self._options.watch_s * self._random.uniform(0.8, 1.2))
            try:
                async with asyncio.timeout(_ANSWER_S):
                    await self._look_at_mine()
                    await self._adoption.forget_ended(self._drivers)
            except Exception as error:  # noqa: BLE001 (the next look may do better)
                log.info("watch skipped: %s", error or type(error).__name__)

    async def _look_at_mine(self) -> None:
        if self._id is None:
            return
        asked, worker_id = monotonic(), self._id
        signals = await self._claims.owned_signals(worker_id)
        if self._id != worker_id:
            return
        for driver in list(self._drivers.values()):
            signal = signals.get(driver.key)
            if signal is None or signal.epoch != driver.run.epoch:
                if driver.claimed_at < asked and driver.is_idle:
                    self._lost_run(driver)
                continue
            heard = driver.heard(cancel_requested=signal.cancel_requested, inbox=signal.inbox)
            if driver.paused(signal.is_paused) or heard:
                if driver.cancel_requested:
                    self._attempts.drop_all(driver)
                self._mark(driver)
        await self._undriven.give_back(
            worker_id, signals, self._drivers, asked=asked, claiming_since=self._claiming_since
        )
