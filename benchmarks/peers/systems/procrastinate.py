"""Procrastinate: each stage is a job; a job stores its output and defers the next one in one transaction of its own."""

import asyncio
import json

import procrastinate
import uvloop
from psycopg_pool import AsyncConnectionPool

from benchmarks.peers import events
from benchmarks.peers.contract import Job, WorkerPlace, dsn
from benchmarks.peers.systems import fresh_database

NAME = "procrastinate"
PACKAGES = ("procrastinate", "psycopg")
IN_PROCESS = False
RUNS_5_S = 400
BEST_CONCURRENCY = 20

DATABASE = "peer_procrastinate"
OUTPUT = json.dumps(events.OUTPUT)
CONNECTIONS = 8

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=dsn(DATABASE), min_size=2, max_size=10)
)
_pools: list[AsyncConnectionPool] = []
_opened: list[procrastinate.App] = []


@app.task(name="stage", queue="default", retry=5)
async def stage(run: str, number: int, stages: int, sleep_s: float) -> None:
    events.begun(run, number)
    if sleep_s:
        await asyncio.sleep(sleep_s)
    events.ended(run, number)
    async with _pools[0].connection() as connection:
        stored = await connection.execute(
            "insert into stage_outputs values (%s, %s, %s) on conflict do nothing", (run, number, OUTPUT)
        )
        if number < stages and stored.rowcount:
            following = stage.configure(connection=connection)
            await following.defer_async(run=run, number=number + 1, stages=stages, sleep_s=sleep_s)


async def prepare() -> None:
    await fresh_database.make(DATABASE, fresh_database.STAGE_OUTPUTS)
    schema = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=dsn(DATABASE)))
    async with schema.open_async():
        await schema.schema_manager.apply_schema_async()


async def enqueue(runs: list[str], job: Job) -> list[str]:
    if not _opened:
        await app.open_async()
        _opened.append(app)
    await stage.batch_defer_async(
        *({"run": run, "number": 1, "stages": job.stages, "sleep_s": job.sleep_s} for run in runs)
    )
    return runs


def work(place: WorkerPlace) -> None:
    uvloop.run(_work(place))


async def _work(place: WorkerPlace) -> None:
    async with (
        AsyncConnectionPool(dsn(DATABASE), min_size=CONNECTIONS, max_size=CONNECTIONS, open=False) as pool,
        app.open_async(),
    ):
        _pools.append(pool)
        events.ready(place.index)
        await app.run_worker_async(
            queues=["default"],
            concurrency=place.concurrency,
            listen_notify=True,
            install_signal_handlers=False,
        )
