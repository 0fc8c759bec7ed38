"""Prefect with a server of its own: a run is a flow of three tasks whose results are persisted.

Its server keeps SQLite, as by default: on PostgreSQL it needs the extension pg_trgm, which the server under test has not.
Flows are called in the process that performs them: a deployment would start a process for each run.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from benchmarks.peers import events
from benchmarks.peers.contract import Job, WorkerPlace, handed_over

NAME = "prefect"
PACKAGES = ("prefect",)
IN_PROCESS = True
RUNS_5_S = 12
BEST_CONCURRENCY = 8

STARTED_S = 90.0


async def prepare() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    os.environ |= {
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_HOME": str(Path(os.environ[events.FOLDER]) / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    await asyncio.to_thread(_serve, port)


def _serve(port: int) -> None:
    server = [sys.executable, "-m", "benchmarks.peers.with_parent", sys.executable, "-m", "prefect"]
    with (Path(os.environ[events.FOLDER]) / "server.txt").open("wb") as log:
        subprocess.Popen(
            [*server, "server", "start", "--host", "127.0.0.1", "--port", str(port)], stdout=log, stderr=log
        )
    _wait(f"http://127.0.0.1:{port}/api/health")


def _wait(url: str) -> None:
    until = time.monotonic() + STARTED_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.25)


async def enqueue(runs: list[str], job: Job) -> list[str]:
    raise NotImplementedError("flows are called in the process that performs them")


def work(place: WorkerPlace) -> None:
    asyncio.run(_work(place))


async def _work(place: WorkerPlace) -> None:
    from prefect import flow, task  # it reads its settings when it is imported

    @task(persist_result=True)
    async def stage(run: str, number: int, sleep_s: float) -> dict[str, str]:
        events.begun(run, number)
        if sleep_s:
            await asyncio.sleep(sleep_s)
        events.ended(run, number)
        return events.OUTPUT

    @flow
    async def line(run: str, stages: int, sleep_s: float) -> None:
        for number in range(1, stages + 1):
            await stage(run, number, sleep_s)

    slots = asyncio.Semaphore(place.concurrency)
    under_way: set[asyncio.Task] = set()

    async def drive(run: str, job: Job) -> None:
        async with slots:
            await line(run, job.stages, job.sleep_s)

    events.ready(place.index)
    async for runs, job in handed_over():
        for run in runs:
            driving = asyncio.create_task(drive(run, job))
            under_way.add(driving)
            driving.add_done_callback(under_way.discard)
