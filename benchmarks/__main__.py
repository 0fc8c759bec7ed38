"""Measure the engine beside the raw limit of the same database, and write docs/benchmarks/latest.json.

    python -m benchmarks [--quick]

`--quick` shortens the sustained measurements, for trying a change; its figures are not written.
"""

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench_database import Bench, open_bench
from benchmarks.measurements import (
    handoffs_ms,
    median,
    start_latencies_ms,
    summary,
    sustained_stages_per_s,
    waiting,
)
from benchmarks.processes import percentile
from benchmarks.report import report

LATEST = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "latest.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    value: float
    unit: str
    n: int
    notes: str


async def measure(bench: Bench, folder: Path, *, quick: bool) -> list[Figure]:
    """All measurements, in one run on one machine."""
    raw = [await bench.raw_rate()]
    handoff = await handoffs_ms(bench, folder, in_flight=8, count=400 if quick else 2000)
    for in_flight, count in ((1, 200), (100, 2000), (600, 6000)):
        found = await handoffs_ms(bench, folder, in_flight=in_flight, count=count)
        print(f"handoff, {in_flight} runs in flight: {summary(found)}", flush=True)
    print(f"handoff, 8 runs in flight: {summary(handoff)}", flush=True)
    starts = await start_latencies_ms(bench, folder, count=100 if quick else 400)
    print(f"start: {summary(starts)}", flush=True)
    walls = [await waiting(bench, folder) for _ in range(1 if quick else 3)]
    raw.append(await bench.raw_rate())
    repeats, seconds = (1, 5.0) if quick else (3, 30.0)
    rates: dict[int, list[float]] = {}
    for processes in (1, 2):
        expected = 25_000.0
        for _ in range(repeats):
            rate = await sustained_stages_per_s(
                bench, processes=processes, seconds=seconds, expected=expected
            )
            rates.setdefault(processes, []).append(rate)
            print(f"sustained, {processes} process(es): {rate:.0f} stages/s", flush=True)
        raw.append(await bench.raw_rate())
    spread = "; ".join(f"{processes}p {min(r):.0f}-{max(r):.0f}" for processes, r in rates.items())
    runs_each = "3-stage no-op runs, outputs of 200 B, results, events, attempts, row security on"
    return [
        Figure(
            "raw_r1_per_s", median(raw), "1/s", len(raw), "single-row commits of 200 B, one client, median"
        ),
        Figure("handoff_p50_ms", percentile(handoff, 0.5), "ms", len(handoff), "8 runs in flight"),
        Figure("handoff_p99_ms", percentile(handoff, 0.99), "ms", len(handoff), "8 runs in flight"),
        Figure("start_p50_ms", percentile(starts, 0.5), "ms", len(starts), "idle worker process, NOTIFY"),
        Figure("stages_per_s_1p", median(rates[1]), "1/s", repeats, f"{runs_each}; {seconds:g} s; {spread}"),
        Figure("stages_per_s_2p", median(rates[2]), "1/s", repeats, f"{runs_each}; {seconds:g} s; {spread}"),
        Figure("waiting_1000_wall_s", median([w for w, _ in walls]), "s", len(walls), "1,000 x 3 x 1.0 s"),
        Figure("waiting_1000_rss_mb", median([m for _, m in walls]), "MB", len(walls), "peak of the worker"),
    ]


def as_json(figures: list[Figure]) -> dict[str, dict[str, object]]:
    """By name, with the ratio to the raw rate where that means something."""
    raw = next(figure.value for figure in figures if figure.name == "raw_r1_per_s")
    return {
        figure.name: {
            "value": round(figure.value, 3),
            "unit": figure.unit,
            "ratio_to_raw": round(_ratio(figure, raw), 3),
            "n": figure.n,
            "notes": figure.notes,
        }
        for figure in figures
    }


def _ratio(figure: Figure, raw: float) -> float:
    """Rates as multiples of R1, times as multiples of one raw commit's time, memory and waiting as they are."""
    match figure.unit:
        case "1/s":
            return figure.value / raw
        case "ms":
            return figure.value / (1000 / raw)
        case "s":
            return figure.value / 3.0  # the ideal: three waits of one second
        case _:
            return figure.value


async def main(*, quick: bool) -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory(prefix="tegu-bench-", ignore_cleanup_errors=True) as folder:
        async with open_bench(Path(folder)) as bench:
            figures = await measure(bench, Path(folder), quick=quick)
    report(as_json(figures), LATEST, quick=quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    asyncio.run(main(quick=parser.parse_args().quick))
