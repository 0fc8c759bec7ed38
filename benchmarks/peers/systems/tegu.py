"""Tegu by its public interface: a run is three Python stages of the team's own, performed as `tegu worker` does.

Every stage's start, output, result, attempt and events are written, under row security. How long a stage sleeps is part of
the pipeline, as it would be in a real one: one pipeline for each job.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import uvloop

from benchmarks.peers import events
from benchmarks.peers.contract import HOST, Job, WorkerPlace, dsn
from tegu import Pipeline, StageContext, Tegu, stage
from tegu.actions.run_inputs import RunInput
from tegu.domain.content import Document
from tegu.domain.ids import new_id
from tegu.engine.worker import WorkerOptions
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.migrate import migrate
from tegu.storage.pipelines import PipelineVersion

NAME = "tegu"
PACKAGES = ("tegu", "asyncpg")
IN_PROCESS = False
RUNS_5_S = 8000
BEST_CONCURRENCY = 600

DATABASE = "peer_tegu"
TEMPLATE = "peer_tegu_template"
JOBS = tuple(Job(stages, sleep_s) for stages, sleep_s in ((1, 0.0), (3, 0.0), (3, 0.005), (3, 0.5), (3, 1.0)))
_AT_ONCE_MAX = 1000
"""More runs than this are inserted in bulk: filling a queue is no part of what is measured."""

_opened: list[Tegu] = []
_versions: dict[Job, PipelineVersion] = {}


def _stage(job: Job, number: int) -> Callable[..., Any]:
    async def perform(ctx: StageContext) -> dict[str, str]:
        events.begun(ctx.run_id.hex, number)
        if job.sleep_s:
            await asyncio.sleep(job.sleep_s)
        events.ended(ctx.run_id.hex, number)
        return events.OUTPUT

    async def first(ctx: StageContext) -> dict[str, str]:
        return await perform(ctx)

    async def following(before: dict[str, str], ctx: StageContext) -> dict[str, str]:
        del before
        return await perform(ctx)

    function = first if number == 1 else following
    # Known by a name of this module: a stage that was under way when its worker died runs in a child, which imports it.
    function.__qualname__ = name = f"{_name(job)}_{number}"
    globals()[name] = function
    return stage(name=name)(function)


def _name(job: Job) -> str:
    return f"flow_{job.stages}_{round(job.sleep_s * 1000)}ms"


STAGES = {job: tuple(_stage(job, number) for number in range(1, job.stages + 1)) for job in JOBS}


def _pipeline(job: Job) -> Pipeline[Document]:
    pipeline = Pipeline(_name(job), input=Document)
    before: tuple[Any, ...] = ()
    for number, function in enumerate(STAGES[job], 1):
        before = (pipeline.stage(f"stage_{number}", function, *before),)
    return pipeline


def _tegu() -> Tegu:
    host = os.environ[HOST]
    settings = Settings(
        Path(host) / "no-home",
        database_url=dsn(DATABASE),
        app_database_url=f"postgresql://tegu_app@/{DATABASE}?host={host}",
        engine_database_url=f"postgresql://tegu_engine@/{DATABASE}?host={host}",
    )
    return Tegu(settings=settings, stages=[function for job in STAGES.values() for function in job])


async def prepare() -> None:
    owner = await asyncpg.connect(dsn("postgres"))
    try:
        if not await owner.fetchval("select exists (select 1 from pg_database where datname = $1)", TEMPLATE):
            await owner.execute(f"create database {TEMPLATE}")
            await migrate(DatabaseAddress(dsn(TEMPLATE), is_embedded=True))
        await owner.execute(f"drop database if exists {DATABASE} with (force)")
        await owner.execute(f"create database {DATABASE} template {TEMPLATE}")
    finally:
        await owner.close()


async def enqueue(runs: list[str], job: Job) -> list[str]:
    if not _opened:
        _opened.append(_tegu())
        await _opened[0].open()
    tegu = _opened[0]
    if job not in _versions:
        _versions[job] = await tegu.pipeline(_pipeline(job))
    version = _versions[job]
    if len(runs) <= _AT_ONCE_MAX:
        ids = await tegu.start_inputs(version, [RunInput(run, content_id=new_id()) for run in runs])
        return [run_id.hex for run_id in ids]
    owner = await asyncpg.connect(dsn(DATABASE))
    await owner.execute(
        """insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id, functions)
        select $1, id, $2, $3, uuidv7(), $4 from unnest($5::uuid[]) id""",
        (await tegu.scope()).organization_id,
        version.pipeline_id,
        version.id,
        sorted(version.definition.python_stages()),
        [UUID(run) for run in runs],
    )
    await owner.execute("analyze tegu.runs")
    await owner.close()
    return runs


def work(place: WorkerPlace) -> None:
    uvloop.run(_work(place))


async def _work(place: WorkerPlace) -> None:
    async with _tegu() as tegu:
        worker = await tegu.worker(options=WorkerOptions(concurrency=place.concurrency))
        working = asyncio.create_task(worker.run())
        while worker.id is None:
            await asyncio.sleep(0.01)
        events.ready(place.index)
        await working
