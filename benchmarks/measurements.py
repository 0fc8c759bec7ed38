"""The measurements of the engine, each on empty tables."""

import asyncio
import json
import statistics
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import monotonic
from typing import Any

from benchmarks.bench_database import STAGES, Bench
from benchmarks.processes import percentile, rss_peak_mb, workers
from tegu.domain.ids import new_id
from tegu.engine.wake import Notifier
from tegu.storage import run_starts


@dataclass(frozen=True, slots=True)
class Timing:
    """When one stage of a run began and ended."""

    run: str
    stage: str
    begun: float
    ended: float


async def handoffs_ms(bench: Bench, folder: Path, *, in_flight: int, count: int) -> list[float]:
    """From the end of a stage's body to the begin of the next one's, with so many runs under way at any time."""
    await bench.clear()
    await bench.queue(count)
    timings = folder / f"handoff-{in_flight}.json"
    async with workers(bench.dsn, 1, concurrency=in_flight, timings=timings):
        await _finished(bench, count)
    by_run: dict[str, dict[str, Timing]] = {}
    for timing in read_timings(timings):
        by_run.setdefault(timing.run, {})[timing.stage] = timing
    pairs = list(pairwise(STAGES))
    return [(run[b].begun - run[a].ended) * 1e3 for run in by_run.values() for a, b in pairs]


async def sustained_stages_per_s(bench: Bench, *, processes: int, seconds: float, expected: float) -> float:
    """Stages completed a second over a window in the middle of a queue that does not run dry."""
    await bench.clear()
    await bench.queue(int(expected * (seconds + 8) / len(STAGES)))
    done = "select count(*) from tegu.stage_attempts"
    async with workers(bench.dsn, processes, concurrency=600):
        await asyncio.sleep(3)  # past the cold start of plans and caches
        first, begun = await bench.value(done), monotonic()
        await asyncio.sleep(seconds)
        last, ended = await bench.value(done), monotonic()
    left = await bench.value("select count(*) from tegu.runs where status in ('pending', 'running')")
    if not left:
        raise RuntimeError("the queue ran dry: raise `expected`")
    await _check_rows(bench)
    return (last - first) / (ended - begun)


async def waiting(bench: Bench, folder: Path) -> tuple[float, float]:
    """1,000 runs of three stages that wait 1.0 s each, in one process: seconds until the last ended, peak MB."""
    await bench.clear()
    timings = folder / "waiting.json"
    async with workers(bench.dsn, 1, concurrency=1000, sleep_s=1.0, timings=timings) as started:
        await bench.queue(1000)
        await _wake(bench)
        await _finished(bench, 1000)
        peak = rss_peak_mb(started[0])
    noted = read_timings(timings)
    return max(t.ended for t in noted) - min(t.begun for t in noted), peak


async def start_latencies_ms(bench: Bench, folder: Path, *, count: int) -> list[float]:
    """From the call that starts a run to the begin of its first stage in an idle worker process woken by NOTIFY."""
    await bench.clear()
    timings = folder / "start.json"
    called: dict[str, float] = {}
    notifier = Notifier(bench.database.engine)
    new = run_starts.NewRun(bench.version, content_id=new_id())
    async with workers(bench.dsn, 1, concurrency=200, timings=timings):
        for _ in range(count):
            await asyncio.sleep(0.02)
            begun = monotonic()
            async with bench.database.transaction(bench.organization) as connection:
                run_id = await run_starts.insert_run(connection, bench.organization, new)
            notifier.notify()
            called[run_id.hex] = begun
        await _finished(bench, count)
    await notifier.close()
    return [(t.begun - called[t.run]) * 1e3 for t in read_timings(timings) if t.stage == STAGES[0]]


def median(values: list[float]) -> float:
    """The median."""
    return statistics.median(values)


def summary(values: list[float]) -> str:
    """p50 and p99."""
    return f"p50 {percentile(values, 0.5):.2f} ms, p99 {percentile(values, 0.99):.2f} ms (n={len(values)})"


async def _check_rows(bench: Bench) -> None:
    """Every completed stage has its output, its result and its events; otherwise the figure means nothing."""
    missing = await bench.value(
        """select count(*) from tegu.stage_runs s
        where s.status = 'completed' and (s.output is null
            or not exists (select 1 from tegu.results r where r.organization_id = s.organization_id
                and r.run_id = s.run_id and r.stage = s.stage))"""
    )
    started = await bench.value("select count(*) from tegu.run_events where kind = 'stage.completed'")
    completed = await bench.value("select count(*) from tegu.stage_runs where status = 'completed'")
    if missing or started != completed:
        raise RuntimeError(
            f"{missing} outputs or results are missing, {started} events for {completed} stages"
        )


async def _finished(bench: Bench, count: int) -> None:
    async with asyncio.timeout(300):
        while await bench.value("select count(*) from tegu.runs where status = 'completed'") < count:
            await asyncio.sleep(0.1)


async def _wake(bench: Bench) -> None:
    await bench.execute("select pg_notify('tegu_wake', '')")


def read_timings(path: Path) -> list[Timing]:
    rows: list[list[Any]] = json.loads(path.read_text("utf-8"))
    return [Timing(*row) for row in rows]
