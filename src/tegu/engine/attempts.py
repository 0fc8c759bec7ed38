"""The attempts that a worker has under way, by run and stage: begun, dropped one by one or all together.

Kept by the worker. Invariant: an attempt waits for a slot before its time begins; one that is dropped says nothing any more.
"""

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic

from tegu.engine.attempt import Perform
from tegu.engine.drive import RunDriver
from tegu.engine.slots import StageSlots
from tegu.pipeline.task import StageTask

Tasks = dict[str, asyncio.Task[None]]


class Attempts:
    """`perform_alone` performs in a child process, and bounds the time itself; `on_ended` is told of runs with news."""

    def __init__(
        self,
        perform: Perform,
        perform_alone: Perform | None,
        slots: StageSlots,
        on_ended: Callable[[RunDriver], None],
    ) -> None:
        self._perform = perform
        self._perform_alone = perform_alone
        self._slots = slots
        self._on_ended = on_ended
        self._tasks: dict[RunDriver, Tasks] = {}

    def begin(self, driver: RunDriver, task: StageTask) -> None:
        """Perform a stage, and tell the driver how it ended."""
        tasks, name = self._tasks.setdefault(driver, {}), task.stage.name
        tasks[name] = made = asyncio.create_task(self._run(driver, task))
        made.add_done_callback(lambda done: tasks.pop(name) if tasks.get(name) is done else None)

    def drop(self, driver: RunDriver, stages: Iterable[str]) -> None:
        """The attempts at these stages."""
        tasks = self._tasks.get(driver, {})
        for name in stages:
            if (task := tasks.get(name)) is not None:
                task.cancel()

    def drop_all(self, driver: RunDriver) -> None:
        """Every attempt of a run."""
        self.drop(driver, tuple(self._tasks.get(driver, ())))

    def forget(self, driver: RunDriver) -> None:
        """The worker has let go of the run."""
        self.drop_all(driver)
        self._tasks.pop(driver, None)

    def under_way(self) -> list[asyncio.Task[None]]:
        """All of them."""
        return [task for tasks in self._tasks.values() for task in tasks.values()]

    async def _run(self, driver: RunDriver, task: StageTask) -> None:
        begun = monotonic()
        if task.is_alone and self._perform_alone is not None:
            # It waits for a child, not for a slot: those that follow a crash must not hold up the others.
            outcome = await driver.observed.attempt(self._perform_alone, task, is_bounded=False)
        else:
            async with self._slots.held(task.organization_id):
                begun = monotonic()
                outcome = await driver.observed.attempt(self._perform, task)
        driver.ended(task.stage.name, outcome, elapsed_ms=round((monotonic() - begun) * 1000))
        self._on_ended(driver)
