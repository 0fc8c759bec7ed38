"""Chaos: workers that die at any moment, connections that are cut, cancellations; and what must be true afterwards.

TEGU_CHAOS_SEED repeats a run of it as far as the machine allows, TEGU_CHAOS_S makes it longer.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import replace
from random import Random
from uuid import UUID

from engine_lab import FAST, Lab, chain, echo, fan, working

from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Completed, Crashed, Failed, ResultDraft, StageOutcome
from tegu.engine.lease import LeaseOptions
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.task import StageTask
from tegu.storage import run_starts
from tegu.storage.organizations import ensure_organization

SEED = int(os.environ.get("TEGU_CHAOS_SEED", "0")) or Random().randrange(1, 10**6)
CHAOS_S = float(os.environ.get("TEGU_CHAOS_S", "5"))

OPTIONS = replace(
    FAST,
    concurrency=15,
    drain_s=0.3,
    lease=LeaseOptions(lease_s=1.0, beat_s=0.2),
)


class Stages:
    """Stages that succeed, fail, raise, hang and return nonsense, by chance."""

    def __init__(self, random: Random) -> None:
        self._random = random

    async def perform(self, task: StageTask) -> StageOutcome:
        await asyncio.sleep(self._random.uniform(0, 0.15))
        chance = self._random.random()
        if chance < 0.05:
            raise ConnectionError("by chance")
        if chance < 0.07:
            raise asyncio.CancelledError
        if chance < 0.09:
            return Failed(ErrorInfo("chance", "for good\x00\ud800"))
        if chance < 0.1:
            draft = ResultDraft("twice", {})
            return Completed({}, (draft, draft))
        if chance < 0.12 and task.is_alone:
            return Crashed("by chance")
        return await echo(task)


def branching() -> PipelineDefinition:
    """A pipeline with a condition and a join that does without a branch."""
    stages = (
        StageDefinition("root", "test", retries=3),
        StageDefinition("left", "test", inputs=("root",), retries=3, when="root.stage == 'root'"),
        StageDefinition("right", "test", inputs=("root",), retries=3, when="run.triggered_by == 'nobody'"),
        StageDefinition(
            "join", "test", inputs=("left", "right"), retries=3, optional_inputs=frozenset({"left", "right"})
        ),
    )
    return PipelineDefinition("branching", chain("x").input, stages)


async def start_some(labs: list[Lab], random: Random) -> list[UUID]:
    definitions = (chain("a", "b", "c", retries=3), fan("a", "b", "c", "d", join="e", retries=3), branching())
    found: list[UUID] = []
    for lab in labs:
        found += await lab.start(random.choice(definitions), random.randint(1, 12))
    return found


async def disturb(labs: list[Lab], run_ids: list[UUID], random: Random) -> None:
    """One of the things that happen to a database."""
    match random.randrange(3):
        case 0:
            await labs[0].rows(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tegu_engine'"
                " and random() < 0.4"
            )
        case 1:
            await labs[0].rows("update tegu.workers set dead_at = now() where random() < 0.2")
        case _:
            run_id = random.choice(run_ids)
            for lab in labs:
                async with lab.database.transaction(lab.organization) as connection:
                    await run_starts.request_cancel(connection, lab.organization, run_id)


async def come_and_go(lab: Lab, random: Random, until: float) -> None:
    """Workers one after the other; most are killed, some are told to stop."""
    stages, loop = Stages(random), asyncio.get_running_loop()
    while loop.time() < until:
        async with working(await lab.worker(stages.perform, options=OPTIONS, random=random)) as worker:
            await asyncio.sleep(random.uniform(0.1, 1.5))
            if random.random() < 0.7:
                await worker.kill()


async def broken_rules(lab: Lab) -> dict[str, list[object]]:
    """Invariants by name, and who breaks them."""
    queries = {
        "a run is not over": "select id, status from tegu.runs"
        " where status not in ('completed', 'failed', 'cancelled')",
        "a run is owned": "select id from tegu.runs where owner is not null or due_at is not null",
        "events have gaps": "select run_id from tegu.run_events group by run_id"
        " having max(seq) <> count(*) or min(seq) <> 1",
        "last_seq is wrong": "select id from tegu.runs r where last_seq <>"
        " (select count(*) from tegu.run_events e where e.run_id = r.id)",
        "a stage is not over": "select run_id, stage, status from tegu.stage_runs"
        " where status not in ('completed', 'failed', 'skipped', 'cancelled')",
        "a completed stage has no result, or several": "select s.run_id, s.stage from tegu.stage_runs s"
        " where s.status = 'completed' and 1 <> (select count(*) from tegu.results r"
        " where r.run_id = s.run_id and r.stage = s.stage)",
        "a result has no completed stage": "select r.run_id, r.stage from tegu.results r"
        " left join tegu.stage_runs s on s.run_id = r.run_id and s.stage = r.stage and s.status = 'completed'"
        " where s.run_id is null",
        "a stage was completed twice": "select run_id, stage from tegu.stage_attempts"
        " where outcome = 'completed' group by run_id, stage having count(*) > 1",
        "a stage ended twice": "select run_id, stage from tegu.run_events"
        " where kind in ('stage.completed', 'stage.failed', 'stage.skipped')"
        " group by run_id, stage having count(*) > 1",
        "a run ended twice": "select run_id from tegu.run_events"
        " where kind in ('run.completed', 'run.failed', 'run.cancelled') group by run_id having count(*) <> 1",
        "a completed run has a stage that failed": "select r.id from tegu.runs r join tegu.stage_runs s"
        " on s.run_id = r.id where r.status = 'completed' and s.status in ('failed', 'cancelled')",
    }
    found = {name: await lab.rows(query) for name, query in queries.items()}
    return {name: [tuple(row) for row in rows[:5]] for name, rows in found.items() if rows}


async def test_whatever_happens_every_run_ends_once_and_nothing_is_lost_or_doubled(lab: Lab) -> None:
    random, loop = Random(SEED), asyncio.get_running_loop()
    other = Lab(lab.database, await ensure_organization(lab.database.address, "other"))
    labs = [lab, other]
    run_ids = await start_some(labs, random)
    end = loop.time() + CHAOS_S
    workers = [asyncio.create_task(come_and_go(lab, Random(SEED + n), end)) for n in range(3)]
    while loop.time() < end:
        await asyncio.sleep(random.uniform(0.02, 0.3))
        await disturb(labs, run_ids, random)
        run_ids += await start_some(labs, random)
    await asyncio.gather(*workers)
    async with working(await lab.worker(Stages(random).perform, options=replace(OPTIONS, concurrency=50))):
        with suppress(TimeoutError):
            await lab.until(run_ids, timeout_s=12)
        broken = await broken_rules(lab)
    assert not broken, f"TEGU_CHAOS_SEED={SEED}: {broken}"
    assert len(run_ids) > 50
