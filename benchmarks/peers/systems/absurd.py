"""Absurd: a run is a task of three checkpointed steps. Its worker polls: every 20 ms here, where 250 is the default."""

import asyncio

import psycopg
import uvloop
from absurd_sdk import AsyncAbsurd
from absurdctl import BUNDLED_SCHEMA_SQL

from benchmarks.peers import events
from benchmarks.peers.contract import Job, WorkerPlace, dsn
from benchmarks.peers.systems import fresh_database

NAME = "absurd"
PACKAGES = ("absurd-sdk", "psycopg")
IN_PROCESS = False
RUNS_5_S = 1000
BEST_CONCURRENCY = 20

DATABASE = "peer_absurd"
POLL_S = 0.02
_clients: list[psycopg.AsyncConnection] = []


async def prepare() -> None:
    await fresh_database.make(DATABASE, BUNDLED_SCHEMA_SQL)
    absurd = AsyncAbsurd(dsn(DATABASE))
    await absurd.create_queue("default")
    await absurd.close()


async def enqueue(runs: list[str], job: Job) -> list[str]:
    if not _clients:
        _clients.append(await psycopg.AsyncConnection.connect(dsn(DATABASE), autocommit=True))
    absurd = AsyncAbsurd(_clients[0])
    async with _clients[0].transaction():
        for run in runs:
            parameters = {"run": run, "stages": job.stages, "sleep_s": job.sleep_s}
            await absurd.spawn("flow", parameters, queue="default")
    return runs


def work(place: WorkerPlace) -> None:
    uvloop.run(_work(place))


async def _work(place: WorkerPlace) -> None:
    app = AsyncAbsurd(dsn(DATABASE))

    @app.register_task("flow")
    async def flow(parameters, ctx) -> None:
        run, sleep_s = parameters["run"], parameters["sleep_s"]
        for number in range(1, parameters["stages"] + 1):

            async def step(number: int = number) -> object:
                events.begun(run, number)
                if sleep_s:
                    await asyncio.sleep(sleep_s)
                events.ended(run, number)
                return events.OUTPUT

            await ctx.step(f"stage-{number}", step)

    events.ready(place.index)
    await app.start_worker(concurrency=place.concurrency, poll_interval=POLL_S)
