"""What every measurement at scale stands on: the bench's database, runs of any pipeline, and the CPU that work took."""

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.bench_database import Bench, open_bench
from benchmarks.processes import workers
from tegu.domain.content import InputKind
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.storage import publishing

Json = dict[str, Any]
FINISHED_S = 900.0
_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a number of stages took."""

    stages: int
    wall_s: float
    worker_ms: float
    postgres_ms: float

    def to_json(self) -> Json:
        """By stage."""
        return {
            "stages": self.stages,
            "stages_per_s": round(self.stages / self.wall_s, 1),
            "worker_ms": round(self.worker_ms / self.stages, 4),
            "postgres_ms": round(self.postgres_ms / self.stages, 4),
        }


@dataclass(frozen=True, slots=True)
class Ground:
    """See the module."""

    bench: Bench
    folder: Path
    quick: bool

    @property
    def postgres(self) -> Path:
        """The server's folder."""
        return self.folder / "postgres"

    async def publish(self, name: str, wiring: Mapping[str, tuple[str, ...]]) -> Bench:
        """A bench whose version is the pipeline with these stages, each with the inputs it is given."""
        stages = tuple(
            StageDefinition(stage, "test", inputs=inputs or ("source",)) for stage, inputs in wiring.items()
        )
        definition = PipelineDefinition(name, InputKind.CONTENT, stages)
        bench = self.bench
        async with bench.database.transaction(bench.organization) as connection:
            version = await publishing.publish(connection, bench.organization, definition)
        return Bench(bench.database, bench.organization, version)

    async def cost(self, bench: Bench, *, runs: int, stages: int, concurrency: int) -> Cost:
        """Queue so many runs on the tables as they are, drive them with one worker process, and count CPU and time."""
        before = await bench.value("select count(*) from tegu.runs where status = 'completed'")
        await bench.queue(runs)
        async with workers(bench.dsn, 1, concurrency=concurrency) as started:
            began, worker, postgres = monotonic(), cpu_ms(started[0].pid), self.postgres_cpu_ms()
            done = "select count(*) from tegu.runs where status = 'completed'"
            async with asyncio.timeout(FINISHED_S):
                while await bench.value(done) < before + runs:
                    await asyncio.sleep(0.2)
            ended = monotonic()
            worker, postgres = cpu_ms(started[0].pid) - worker, self.postgres_cpu_ms() - postgres
        return Cost(runs * stages, ended - began, worker, postgres)

    def postgres_cpu_ms(self) -> float:
        """CPU of the server, with all its processes that live and that have ended."""
        pid = int((self.postgres / "postmaster.pid").read_text("utf-8").splitlines()[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
        return cpu_ms(pid, with_ended=True) + sum(cpu_ms(int(child)) for child in children)


def cpu_ms(pid: int, *, with_ended: bool = False) -> float:
    """User and system time of a process, and of its ended children if asked for; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11 : 15 if with_ended else 13]) * _TICK_MS


def chain(length: int) -> dict[str, tuple[str, ...]]:
    """Stages in a row."""
    return {f"s{i:04}": (f"s{i - 1:04}",) if i else () for i in range(length)}


def fan(width: int) -> dict[str, tuple[str, ...]]:
    """Stages side by side."""
    return {f"s{i:04}": () for i in range(width)}


@asynccontextmanager
async def open_ground(folder: Path, *, quick: bool) -> AsyncGenerator[Ground]:
    """A fresh server in this folder."""
    async with open_bench(folder) as bench:
        yield Ground(bench, folder, quick)
