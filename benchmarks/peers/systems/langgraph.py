"""LangGraph with its PostgreSQL checkpointer, `durability="sync"`: a run is a thread of a graph of three nodes.

The library has no queue and no worker: runs are started in the process that drives them.
"""

import asyncio
from typing import TypedDict

import uvloop
from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver
from langgraph.graph import END, START, StateGraph
from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from benchmarks.peers import events
from benchmarks.peers.contract import Job, WorkerPlace, dsn, handed_over
from benchmarks.peers.systems import fresh_database

NAME = "langgraph"
PACKAGES = ("langgraph", "langgraph-checkpoint-postgres", "psycopg")
IN_PROCESS = True
RUNS_5_S = 700
BEST_CONCURRENCY = 50

DATABASE = "peer_langgraph"
CONNECTIONS = 8
SAVERS = 4
"""Each saver does one thing at a time; several, over one pool, were faster."""


class State(TypedDict, total=False):
    run: str
    sleep_s: float
    output_1: str
    output_2: str
    output_3: str


async def prepare() -> None:
    await fresh_database.make(DATABASE)
    async with AsyncPostgresSaver.from_conn_string(dsn(DATABASE)) as saver:
        await saver.setup()


async def enqueue(runs: list[str], job: Job) -> list[str]:
    raise NotImplementedError("it has no queue")


def _node(number: int):
    async def perform(state: State) -> dict[str, str]:
        events.begun(state["run"], number)
        if state["sleep_s"]:
            await asyncio.sleep(state["sleep_s"])
        events.ended(state["run"], number)
        return {f"output_{number}": events.OUTPUT["text"]}

    return perform


def _graph(pool, stages: int):
    graph = StateGraph(State)
    names = [f"stage-{number}" for number in range(1, stages + 1)]
    for number, name in enumerate(names, 1):
        graph.add_node(name, _node(number))
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    return graph.compile(checkpointer=AsyncPostgresSaver(pool))


def work(place: WorkerPlace) -> None:
    uvloop.run(_work(place))


async def _work(place: WorkerPlace) -> None:
    options = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
    slots = asyncio.Semaphore(place.concurrency)
    tasks: set[asyncio.Task] = set()
    async with AsyncConnectionPool(
        dsn(DATABASE), min_size=CONNECTIONS, max_size=CONNECTIONS, open=False, kwargs=options
    ) as pool:
        await pool.wait()
        graphs = {stages: [_graph(pool, stages) for _ in range(SAVERS)] for stages in (1, 3)}

        async def drive(run: str, job: Job, graph) -> None:
            async with slots:
                state: State = {"run": run, "sleep_s": job.sleep_s}
                await graph.ainvoke(state, {"configurable": {"thread_id": run}}, durability="sync")

        events.ready(place.index)
        turn = 0
        async for runs, job in handed_over():
            for run in runs:
                turn += 1
                task = asyncio.create_task(drive(run, job, graphs[job.stages][turn % SAVERS]))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
