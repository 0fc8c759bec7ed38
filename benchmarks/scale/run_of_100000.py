"""One run of 100,000 stage runs beside runs of three, on the same workers: what the database takes for a batch of checkpoints.

The run maps over a list of 100,000 numbers. Both are measured in turns on one server, and the load of the machine is
written beside them.
"""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.processes import percentile, rss_peak_mb
from benchmarks.scale.ground import Ground, Json
from benchmarks.scale.mapped_worker import FUNCTIONS
from tegu import Tegu

ITEMS = 100_000
ENDS_WITHIN_S = 1_800.0
_CONCURRENCY = 100
_WORKERS = 2
_PARALLEL = 200

THREE: Json = {
    "tegu": 1,
    "name": "three",
    "input": "content",
    "stages": {
        "one": {"uses": "python", "with": {"function": "first@1"}},
        "two": {"uses": "python", "inputs": ["one"], "with": {"function": "next_one@1"}},
        "three": {"uses": "python", "inputs": ["two"], "with": {"function": "next_one@1"}},
    },
}
MAPPED: Json = {
    "tegu": 1,
    "name": "mapped",
    "input": "content",
    "stages": {
        "numbers": {"uses": "python", "result": False, "with": {"function": "numbers@1"}},
        "touched": {
            "uses": "python",
            "inputs": [],
            "each": {"over": "numbers.items", "max_parallel": _PARALLEL},
            "with": {"function": "touched@1"},
        },
    },
}


@dataclass(frozen=True, slots=True)
class Round:
    """What one load took. `took` are seconds, runs and stages of each batch."""

    stages: int
    wall_s: float
    peak_mb: float
    took: list[tuple[float, int, int]]
    load: float

    def to_json(self) -> Json:
        """In figures."""
        seconds = [each for each, _, _ in self.took]
        return {
            "stage_runs": self.stages,
            "wall_s": round(self.wall_s, 1),
            "stages_per_s": round(self.stages / self.wall_s, 1),
            "checkpoints": len(seconds),
            "stages_a_checkpoint": round(sum(stages for _, _, stages in self.took) / len(self.took), 1),
            "p50_ms": round(percentile(seconds, 0.5) * 1e3, 2),
            "p99_ms": round(percentile(seconds, 0.99) * 1e3, 2),
            "peak_mb": round(self.peak_mb, 1),
            "load": round(self.load, 2),
        }


async def measure(ground: Ground) -> Json:
    """Runs of three, the large run, runs of three again."""
    items = 3_000 if ground.quick else ITEMS
    three = [f"Note {number}." for number in range(items // 50)]
    async with Tegu(database_url=ground.bench.dsn, stages=FUNCTIONS) as tegu:
        rounds = {
            "before": await _round(ground, tegu, THREE, three, 3 * len(three)),
            "large": await _round(ground, tegu, MAPPED, [str(items)], items),
            "after": await _round(ground, tegu, THREE, three, 3 * len(three)),
        }
    found = {name: each.to_json() for name, each in rounds.items()}
    small = (found["before"]["p99_ms"] + found["after"]["p99_ms"]) / 2
    ratio = round(found["large"]["p99_ms"] / small, 2)
    return {"items": items, "workers": _WORKERS, "max_parallel": _PARALLEL, **found, "p99_ratio": ratio}


async def _round(ground: Ground, tegu: Tegu, document: Json, sources: list[str], stages: int) -> Round:
    """Start runs over these texts, then workers, and wait until all have completed: stages under way are as many in each."""
    run_ids = await tegu.start(document, *sources)
    async with _workers(ground, document["name"]) as started:
        begun = monotonic()
        ended = await tegu.wait(run_ids, timeout_s=ENDS_WITHIN_S)
        wall_s, load = monotonic() - begun, os.getloadavg()[0]
        assert {status.value for status in ended.values()} == {"completed"}, ended
        peak_mb = max(rss_peak_mb(process) for process in started)
    took = [tuple(each) for path in _files(ground, document["name"]) for each in json.loads(path.read_text())]
    found = Round(stages, wall_s, peak_mb, took, load)
    print(f"{document['name']}: {found.to_json()}", flush=True)
    return found


def _files(ground: Ground, name: str) -> list[Path]:
    return [ground.folder / f"checkpoints-{name}-{number}.json" for number in range(_WORKERS)]


@asynccontextmanager
async def _workers(ground: Ground, name: str) -> AsyncGenerator[list[Process]]:
    command: list[Any] = [sys.executable, "-m", "benchmarks.scale.mapped_worker", ground.bench.dsn]
    command += ["--concurrency", str(_CONCURRENCY)]
    started = [
        await asyncio.create_subprocess_exec(*command, "--written", str(path), stdout=PIPE)
        for path in _files(ground, name)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            async with asyncio.timeout(60):
                while await process.stdout.readline() != b"ready\n":
                    pass
        yield started
    finally:
        for process in started:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            for process in started:
                await process.wait()
