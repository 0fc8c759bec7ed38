"""DBOS Transact: a run is a workflow of three steps, started from a queue that is polled every 20 ms, where once a second is the default."""

import asyncio
import os

from dbos import DBOS, DBOSClient, run_dbos_database_migrations

from benchmarks.peers import events
from benchmarks.peers.contract import HOST, Job, WorkerPlace
from benchmarks.peers.systems import fresh_database

NAME = "dbos"
PACKAGES = ("dbos", "psycopg")
IN_PROCESS = False
RUNS_5_S = 350
BEST_CONCURRENCY = 20

DATABASE = "peer_dbos"
URL = f"postgresql+psycopg://postgres:@/{DATABASE}?host={os.environ.get(HOST, '')}"
CONNECTIONS = 8
POLL_S = 0.02
_clients: list[DBOSClient] = []


@DBOS.step()
async def stage(run: str, number: int, sleep_s: float) -> object:
    events.begun(run, number)
    if sleep_s:
        await asyncio.sleep(sleep_s)
    events.ended(run, number)
    return events.OUTPUT


@DBOS.workflow()
async def flow(run: str, stages: int, sleep_s: float) -> None:
    for number in range(1, stages + 1):
        await stage(run, number, sleep_s)


async def prepare() -> None:
    await fresh_database.make(DATABASE)
    await asyncio.to_thread(run_dbos_database_migrations, URL)


async def enqueue(runs: list[str], job: Job) -> list[str]:
    await asyncio.to_thread(_enqueue, runs, job)
    return runs


def _enqueue(runs: list[str], job: Job) -> None:
    if not _clients:
        _clients.append(DBOSClient(system_database_url=URL))
    client = _clients[0]
    with client._sys_db.engine.begin() as connection:
        for run in runs:
            options = {"queue_name": "runs", "workflow_name": "flow", "workflow_id": run}
            client.enqueue_in_transaction(connection, options, run, job.stages, job.sleep_s)


def work(place: WorkerPlace) -> None:
    asyncio.run(_work(place))


async def _work(place: WorkerPlace) -> None:
    DBOS(
        config={
            "name": "peers",
            "system_database_url": URL,
            "executor_id": f"worker-{place.index}",
            "sys_db_pool_size": CONNECTIONS,
            "application_version": "1",
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    await DBOS.register_queue_async("runs", worker_concurrency=place.concurrency, polling_interval_sec=POLL_S)
    await asyncio.sleep(2.5)
    events.ready(place.index)
    await asyncio.Event().wait()
