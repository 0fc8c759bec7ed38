"""Holes that a worker could fall into: each of these once lost a run, a worker, or somebody's turn."""

import asyncio
from typing import Any, cast

import pytest
from engine_lab import Lab, chain, echo, fan, never, working

from tegu.domain.json import JsonObject
from tegu.domain.outcome import Completed, Crashed, ResultDraft, StageOutcome
from tegu.pipeline.task import StageTask

# What a stage may do to its worker.


class Panic(BaseException):
    """As Rust extensions raise it: no Exception."""


async def cancel_itself(task: StageTask) -> StageOutcome:
    raise asyncio.CancelledError


async def panic(task: StageTask) -> StageOutcome:
    raise Panic("at the disco")


async def leave(task: StageTask) -> StageOutcome:
    raise SystemExit(3)


async def nothing(task: StageTask) -> StageOutcome:
    return cast("StageOutcome", None)


async def no_json(task: StageTask) -> StageOutcome:
    return Completed({"x": cast("Any", object())})


async def endless(task: StageTask) -> StageOutcome:
    circle: JsonObject = {}
    circle["x"] = circle
    return Completed(circle)


async def half_a_character(task: StageTask) -> StageOutcome:
    raise ValueError("cannot read \udce9t\x00")


@pytest.mark.parametrize(
    "body",
    [cancel_itself, panic, leave, nothing, no_json, endless, half_a_character],
    ids=lambda b: b.__name__,
)
async def test_whatever_a_stage_does_fails_its_own_run_and_not_its_worker(lab: Lab, body: Any) -> None:
    bad = (await lab.start(chain("bad", "b", retries=0)))[0]
    good = await lab.start(chain("good", "b"), 5)
    async with working(await lab.worker({"bad": body})):
        await lab.until([bad, *good], timeout_s=5)
        assert await lab.stages(bad) == {"bad": "failed", "b": "skipped"}
        assert await lab.until(good) == {"completed"}


async def test_a_refused_output_does_not_take_its_siblings_with_it(lab: Lab) -> None:
    gate = asyncio.Event()

    async def good(task: StageTask) -> StageOutcome:
        await gate.wait()
        return await echo(task)

    async def duplicate(task: StageTask) -> StageOutcome:
        gate.set()  # both end in the same checkpoint
        draft = ResultDraft("note", {}, key="same")
        return Completed({}, (draft, draft))

    run_id = await lab.finish(
        fan("root", "good", "bad", "fine"), {"good": good, "bad": duplicate, "fine": good}
    )
    assert await lab.stages(run_id) == {
        "root": "completed",
        "good": "completed",
        "bad": "failed",
        "fine": "completed",
    }
    assert await lab.error_code(run_id) == "output_refused"


async def test_a_listener_that_raises_does_not_stop_the_worker(lab: Lab) -> None:
    def listener(*_: object) -> None:
        raise KeyError("listener")

    run_ids = await lab.start(chain("a"), 3)
    async with working(await lab.worker(on_released=listener)):
        assert await lab.until(run_ids, timeout_s=5) == {"completed"}
        again = await lab.start(chain("a"), 3)
        assert await lab.until(again, timeout_s=5) == {"completed"}


# Runs that are owned and not driven.


async def test_a_definition_that_cannot_be_read_stops_nobody_else(lab: Lab) -> None:
    bad = (await lab.start(chain("from_the_future")))[0]
    good = await lab.start(chain("a", "b"), 5)
    document = await lab.rows(
        "update tegu.pipeline_versions v set document = '{\"tegu\": 99}' from tegu.runs r"
        " where r.id = $1 and v.id = r.version_id returning r.id",
        bad,
    )
    assert len(document) == 1
    async with working(await lab.worker()):
        assert await lab.until(good, timeout_s=5) == {"completed"}
        await asyncio.sleep(0.5)
        again = await lab.start(chain("a", "b"), 5)
        assert await lab.until(again, timeout_s=5) == {"completed"}
        # It is claimed from time to time, and given back each time.
        async with asyncio.timeout(30):
            while (await lab.rows("select owner from tegu.runs where id = $1", bad))[0]["owner"] is not None:
                await asyncio.sleep(0.01)


async def test_a_run_that_was_claimed_but_never_reached_its_driver_is_given_back(lab: Lab) -> None:
    run_id = (await lab.start(chain("a")))[0]
    worker = await lab.worker()
    await lab.rows("update tegu.runs set due_at = now() + interval '1 hour'")
    async with working(worker):
        async with asyncio.timeout(5):
            while worker.id is None:
                await asyncio.sleep(0.01)
        # What is left when a connection is cut after the claim was committed and before its answer came.
        await lab.rows(
            "update tegu.runs set owner = $1, epoch = epoch + 1, status = 'running', due_at = now()",
            worker.id,
        )
        assert await lab.until([run_id], timeout_s=5) == {"completed"}


async def test_claims_survive_connections_that_are_cut_while_runs_are_loaded(lab: Lab) -> None:
    run_ids = await lab.start(chain("a", "b", retries=9), 60)

    async def flaky(task: StageTask) -> StageOutcome:
        if task.attempt < 4:
            raise ConnectionError("not yet")
        return await echo(task)

    async def cut() -> None:
        while True:
            await lab.rows(
                "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'tegu_engine'"
            )
            await asyncio.sleep(0.03)

    async with working(await lab.worker(flaky)):
        cutting = asyncio.create_task(cut())
        await asyncio.sleep(1.2)
        cutting.cancel()
        assert await lab.until(run_ids, timeout_s=12) == {"completed"}


async def test_a_driver_that_was_dropped_late_does_not_drop_its_successor(lab: Lab) -> None:
    gate = asyncio.Event()

    async def slow(task: StageTask) -> StageOutcome:
        await gate.wait()
        return await echo(task)

    run_id = (await lab.start(chain("a", "b")))[0]
    worker = await lab.worker(slow)
    async with working(worker):
        await lab.reached(run_id, "a", "running")
        # Someone frees the run and the same worker takes it again, before it noticed.
        await lab.rows("update tegu.runs set owner = null, due_at = now()")
        async with asyncio.timeout(5):
            while (await lab.attempts(run_id, "a")) != ["crashed"]:
                await asyncio.sleep(0.01)
        gate.set()
        assert await lab.until([run_id], timeout_s=5) == {"completed"}
        assert worker.owned == 0


# Stopping.


async def test_stopping_while_a_crashed_stage_is_taken_over_loses_nothing(lab: Lab) -> None:
    run_id = (await lab.start(chain("a", "b")))[0]
    first = working(await lab.worker({"a": never}))
    async with first:
        await lab.reached(run_id, "a", "running")
        await first.kill()
    second = await lab.worker()
    adoption: Any = second._adoption  # to stop between the claim and the first checkpoint
    take = adoption.take

    async def take_and_stop(*arguments: Any, **more: Any) -> Any:
        found = await take(*arguments, **more)
        if await lab.rows("select 1 from tegu.runs where owner = $1", second.id):
            second.stop()
        return found

    adoption.take = take_and_stop
    async with working(second):
        async with asyncio.timeout(10):
            while not second._stopping:
                await asyncio.sleep(0.01)
    row = (await lab.rows("select status, owner from tegu.runs"))[0]
    assert (row["status"], row["owner"]) == ("pending", None)
    async with working(await lab.worker()):
        assert await lab.until([run_id]) == {"completed"}
    assert (await lab.attempts(run_id, "a"))[0] == "crashed"
    assert (await lab.attempts(run_id, "a"))[-1] == "completed"


async def test_a_stage_that_crashed_runs_alone_under_the_next_worker_too(lab: Lab) -> None:
    alone: list[int] = []

    async def crash(task: StageTask) -> StageOutcome:
        alone.append(task.attempt)
        if len(alone) == 1:
            return Crashed("boom")
        if len(alone) == 2:
            return await never(task)
        return await echo(task)

    run_id = (await lab.start(chain("a")))[0]
    killed = working(await lab.worker({"a": never}))
    async with killed:
        await lab.reached(run_id, "a", "running")
        await killed.kill()
    async with working(await lab.worker(perform_alone=crash)):
        async with asyncio.timeout(10):
            while len(alone) < 2:
                await asyncio.sleep(0.01)
    assert (await lab.stages(run_id))["a"] == "pending"
    async with working(await lab.worker(perform_alone=crash)):
        assert await lab.until([run_id]) == {"completed"}
    assert len(alone) == 3


async def test_a_stage_that_takes_its_worker_down_even_alone_is_quarantined(lab: Lab) -> None:
    run_id = (await lab.start(chain("a")))[0]
    await lab.rows("update tegu.runs set due_at = null")
    for attempt in range(1, 10):
        await lab.rows(
            "insert into tegu.stage_attempts (organization_id, run_id, stage, attempt, worker_id, outcome)"
            " values ($1, $2, 'a', $3, $1, 'crashed')",
            lab.organization,
            run_id,
            attempt,
        )
    await lab.rows(
        "insert into tegu.stage_runs (organization_id, run_id, stage, status, attempt, epoch)"
        " values ($1, $2, 'a', 'running', 10, 1)",
        lab.organization,
        run_id,
    )
    await lab.rows("update tegu.runs set due_at = now(), rev = 1, epoch = 1, status = 'running'")
    async with working(await lab.worker()):
        assert await lab.until([run_id]) == {"failed"}
    assert await lab.error_code(run_id) == "quarantined"
    assert lab.performed == []
