"""An ordinary worker in a process that somebody else started: a Ray actor's.

Its methods are called by the fleet, over Ray. Invariant: it knows nothing of Ray, and is as safe to kill as any worker.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from tegu.app import Tegu
from tegu.domain.errors import ConfigurationError, StorageUnavailableError
from tegu.engine.worker import Worker, WorkerOptions
from tegu.runtime import StageFunction
from tegu.settings import Settings

_AGAIN_S = 0.5
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What a worker is to be like. `load_stages` is called where the worker is, and imports its Python stages there.
    `environment` is laid over that of its machine; it may hold keys, so it is never shown.
    """

    options: WorkerOptions
    load_stages: Callable[[], tuple[StageFunction, ...]]
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    outage_s: float = 60.0
    """How long it tries to reach the database before it gives up."""


@dataclass(frozen=True, slots=True)
class WorkerLook:
    """A worker, seen from outside."""

    host: str
    pid: int
    owned: int


class WorkerActor:
    """One worker. Methods are called one after the other or at once; `start` first."""

    def __init__(self, order: WorkerOrder) -> None:
        self._order = order
        self._tegu: Tegu | None = None
        self._worker: Worker | None = None
        self._working: asyncio.Task[None] | None = None

    async def start(self) -> WorkerLook:
        """Begin to work. Raises ConfigurationError, StorageUnavailableError, and what the import of the stages raises."""
        os.environ.update(self._order.environment)
        settings = Settings.from_environment()
        if settings.database_url is None:
            raise ConfigurationError(
                "a worker of a cluster has no DATABASE_URL", hint="set it for the command, or on every node"
            )
        logging.getLogger("tegu").setLevel(logging.WARNING)
        self._tegu = await self._opened(settings)
        self._worker = await self._tegu.worker(options=self._order.options)
        self._working = asyncio.create_task(self._worker.run())
        return await self.look()

    async def look(self) -> WorkerLook:
        """How it is. Raises what broke it."""
        assert self._worker is not None
        assert self._working is not None
        if self._working.done():
            self._working.result()
        return WorkerLook(os.uname().nodename, os.getpid(), self._worker.owned)

    async def drain(self, grace_s: float) -> int:
        """Claim nothing more, let runs end for `grace_s`, hand back the rest. Returns how many were handed back."""
        given = 0
        try:
            if self._worker is not None and self._working is not None:
                self._worker.leave()
                until = monotonic() + grace_s
                while self._worker.owned and monotonic() < until:  # noqa: ASYNC110 (bounded, once)
                    await asyncio.sleep(_LOOK_S)
                given = self._worker.owned
                self._worker.stop()
                await self._working
        finally:
            if self._tegu is not None:
                await self._tegu.close()
        return given

    async def _opened(self, settings: Settings) -> Tegu:
        stages = self._order.load_stages()
        until = monotonic() + self._order.outage_s
        while True:
            tegu = Tegu(settings=settings, stages=stages)
            try:
                await tegu.open()
            except StorageUnavailableError:
                await tegu.close()
                if monotonic() > until:
                    raise
                await asyncio.sleep(_AGAIN_S)
            else:
                return tegu
