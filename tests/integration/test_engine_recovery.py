"""What happens when a worker goes away, with its runs in the middle."""

import asyncio
from dataclasses import replace
from uuid import UUID

from engine_lab import FAST, Lab, chain, echo, fan, working

from tegu.domain.outcome import StageOutcome
from tegu.engine.retry import RetryPolicy
from tegu.pipeline.task import StageTask
from tegu.storage import runs


async def never(task: StageTask) -> StageOutcome:
    await asyncio.sleep(3600)
    raise AssertionError


async def reached(lab: Lab, run_id: UUID, stage: str, status: str) -> None:
    async with asyncio.timeout(10):
        while (await lab.stages(run_id)).get(stage) != status:
            await asyncio.sleep(0.02)


async def test_another_worker_goes_on_after_a_crash_and_repeats_only_what_was_under_way(lab: Lab) -> None:
    run_id = (await lab.start(chain("a", "b", "c")))[0]
    first = working(await lab.worker({"b": never}))
    async with first:
        await reached(lab, run_id, "b", "running")
        await first.kill()
    alone: list[str] = []

    async def perform_alone(task: StageTask) -> StageOutcome:
        alone.append(task.stage.name)
        return await echo(task)

    async with working(await lab.worker(perform_alone=perform_alone)):
        assert await lab.until([run_id]) == {"completed"}
    assert alone == ["b"]
    assert [stage for _, stage, _ in lab.performed] == ["a", "b", "c"]
    assert await lab.attempts(run_id, "b") == ["crashed", "completed"]
    results = await lab.rows("select stage from tegu.results where run_id = $1", run_id)
    assert sorted(row["stage"] for row in results) == ["a", "b", "c"]


async def test_a_worker_that_is_told_to_stop_hands_its_runs_back_at_once(lab: Lab) -> None:
    run_id = (await lab.start(fan("root", "slow", "done")))[0]
    async with working(await lab.worker({"slow": never})):
        await reached(lab, run_id, "done", "completed")
    row = (await lab.rows("select status, owner from tegu.runs where id = $1", run_id))[0]
    assert (row["status"], row["owner"]) == ("pending", None)
    assert (await lab.stages(run_id))["slow"] == "pending"
    async with working(await lab.worker()):
        assert await lab.until([run_id]) == {"completed"}
    # Handed back is no crash: the stage was not performed alone.
    assert await lab.attempts(run_id, "slow") == ["handed_back", "completed"]


async def test_a_zombie_writes_nothing_and_goes_on_claiming(lab: Lab) -> None:
    gate = asyncio.Event()

    async def held(task: StageTask) -> StageOutcome:
        if task.attempt == 1:  # once it lives again it may take the run over, as well as anybody
            await gate.wait()
        return await echo(task)

    run_id = (await lab.start(chain("a", "b")))[0]
    zombie = await lab.worker({"a": held})
    async with working(zombie):
        await reached(lab, run_id, "a", "running")
        await lab.rows("update tegu.workers set dead_at = now() where id = $1", zombie.id)
        async with working(await lab.worker()):
            assert await lab.until([run_id]) == {"completed"}
        before = await lab.rows("select * from tegu.run_events where run_id = $1", run_id)
        gate.set()
        await asyncio.sleep(0.5)
        after = await lab.rows("select * from tegu.run_events where run_id = $1", run_id)
        assert len(after) == len(before)
        again = (await lab.start(chain("a", "b")))[0]
        assert await lab.until([again]) == {"completed"}


async def test_a_retry_that_was_waited_for_survives_a_stop(lab: Lab) -> None:
    async def first_time_unlucky(task: StageTask) -> StageOutcome:
        if task.attempt == 1:
            raise ConnectionError("not yet")
        return await echo(task)

    run_id = (await lab.start(chain("a")))[0]
    slow = replace(FAST, retry=RetryPolicy(base_s=2.0, max_s=2.0))
    async with working(await lab.worker(first_time_unlucky, options=slow)):
        await reached(lab, run_id, "a", "waiting")
    row = (await lab.rows("select status, owner, due_at > now() as later from tegu.runs"))[0]
    assert (row["status"], row["owner"], row["later"]) == ("waiting", None, True)
    async with working(await lab.worker(first_time_unlucky)):
        assert await lab.until([run_id]) == {"completed"}
    assert await lab.attempts(run_id, "a") == ["failed", "completed"]


async def test_the_database_may_cut_every_connection_in_the_middle(lab: Lab) -> None:
    async def slow(task: StageTask) -> StageOutcome:
        await asyncio.sleep(0.1)
        return await echo(task)

    run_ids = await lab.start(chain("a", "b", "c", "d", "e"), 40)
    async with working(await lab.worker(slow)):
        for _ in range(5):
            await asyncio.sleep(0.15)
            await lab.rows(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tegu_engine'"
            )
        assert await lab.until(run_ids, timeout_s=40) == {"completed"}
    rows = await lab.rows("select count(*) as n, count(distinct (run_id, stage)) as d from tegu.results")
    assert (rows[0]["n"], rows[0]["d"]) == (200, 200)
    gaps = await lab.rows(
        "select run_id from tegu.run_events group by run_id having max(seq) <> count(*) or min(seq) <> 1"
    )
    assert gaps == []


async def test_workers_share_the_runs_and_none_is_done_twice(lab: Lab) -> None:
    run_ids = await lab.start(chain("a", "b", "c"), 200)
    async with working(await lab.worker()), working(await lab.worker()), working(await lab.worker()):
        assert await lab.until(run_ids) == {"completed"}
    assert len(lab.performed) == 600
    assert len(set(lab.performed)) == 600


async def test_a_worker_takes_no_run_whose_python_stage_it_does_not_have(lab: Lab) -> None:
    run_id = (await lab.start(chain("a")))[0]
    await lab.rows("update tegu.runs set functions = '{refund@1}'")
    async with working(await lab.worker()):
        await asyncio.sleep(0.4)
        assert await lab.stages(run_id) == {}
        async with lab.database.transaction(lab.organization) as connection:
            run = await runs.get_run(connection, lab.organization, run_id)
        assert run is not None
        assert run.waits_for == ("refund@1",)
    async with working(await lab.worker(functions=["refund@1"])):
        assert await lab.until([run_id]) == {"completed"}
