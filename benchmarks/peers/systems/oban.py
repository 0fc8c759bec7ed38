"""Oban: each stage is a job; a job stores its output and enqueues the next one in one transaction of its own."""

import asyncio
import json

import uvloop
from oban import Oban, worker
from oban.schema import install
from psycopg_pool import AsyncConnectionPool

from benchmarks.peers import events
from benchmarks.peers.contract import Job, WorkerPlace, dsn
from benchmarks.peers.systems import fresh_database

NAME = "oban"
PACKAGES = ("oban", "psycopg")
IN_PROCESS = False
RUNS_5_S = 2000
BEST_CONCURRENCY = 20

DATABASE = "peer_oban"
OUTPUT = json.dumps(events.OUTPUT)
CONNECTIONS = 8
_opened: list[tuple[Oban, AsyncConnectionPool]] = []


@worker(queue="default", max_attempts=5)
class Stage:
    async def process(self, job) -> None:
        run, number = job.args["run"], job.args["number"]
        events.begun(run, number)
        if job.args["sleep_s"]:
            await asyncio.sleep(job.args["sleep_s"])
        events.ended(run, number)
        oban, pool = _opened[0]
        async with pool.connection() as connection:
            stored = await connection.execute(
                "insert into stage_outputs values (%s, %s, %s) on conflict do nothing", (run, number, OUTPUT)
            )
            if number < job.args["stages"] and stored.rowcount:
                await oban.enqueue(Stage.new({**job.args, "number": number + 1}), conn=connection)


async def prepare() -> None:
    await fresh_database.make(DATABASE, fresh_database.STAGE_OUTPUTS)
    async with AsyncConnectionPool(dsn(DATABASE), min_size=1, open=False) as pool:
        await install(pool)


async def enqueue(runs: list[str], job: Job) -> list[str]:
    if not _opened:
        pool = AsyncConnectionPool(dsn(DATABASE), min_size=1, max_size=2, open=False)
        await pool.open()
        _opened.append((Oban(pool=pool, name="client"), pool))
    arguments = {"number": 1, "stages": job.stages, "sleep_s": job.sleep_s}
    await _opened[0][0].enqueue_many([Stage.new({"run": run, **arguments}) for run in runs])
    return runs


def work(place: WorkerPlace) -> None:
    uvloop.run(_work(place))


async def _work(place: WorkerPlace) -> None:
    pool = AsyncConnectionPool(dsn(DATABASE), min_size=CONNECTIONS, max_size=CONNECTIONS, open=False)
    await pool.open()
    await pool.wait()
    oban = Oban(pool=pool, queues={"default": place.concurrency})
    _opened.append((oban, pool))
    async with oban:
        events.ready(place.index)
        await asyncio.Event().wait()
