"""PgQueuer: each stage is a job; a job stores its output and enqueues the next one in one transaction of its own."""

import asyncio
import json

import asyncpg
import uvloop
from pgqueuer import PgQueuer, Queries
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.models import Job as QueuedJob

from benchmarks.peers import events
from benchmarks.peers.contract import Job, WorkerPlace, dsn
from benchmarks.peers.systems import fresh_database

NAME = "pgqueuer"
PACKAGES = ("pgqueuer", "asyncpg")
IN_PROCESS = False
RUNS_5_S = 2000
BEST_CONCURRENCY = 20

DATABASE = "peer_pgqueuer"
OUTPUT = json.dumps(events.OUTPUT)
CONNECTIONS = 8
BATCH_MAX = 1000
_clients: list[asyncpg.Connection] = []


async def prepare() -> None:
    await fresh_database.make(DATABASE, fresh_database.STAGE_OUTPUTS)
    connection = await asyncpg.connect(dsn(DATABASE))
    await Queries(AsyncpgDriver(connection)).install()
    await connection.close()


async def enqueue(runs: list[str], job: Job) -> list[str]:
    if not _clients:
        _clients.append(await asyncpg.connect(dsn(DATABASE)))
    payloads = [json.dumps([run, 1, job.stages, job.sleep_s]).encode() for run in runs]
    await Queries(AsyncpgDriver(_clients[0])).enqueue(["stage"] * len(runs), payloads, [0] * len(runs))
    return runs


def work(place: WorkerPlace) -> None:
    uvloop.run(_work(place))


async def _work(place: WorkerPlace) -> None:
    outputs = await asyncpg.create_pool(dsn(DATABASE), min_size=CONNECTIONS, max_size=CONNECTIONS)
    queue = PgQueuer(AsyncpgPoolDriver(await asyncpg.create_pool(dsn(DATABASE), min_size=4, max_size=6)))

    @queue.entrypoint("stage")
    async def stage(queued: QueuedJob) -> None:
        run, number, stages, sleep_s = json.loads(queued.payload or b"[]")
        events.begun(run, number)
        if sleep_s:
            await asyncio.sleep(sleep_s)
        events.ended(run, number)
        async with outputs.acquire() as connection, connection.transaction():
            stored = await connection.execute(
                "insert into stage_outputs values ($1, $2, $3) on conflict do nothing", run, number, OUTPUT
            )
            if number < stages and stored.endswith("1"):
                following = json.dumps([run, number + 1, stages, sleep_s]).encode()
                await Queries(AsyncpgDriver(connection)).enqueue("stage", following)

    events.ready(place.index)
    await queue.run(batch_size=min(place.concurrency, BATCH_MAX))
