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
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from uuid import UUID

import asyncpg

from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Failed, StageOutcome
from tegu.domain.status import RunStatus
from tegu.engine.adopt import Adoption
from tegu.engine.commit import CommitLane, LaneOptions, lane_of
from tegu.engine.drive import RunDriver
from tegu.engine.lease import Lease, LeaseOptions, WorkerFacts
from tegu.engine.retry import RetryPolicy
from tegu.engine.wake import listen
from tegu.pipeline.task import StageTask
from tegu.storage.checkpoints import Applied
from tegu.storage.claims import Claims, RunKey
from tegu.storage.workers import Workers

log = logging.getLogger("tegu.engine")

Perform = Callable[[StageTask], Awaitable[StageOutcome]]
"""Performs one stage. It may raise: an exception is a failure that may pass."""

_CLAIM_MAX = 100


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Limits and intervals. `concurrency` bounds the runs owned and the stages performed at once."""

    concurrency: int = 200
    lanes: int = 2
    poll_s: float = 1.0
    watch_s: float = 1.0
    drain_s: float = 2.0
    lease: LeaseOptions = field(default_factory=LeaseOptions)
    lane: LaneOptions = field(default_factory=LaneOptions)
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, slots=True)
class Doors:
    """Connections under the engine's role: a pool for short statements, and single ones for lanes, lease and ear."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    connect: Callable[[], Awaitable["asyncpg.Connection[asyncpg.Record]"]]


class Worker:
    """See the module. `perform` does the stages, `perform_alone` those that were under way when their worker died,
    in a child process; `functions` names the Python stages it has. With `only`, it drives just these runs.
    `on_released` is called with each run that it let go, and the status that it left it in.
    """

    def __init__(
        self,
        doors: Doors,
        perform: Perform,
        *,
        options: WorkerOptions | None = None,
        functions: Iterable[str] = (),
        version: str = "",
        only: Iterable[RunKey] | None = None,
        perform_alone: Perform | None = None,
        on_released: Callable[[RunKey, RunStatus], None] | None = None,
        random: Random | None = None,
    ) -> None:
        self._doors = doors
        self._perform = perform
        self._perform_alone = perform_alone or perform
        self._on_released = on_released
        self._options = options or WorkerOptions()
        self._functions = tuple(sorted(functions))
        self._version = version
        self._only = None if only is None else set(only)
        self._random = random or Random()  # noqa: S311 (jitter and fairness, no secret)
        self._claims = Claims(doors.pool)
        self._workers = Workers(doors.pool)
        self._id: UUID | None = None
        self._drivers: dict[RunKey, RunDriver] = {}
        self._tasks: dict[RunKey, set[asyncio.Task[None]]] = {}
        self._adoption = Adoption(
            self._claims,
            functions=self._functions,
            only=self._only,
            retry=self._options.retry,
            random=self._random,
        )
        self._slots = asyncio.Semaphore(self._options.concurrency)
        self._wake = asyncio.Event()
        self._has_room = asyncio.Event()
        self._stopping = False
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

    def wake(self) -> None:
        """Something may be due: look now instead of at the next poll."""
        self._wake.set()

    def follow(self, key: RunKey) -> None:
        """Also drive this run (for a worker that drives given runs only)."""
        if self._only is not None:
            self._only.add(key)
        self.wake()

    async def run(self) -> None:
        """Work until `stop` was called and everything is handed back, or until cancelled."""
        facts = WorkerFacts(self._version, self._options.concurrency, self._functions)
        lease = Lease(
            self._doors.connect, facts, self._options.lease, on_lost=self._lost_lease, on_held=self._held
        )
        lease.start()
        loops = [
            asyncio.create_task(self._claim_loop()),
            asyncio.create_task(self._watch_loop()),
            asyncio.create_task(listen(self._doors.connect, self.wake)),
            *(asyncio.create_task(lane.run()) for lane in self._lanes),
        ]
        try:
            await self._until_stopped(loops)
            await self._drain()
        finally:
            for task in loops:
                task.cancel()
            owned_none = not self._drivers
            self._drop_all()
            await asyncio.gather(*loops, return_exceptions=True)
            await lease.stop()
            if owned_none:
                await self._retire()

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
            driver.hand_back()
            self._cancel_tasks(driver.key)
            self._mark(driver)
        end = monotonic() + self._options.drain_s
        while self._drivers and monotonic() < end:  # noqa: ASYNC110 (bounded, once, at the very end)
            await asyncio.sleep(0.01)

    async def _retire(self) -> None:
        """Say goodbye; a worker that still owns runs keeps its row until its lease ends, so that they are freed."""
        if self._id is None:
            return
        try:
            await self._workers.retire(self._id)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.info("not retired, the lease will end by itself: %s", error)

    # Claiming.

    async def _claim_loop(self) -> None:
        while True:
            claimed_all = False
            room = self._options.concurrency - len(self._drivers)
            if self._id is not None and room > 0 and not self._stopping:
                try:
                    claimed_all = await self._claim(self._id, min(room, _CLAIM_MAX))
                except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                    log.warning("nothing claimed: %s", error or type(error).__name__)
                    await asyncio.sleep(min(0.5, self._options.poll_s))
            if claimed_all:
                if len(self._drivers) >= self._options.concurrency:
                    self._has_room.clear()
                    await self._has_room.wait()
                continue
            try:
                async with asyncio.timeout(self._options.poll_s):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()

    async def _claim(self, worker_id: UUID, limit: int) -> bool:
        """Claim once; True when there may be more."""
        drivers = await self._adoption.take(worker_id, limit, self._drivers)
        if self._id != worker_id:
            return False  # the lease was lost meanwhile; whoever notices frees the runs
        for driver in drivers:
            self._drivers[driver.key] = driver
            self._mark(driver)
        return len(drivers) >= limit

    # Performing.

    def _applied(self, driver: RunDriver, applied: Applied) -> None:
        starts = driver.applied(applied)
        if driver.is_released:
            self._release(driver)
            return
        if driver.cancel_requested:
            self._cancel(driver)
            return
        for task in starts:
            self._spawn(driver, task)
        due = driver.next_due
        if due is not None:
            asyncio.get_running_loop().call_later(max(0.0, due - monotonic()), self._mark, driver)

    def _spawn(self, driver: RunDriver, stage_task: StageTask) -> None:
        task = asyncio.create_task(self._run_stage(driver, stage_task))
        tasks = self._tasks.setdefault(driver.key, set())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _run_stage(self, driver: RunDriver, task: StageTask) -> None:
        async with self._slots:
            begun = monotonic()
            outcome = await self._outcome(task)
        driver.ended(task.stage.name, outcome, elapsed_ms=round((monotonic() - begun) * 1000))
        self._mark(driver)

    async def _outcome(self, task: StageTask) -> StageOutcome:
        timeout = asyncio.timeout(task.stage.timeout_s)
        try:
            async with timeout:
                return await (self._perform_alone if task.is_alone else self._perform)(task)
        except TimeoutError as error:
            if not timeout.expired():
                return Failed(ErrorInfo.of(error), transient=True)
            message = f"stage {task.stage.name!r} took longer than its {task.stage.timeout_s:g} s"
            return Failed(ErrorInfo("timeout", message, hint="raise timeout_s"), transient=True)
        except Exception as error:
            log.debug("stage %s raised", task.stage.name, exc_info=True)
            return Failed(ErrorInfo.of(error), transient=True)

    def _mark(self, driver: RunDriver) -> None:
        if not driver.is_released:
            self._lanes[lane_of(driver.key, len(self._lanes))].mark(driver)

    # Letting go.

    def _release(self, driver: RunDriver) -> None:
        """The run is finished, waits, or belongs to another: forget it."""
        self._cancel_tasks(driver.key)
        self._drivers.pop(driver.key, None)
        self._tasks.pop(driver.key, None)
        self._has_room.set()
        if driver.status is RunStatus.WAITING and driver.next_due is not None:
            asyncio.get_running_loop().call_later(max(0.0, driver.next_due - monotonic()), self.wake)
        elif self._only is not None and driver.status.is_terminal:
            self._only.discard(driver.key)
        if self._on_released is not None and not driver.is_lost:
            self._on_released(driver.key, driver.status)

    def _lost_run(self, driver: RunDriver) -> None:
        log.warning("run %s belongs to another worker now: dropped", driver.run.id)
        driver.is_lost = True
        self._release(driver)

    def _cancel(self, driver: RunDriver) -> None:
        self._cancel_tasks(driver.key)
        self._mark(driver)

    def _cancel_tasks(self, key: RunKey) -> None:
        for task in tuple(self._tasks.get(key, ())):
            task.cancel()

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
                await self._look_at_mine()
                await self._look_after_others()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.info("watch skipped: %s", error or type(error).__name__)

    async def _look_at_mine(self) -> None:
        if self._id is None or not self._drivers:
            return
        asked, worker_id = monotonic(), self._id
        signals = await self._claims.owned_signals(worker_id)
        for driver in list(self._drivers.values()):
            signal = signals.get(driver.key)
            if signal is None or signal.epoch != driver.run.epoch:
                if driver.claimed_at < asked and driver.is_idle:
                    self._lost_run(driver)
            elif driver.heard(cancel_requested=signal.cancel_requested, inbox=signal.inbox):
                if driver.cancel_requested:
                    self._cancel_tasks(driver.key)
                self._mark(driver)

    async def _look_after_others(self) -> None:
        lease_s = self._options.lease.lease_s
        await self._workers.mark_dead(lease_s=lease_s)
        if await self._workers.sweep():
            self.wake()
        if self._random.random() < 0.01:
            await self._workers.forget()
