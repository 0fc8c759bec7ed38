"""Faults that a worker meets in operation: it wakes up too late, with an error; its runs are cancelled by the hundred; the
schema changes under it.
"""

import asyncio
from dataclasses import replace

from engine_lab import FAST, Lab, chain, echo, never, working

from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Failed, StageOutcome
from tegu.engine.worker import Worker
from tegu.pipeline.task import StageTask
from tegu.storage import run_starts
from tegu.storage.migrate import migrate


async def test_a_zombie_that_wakes_with_an_error_writes_nothing_and_goes_on_claiming(lab: Lab) -> None:
    gate, woken = asyncio.Event(), asyncio.Event()

    async def held(task: StageTask) -> StageOutcome:
        if gate.is_set():
            return await echo(task)
        try:
            await gate.wait()
        except asyncio.CancelledError:  # its code will not be stopped
            await gate.wait()
        woken.set()
        return Failed(ErrorInfo("late", "too late"))

    run_id = (await lab.start(chain("a", "b")))[0]
    zombie = await lab.worker({"a": held})
    async with working(zombie):
        await lab.reached(run_id, "a", "running")
        await lab.rows("update tegu.workers set dead_at = now() where id = $1", zombie.id)
        async with working(await lab.worker()):
            assert await lab.until([run_id], timeout_s=60) == {"completed"}
        stored = "select * from tegu.run_events where run_id = $1 order by seq"
        before = await lab.rows(stored, run_id)
        gate.set()
        async with asyncio.timeout(60):
            await woken.wait()
        again = (await lab.start(chain("a", "b")))[0]
        assert await lab.until([again], timeout_s=60) == {"completed"}
        assert await lab.rows(stored, run_id) == before
    assert await lab.stages(run_id) == {"a": "completed", "b": "completed"}
    assert "failed" not in await lab.attempts(run_id, "a")


async def test_a_worker_that_is_killed_while_it_gets_room_ends(lab: Lab) -> None:
    await lab.start(chain("a", timeout_s=600), 20)

    async def make_room(worker: Worker) -> None:
        while True:
            worker._has_room.set()
            await asyncio.sleep(0)

    for _ in range(10):
        options = replace(FAST, concurrency=1, reserved=1, poll_s=5.0)
        async with working(await lab.worker(never, options=options)) as running:
            async with asyncio.timeout(60):
                while not running.worker.owned:
                    await asyncio.sleep(0.02)
            making = asyncio.create_task(make_room(running.worker))
            try:
                async with asyncio.timeout(20):
                    await running.kill()
            finally:
                making.cancel()
            assert running._task.done()


async def test_a_hundred_runs_cancelled_in_the_middle_of_their_stages_begin_no_other(lab: Lab) -> None:
    dropped = 0

    async def asking(task: StageTask) -> StageOutcome:
        nonlocal dropped
        try:
            return await never(task)
        finally:
            dropped += 1

    run_ids = await lab.start(chain("a", "b", "c"), 100)
    async with working(await lab.worker({"b": asking})), working(await lab.worker({"b": asking})):
        async with asyncio.timeout(60):
            while (
                len(await lab.rows("select 1 from tegu.stage_runs where stage = 'b' and status = 'running'"))
                < 100
            ):
                await asyncio.sleep(0.05)
        for run_id in run_ids:
            async with lab.database.transaction(lab.organization) as connection:
                await run_starts.request_cancel(connection, lab.organization, run_id)
        assert await lab.until(run_ids, timeout_s=60) == {"cancelled"}
        assert dropped == 100
        after = (await lab.start(chain("d")))[0]
        assert await lab.until([after], timeout_s=60) == {"completed"}
    assert {stage for _, stage, _ in lab.performed} == {"a", "b", "d"}
    kept = await lab.rows("select distinct status from tegu.stage_runs where stage = 'a'")
    assert [row["status"] for row in kept] == ["completed"]


async def test_the_schema_may_change_under_load(lab: Lab) -> None:
    async def slow(task: StageTask) -> StageOutcome:
        await asyncio.sleep(0.05)
        return await echo(task)

    async def change() -> None:
        """What a migration does: prepared plans become stale, locks are held for a moment."""
        for n in range(5):
            await migrate(lab.database.address)
            for table in ("runs", "stage_runs", "workers", "run_events"):
                await lab.rows(f"alter table tegu.{table} add column probe_{n} int")
            await asyncio.sleep(0.1)

    changing = asyncio.create_task(change())
    async with working(await lab.worker(slow)), working(await lab.worker(slow)):
        run_ids = await lab.start(chain("a", "b", "c", "d"), 60)
        while not changing.done():
            run_ids += await lab.start(chain("a", "b", "c", "d"), 2)
            await asyncio.sleep(0.05)
        await changing
        assert await lab.until(run_ids, timeout_s=90) == {"completed"}
    outcomes = await lab.rows("select distinct outcome from tegu.stage_attempts")
    assert [row["outcome"] for row in outcomes] == ["completed"]
    results = await lab.rows(
        "select count(*)::int as n, count(distinct (run_id, stage))::int as d from tegu.results"
    )
    assert (results[0]["n"], results[0]["d"]) == (4 * len(run_ids), 4 * len(run_ids))
