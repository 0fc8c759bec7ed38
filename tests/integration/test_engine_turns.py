"""Whose turn it is, and a database that behaves badly."""

import asyncio
import os
import signal
from dataclasses import replace

from engine_lab import FAST, Lab, chain, echo, working

from tegu.domain.errors import ErrorInfo
from tegu.domain.ids import new_id
from tegu.domain.outcome import Failed, StageOutcome
from tegu.engine.commit import LaneOptions
from tegu.engine.retry import RetryPolicy
from tegu.engine.worker import Worker
from tegu.pipeline.task import StageTask
from tegu.storage import run_starts
from tegu.storage.organizations import ensure_organization
from tegu.storage.statements import statement


async def other_lab(lab: Lab, name: str) -> Lab:
    return Lab(lab.database, await ensure_organization(lab.database.address, name))


# Whose turn it is.


async def test_an_organization_with_a_long_queue_does_not_keep_another_waiting(lab: Lab) -> None:
    async def slow(task: StageTask) -> StageOutcome:
        await asyncio.sleep(0.05)
        return await echo(task)

    await lab.start(chain("a"), 400)
    other = await other_lab(lab, "small")
    async with working(await lab.worker(slow, options=replace(FAST, concurrency=1))):
        await asyncio.sleep(0.3)
        mine = await other.start(chain("a"))
        assert await other.until(mine, timeout_s=2) == {"completed"}


async def test_organizations_that_only_wait_do_not_take_the_others_share(lab: Lab) -> None:
    for number in range(70):
        await (await other_lab(lab, f"waiting {number}")).start(chain("a"))
    await lab.rows("update tegu.runs set due_at = now() + interval '1 day'")
    last = await other_lab(lab, "last")
    run_ids = await last.start(chain("a"), 100)
    async with working(await lab.worker(options=replace(FAST, concurrency=100, poll_s=0.5))):
        assert await last.until(run_ids, timeout_s=3) == {"completed"}


async def test_followed_runs_that_others_drive_do_not_block_the_rest(lab: Lab) -> None:
    theirs = await lab.start(chain("a"), 120)
    await lab.rows("update tegu.runs set due_at = now() + interval '1 day'")
    mine = await lab.start(chain("a"), 10)
    keys = [(lab.organization, run_id) for run_id in (*theirs, *mine)]
    worker = await lab.worker(options=replace(FAST, concurrency=5), only=keys)
    async with working(worker):
        assert await lab.until(mine, timeout_s=5) == {"completed"}
        await lab.rows("update tegu.runs set status = 'completed', due_at = null where status = 'pending'")
        async with asyncio.timeout(3):
            while worker._only:
                await asyncio.sleep(0.05)


async def test_a_cancelled_run_ends_even_where_its_python_stage_is_missing(lab: Lab) -> None:
    run_id = (await lab.start(chain("a")))[0]
    await lab.rows("update tegu.runs set functions = '{refund@1}'")
    async with lab.database.transaction(lab.organization) as connection:
        await run_starts.request_cancel(connection, lab.organization, run_id)
    async with working(await lab.worker()):
        assert await lab.until([run_id], timeout_s=3) == {"cancelled"}
    assert lab.performed == []


# A database that behaves badly.


async def test_a_commit_that_is_never_answered_is_tried_again_on_another_connection(lab: Lab) -> None:
    run_ids = await lab.start(chain("a", "b", "c"), 20)

    async def slow(task: StageTask) -> StageOutcome:
        await asyncio.sleep(0.2)
        return await echo(task)

    options = replace(FAST, lane=LaneOptions(store_s=0.5))
    stopped: list[int] = []
    async with working(await lab.worker(slow, options=options)):
        await asyncio.sleep(0.3)
        lanes = await lab.rows(
            "select pid from pg_stat_activity where usename = 'tegu_engine' and state = 'idle'"
            " and query like '-- Store what happened%'"
        )
        try:
            for row in lanes:
                os.kill(row["pid"], signal.SIGSTOP)
                stopped.append(row["pid"])
            assert await lab.until(run_ids, timeout_s=8) == {"completed"}
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
    assert stopped


async def test_an_error_of_the_schema_fails_nobody(lab: Lab) -> None:
    run_ids = await lab.start(chain("a", "b"), 3)
    gate = asyncio.Event()

    async def slow(task: StageTask) -> StageOutcome:
        await gate.wait()
        return await echo(task)

    async with working(await lab.worker(slow)):
        await lab.reached(run_ids[-1], "a", "running")
        await lab.rows("alter table tegu.run_events rename to moved_events")
        gate.set()
        await asyncio.sleep(0.5)
        await lab.rows("alter table tegu.moved_events rename to run_events")
        assert await lab.until(run_ids, timeout_s=8) == {"completed"}


async def test_a_sweep_frees_no_run_that_a_live_worker_took_meanwhile(lab: Lab) -> None:
    run_id = (await lab.start(chain("a")))[0]
    dead, alive = new_id(), new_id()
    for worker_id, dead_at in ((dead, "now()"), (alive, "null")):
        await lab.rows(
            "insert into tegu.workers (id, host, pid, version, concurrency, lease_until, dead_at)"
            f" values ($1, '', 0, '', 1, now() + interval '1 hour', {dead_at})",
            worker_id,
        )
    await lab.rows("update tegu.runs set owner = $1", dead)
    # Let the sweep see the run as the dead worker's, and reach its row after the live one took it.
    slow_sweep = statement("sweep").replace("limit $1", "and pg_sleep(0.5) is not null limit $1", 1)
    assert slow_sweep != statement("sweep")
    slow_sweep = slow_sweep.replace("order by r.organization_id, r.id\n    and", "and", 1)
    sweeping = asyncio.create_task(lab.rows(slow_sweep, 10))
    await asyncio.sleep(0.2)
    await lab.rows("update tegu.runs set owner = $1, epoch = epoch + 1", alive)
    await sweeping
    assert (await lab.rows("select owner from tegu.runs where id = $1", run_id))[0]["owner"] == alive


async def test_a_retry_waits_for_its_time_and_leaves_no_timer_behind(lab: Lab) -> None:
    async def flaky(task: StageTask) -> StageOutcome:
        if task.attempt == 1:
            return Failed(ErrorInfo("later", "not now"), transient=True)
        return await echo(task)

    options = replace(FAST, retry=RetryPolicy(base_s=0.3, max_s=0.3))
    run_id = (await lab.start(chain("a")))[0]
    worker: Worker = await lab.worker(flaky, options=options)
    async with working(worker):
        assert await lab.until([run_id], timeout_s=5) == {"completed"}
    assert await lab.attempts(run_id, "a") == ["failed", "completed"]
