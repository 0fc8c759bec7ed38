"""Worker processes that are killed by the dozen: forked from one process that has imported everything already.

Run as a program it is that process: a line on its stdin forks a worker, whose pid it answers with.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Self

from naps import nap

from tegu.domain.errors import StorageUnavailableError
from tegu.engine.lease import LeaseOptions
from tegu.engine.worker import WorkerOptions

_CONCURRENCY = "CHAOS_CONCURRENCY"
_LEASE_S = "CHAOS_LEASE_S"
_STAGES = "CHAOS_STAGES"
"""The module whose FUNCTIONS are the workers' Python stages; without it they can nap."""


def _options() -> WorkerOptions:
    lease_s = float(os.environ[_LEASE_S])
    lease = LeaseOptions(lease_s=lease_s, beat_s=lease_s / 5)
    return WorkerOptions(
        concurrency=int(os.environ[_CONCURRENCY]), poll_s=0.2, watch_s=0.2, drain_s=2.0, lease=lease
    )


async def _work() -> None:
    """A worker as `tegu worker` runs it, with the lease of these tests; started anew, as a supervisor would, when the
    database is not there yet.
    """
    from tegu.app import Tegu

    stages = import_module(os.environ[_STAGES]).FUNCTIONS if _STAGES in os.environ else (nap,)
    while True:
        try:
            async with Tegu(stages=stages) as tegu:
                worker = await tegu.worker(options=_options())
                asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
                await worker.run()
        except StorageUnavailableError:
            await asyncio.sleep(0.2)
        else:
            return


def _fork_for_ever() -> None:
    # Not at the top: children that perform stages alone import this module again, and need much less.
    for name in (
        "tegu.app",
        "openai",
        "pydantic_ai.models.openai",
        "pydantic_ai.providers.openai",
        "genai_prices",
    ):
        import_module(name)  # so that no worker needs to
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(0)
            asyncio.run(_work())
            os._exit(0)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@dataclass
class Crew:
    """Workers that can be killed, stopped and replaced."""

    nursery: Process
    alive: list[int] = field(default_factory=list[int])

    async def hire(self) -> int:
        """One more worker; its pid."""
        assert self.nursery.stdin is not None
        assert self.nursery.stdout is not None
        self.nursery.stdin.write(b"one\n")
        async with asyncio.timeout(60):
            pid = int(await self.nursery.stdout.readline())
        self.alive.append(pid)
        return pid

    def send(self, pid: int, number: signal.Signals) -> None:
        """A signal; to a worker that has ended by itself it is none."""
        if number is signal.SIGKILL and pid in self.alive:
            self.alive.remove(pid)
        os.kill(pid, number)

    async def dismiss(self) -> None:
        """Tell all to stop, and wait until they have."""
        for pid in self.alive:
            os.kill(pid, signal.SIGTERM)
        async with asyncio.timeout(60):
            while any(map(_is_there, self.alive)):
                await asyncio.sleep(0.05)
        self.alive.clear()

    @classmethod
    @asynccontextmanager
    async def of(
        cls,
        count: int,
        environment: Mapping[str, str],
        *,
        concurrency: int,
        lease_s: float,
        prefix: Sequence[str] = (),
    ) -> AsyncGenerator[Self]:
        """So many workers, each for so many runs; whoever is left at the end is killed. `prefix` says where they are."""
        more = {_CONCURRENCY: str(concurrency), _LEASE_S: str(lease_s)}
        nursery = await asyncio.create_subprocess_exec(
            *prefix, sys.executable, __file__, env=dict(environment) | more, stdin=PIPE, stdout=PIPE
        )
        crew = cls(nursery)
        try:
            for _ in range(count):
                await crew.hire()
            yield crew
        finally:
            for pid in crew.alive:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            nursery.kill()
            await nursery.wait()


if __name__ == "__main__":
    _fork_for_ever()
