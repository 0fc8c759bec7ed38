"""The runs that this process's own callers want, and the worker that drives them: `tegu.drive`, `tegu.run`.

Made by the runtime. Invariant: the worker is started when it is first needed, and takes no run that nobody here asked for.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from tegu.domain.status import RunStatus
from tegu.engine.worker import Worker
from tegu.storage.claims import RunKey


class OwnRuns:
    """See the module. `make` makes a worker that takes only what it is told to follow."""

    def __init__(self, make: Callable[[], Awaitable[Worker]]) -> None:
        self._make = make
        self._working: tuple[Worker, asyncio.Task[None]] | None = None
        self._released: dict[UUID, asyncio.Event] = {}

    async def drive(self, keys: Iterable[RunKey]) -> None:
        """Let the worker drive these runs."""
        if self._working is None or self._working[1].done():
            worker = await self._make()
            if self._working is None or self._working[1].done():  # another caller may have been faster
                self._working = worker, asyncio.create_task(worker.run())
        for key in keys:
            self._working[0].follow(key)

    @property
    def has_lease(self) -> bool:
        """Whether the worker may take runs now."""
        return self._working is not None and self._working[0].id is not None

    def leave(self, keys: Iterable[RunKey]) -> None:
        """Let the worker take these runs no more; what it owns it goes on with."""
        if self._working is not None:
            for key in keys:
                self._working[0].unfollow(key)

    def check(self) -> None:
        """Raises what broke the worker, which must not leave its caller waiting."""
        if self._working is not None and self._working[1].done():
            self._working[1].result()

    def wake(self) -> None:
        """Something is due."""
        if self._working is not None:
            self._working[0].wake()

    @asynccontextmanager
    async def released(self, run_ids: Sequence[UUID]) -> AsyncGenerator[asyncio.Event]:
        """An event that is set whenever a worker of this process lets go of one of these runs."""
        hint = asyncio.Event()
        self._released |= dict.fromkeys(run_ids, hint)
        try:
            yield hint
        finally:
            for run_id in run_ids:
                self._released.pop(run_id, None)

    def note_released(self, key: RunKey, status: RunStatus) -> None:
        """A worker of this process has let go of a run."""
        del status
        if (hint := self._released.get(key[1])) is not None:
            hint.set()

    async def close(self) -> None:
        """Hand back what is under way."""
        if self._working is not None:
            worker, task = self._working
            worker.stop()
            with suppress(asyncio.CancelledError):
                await task
            self._working = None
