"""Measure lists of 100,000 runs over HTTP and write docs/benchmarks/lists.json, from which docs/lists.md is made.

    python -m benchmarks.lists [--quick]

The server is a process of its own (`tegu serve --no-worker`), asked by one client with a key, one request after the other, fifty rows
a page, as the web application asks. `--quick` is for trying a change: fewer runs, nothing written.
"""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx

from benchmarks.bench_database import Bench, open_bench
from benchmarks.http.people import Tenant, server, tenants
from benchmarks.lists.filled import fill
from benchmarks.lists.questions import Question, questions
from benchmarks.processes import percentile
from benchmarks.report import report
from tegu.engine.tallies import tally_all

PATH = Path(__file__).resolve().parents[2] / "docs" / "benchmarks" / "lists.json"
RUNS = 100_000
TIMES = 60
WARMING = 3


async def ask(http: httpx.AsyncClient, question: Question, *, times: int) -> dict[str, Any]:
    """How long one question takes, by its slowest few."""
    path, query = f"/api/{question.noun.replace('_', '-')}", dict(question.query)
    for _ in range(question.pages_before):
        answer = await http.get(path, params={**query, "limit": "500"})
        answer.raise_for_status()
        if (cursor := answer.json()["next_cursor"]) is None:
            break
        query["cursor"] = cursor
    took_ms: list[float] = []
    rows = 0
    for turn in range(times + WARMING):
        began = perf_counter()
        answer = await http.get(path, params=query)
        if turn >= WARMING:
            took_ms.append((perf_counter() - began) * 1000)
        if answer.status_code == 403:
            return {}  # the operators' own
        answer.raise_for_status()
        rows = len(answer.json().get("items", ()))
    return {
        "value": round(percentile(took_ms, 0.95), 1),
        "p50": round(percentile(took_ms, 0.5), 1),
        "unit": "ms",
        "n": times,
        "rows": rows,
    }


async def measure(bench: Bench, folder: Path, tenant: Tenant, *, quick: bool) -> dict[str, Any]:
    """Every question, in turn."""
    figures: dict[str, Any] = {}
    async with (
        server(bench, folder) as url,
        httpx.AsyncClient(base_url=url, headers=tenant.headers, timeout=120) as http,
    ):
        for question in questions():
            found = await ask(http, question, times=10 if quick else TIMES)
            if found:
                figures[f"{question.noun}: {question.says}"] = found
                print(
                    f"{question.noun + ': ' + question.says:50} {found['p50']:8} {found['value']:8}",
                    flush=True,
                )
    return figures


async def tallied(bench: Bench) -> None:
    """What a worker does every few minutes: the first round notes where the rows end, the second adds them."""
    for _ in range(2):
        await tally_all(await bench.database.engine(), statement_s=0.0)


async def main(*, quick: bool) -> None:
    """Fill, measure, print, write."""
    with tempfile.TemporaryDirectory(prefix="tegu-bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with open_bench(folder) as bench:
            tenant, other = await tenants(bench, 2)
            runs = RUNS // 20 if quick else RUNS
            await fill(bench, tenant, runs)
            await fill(bench, other, runs // 10)
            await tallied(bench)
            await bench.execute("vacuum analyze")
            figures = await measure(bench, folder, tenant, quick=quick)
            load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
            figures["machine"] = {"value": os.cpu_count(), "unit": "CPUs", "n": runs, "notes": load}
    report(figures, PATH, quick=quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    asyncio.run(main(quick=parser.parse_args().quick))
