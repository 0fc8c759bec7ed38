"""Measure the service over HTTP and write docs/benchmarks/http.json, from which docs/http-load.md is made.

    python -m benchmarks.http [--quick]

The server is a process of its own (`tegu serve --no-worker`), with its limits as they are by default; so are the database and,
for the live feed, a worker whose stages do nothing. The clients are this process. `--quick` is for trying a change: few
clients, nothing written.
"""

import argparse
import asyncio
import os
import platform
import resource
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

from benchmarks.bench_database import Bench, open_bench
from benchmarks.http.people import Tenant, server, tenants
from benchmarks.http.streams import Follower, break_some_off, connected, faults
from benchmarks.http.submissions import submit_at_once, submit_at_rate
from benchmarks.processes import percentile, workers
from benchmarks.report import report
from tegu.domain.ids import new_id
from tegu.storage import run_starts

PATH = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "http.json"
RATE = 100
AT_ONCE = 1_000
CLIENTS, ORGANIZATIONS, RUNS_PER_S = 5_000, 250, 10
BROKEN_SHARE, BROKEN_EVERY_S = 0.02, 5.0
ANSWERS = frozenset({201, 429, 503})


async def submissions(url: str, found: list[Tenant], *, quick: bool) -> dict[str, Any]:
    """At a rate, then at once."""
    seconds = 5.0 if quick else 30.0
    took_ms, statuses = await submit_at_rate(url, found[:20], per_s=RATE, seconds=seconds)
    at_once = await submit_at_once(url, found[:20], count=100 if quick else AT_ONCE)
    load = _load()
    return {
        "submit_p50_ms": _figure(percentile(took_ms, 0.5), "ms", len(took_ms), f"{RATE}/s for {seconds:g} s, {load}"),
        "submit_p99_ms": _figure(percentile(took_ms, 0.99), "ms", len(took_ms), f"the same; {_told(statuses)}"),
        "submit_not_201": _figure(len(took_ms) - statuses[201], "", len(took_ms), "the same"),
        "at_once_other": _figure(
            sum(count for status, count in at_once.items() if status not in ANSWERS),
            "", at_once.total(), f"{at_once.total()} in one moment: {_told(at_once)}",
        ),
    }  # fmt: skip


async def streams(bench: Bench, url: str, found: list[Tenant], *, quick: bool) -> dict[str, Any]:
    """Clients that follow, while runs happen and connections break."""
    count, seconds = (100, 10.0) if quick else (CLIENTS, 60.0)
    began = perf_counter()
    followers, tasks = await connected(url, found, count)
    connected_s = perf_counter() - began
    random = Random(1)
    async with workers(bench.dsn, 1, concurrency=100):
        breaking = asyncio.create_task(
            break_some_off(followers, share=BROKEN_SHARE, every_s=BROKEN_EVERY_S, random=random)
        )
        began, started = perf_counter(), 0
        while perf_counter() - began < seconds:
            tenant = random.choice(found)
            async with bench.database.transaction(tenant.organization) as connection:
                new = run_starts.NewRun(tenant.version, content_id=new_id())
                await run_starts.insert_run(connection, tenant.organization, new)
            started += 1
            await asyncio.sleep(max(0.0, began + started / RUNS_PER_S - perf_counter()))
        breaking.cancel()
        async with asyncio.timeout(120):
            while await bench.value(
                "select count(*) from tegu.runs where started_at is not null and ended_at is null"
            ):
                await asyncio.sleep(0.1)
        missed, disordered = await _settled(bench, followers)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    delays = [delay for follower in followers for delay in follower.delays_ms]
    about = f"{count} clients of {len(found)} organizations, {started} runs of three stages in {seconds:g} s, {_load()}"
    comebacks = sum(follower.comebacks for follower in followers)
    return {
        "stream_connect_s": _figure(connected_s, "s", count, "until all of them are told what happens"),
        "stream_p50_ms": _figure(percentile(delays, 0.5), "ms", len(delays), about),
        "stream_p99_ms": _figure(percentile(delays, 0.99), "ms", len(delays), "from the writing of an event to its reading"),
        "stream_missed": _figure(missed, "", len(delays), f"events, by clients that lost {comebacks} connections"),
        "stream_disordered": _figure(disordered, "", len(delays), "events first heard out of their run's order"),
        "stream_resyncs": _figure(sum(each.resyncs for each in followers), "", count, "clients told to read the state again"),
    }  # fmt: skip


async def _settled(bench: Bench, followers: list[Follower]) -> tuple[int, int]:
    """What is missing when nothing more comes, for a while at most."""
    deadline = perf_counter() + 60
    while True:
        written = await _written(bench)
        found = [faults(each, written.get(str(each.tenant.organization), set())) for each in followers]
        missed = sum(missing for missing, _ in found)
        if not missed or perf_counter() > deadline:
            return missed, sum(disordered for _, disordered in found)
        await asyncio.sleep(1)


async def _written(bench: Bench) -> dict[str, set[tuple[str, int]]]:
    pool = await bench.database.engine()
    found: dict[str, set[tuple[str, int]]] = {}
    for row in await pool.fetch("select organization_id::text, run_id::text, seq from tegu.run_events"):
        found.setdefault(row["organization_id"], set()).add((row["run_id"], row["seq"]))
    return found


def _figure(value: float, unit: str, n: int, notes: str) -> dict[str, Any]:
    return {"value": round(value, 1), "unit": unit, "n": n, "notes": notes}


def _told(statuses: Counter[int]) -> str:
    return ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))


def _load() -> str:
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


async def main(*, quick: bool) -> None:
    """Measure, print, write."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory(prefix="tegu-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with open_bench(folder) as bench:
            found = await tenants(bench, 20 if quick else ORGANIZATIONS)
            async with server(bench, folder) as url:
                figures = await submissions(url, found, quick=quick)
            await bench.clear()
            async with server(bench, folder) as url:
                figures |= await streams(bench, url, found, quick=quick)
    figures["machine"] = {
        "value": os.cpu_count(), "unit": "CPUs", "n": 1,
        "notes": f"{platform.machine()}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}",
    }  # fmt: skip
    report(figures, PATH, quick=quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    asyncio.run(main(quick=parser.parse_args().quick))
