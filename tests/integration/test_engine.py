"""The engine on a real database: what a run goes through."""

import asyncio
from dataclasses import replace

import pytest
from engine_lab import FAST, Lab, chain, echo, fan, working

from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Completed, Crashed, Failed, ResultDraft, StageOutcome
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.task import StageTask
from tegu.storage import run_starts, runs


async def never(task: StageTask) -> StageOutcome:
    await asyncio.sleep(3600)
    raise AssertionError


async def broken(task: StageTask) -> StageOutcome:
    return Failed(ErrorInfo("broken", "it is broken for good"))


async def test_a_run_goes_through_its_stages_in_order_and_leaves_events_without_gaps(lab: Lab) -> None:
    run_id = await lab.finish(chain("a", "b", "c"))
    assert [stage for _, stage, _ in lab.performed] == ["a", "b", "c"]
    events = await lab.rows(
        "select seq, kind, stage from tegu.run_events where run_id = $1 order by seq", run_id
    )
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [(event["kind"], event["stage"]) for event in events] == [
        ("run.started", None),
        ("stage.started", "a"),
        ("stage.completed", "a"),
        ("stage.started", "b"),
        ("stage.completed", "b"),
        ("stage.started", "c"),
        ("stage.completed", "c"),
        ("run.completed", None),
    ]


async def test_outputs_reach_the_stages_that_ask_for_them(lab: Lab) -> None:
    seen: dict[str, object] = {}

    async def join(task: StageTask) -> StageOutcome:
        seen.update(task.inputs)
        return Completed({})

    run_id = await lab.finish(fan("root", "left", "right", join="join"), {"join": join})
    assert seen == {"left": {"stage": "left"}, "right": {"stage": "right"}}
    assert set((await lab.stages(run_id)).values()) == {"completed"}


async def test_a_stage_that_fails_twice_then_succeeds_leaves_three_attempt_rows(lab: Lab) -> None:
    async def third_time_lucky(task: StageTask) -> StageOutcome:
        if task.attempt < 3:
            raise ConnectionError("not yet")
        return await echo(task)

    run_id = await lab.finish(chain("a", "b"), {"a": third_time_lucky})
    assert await lab.attempts(run_id, "a") == ["failed", "failed", "completed"]
    assert await lab.stages(run_id) == {"a": "completed", "b": "completed"}


async def test_a_permanent_failure_keeps_the_siblings_results_and_names_the_stage(lab: Lab) -> None:
    run_id = await lab.finish(fan("root", "good", "bad", join="join"), {"bad": broken})
    assert await lab.stages(run_id) == {
        "root": "completed",
        "good": "completed",
        "bad": "failed",
        "join": "skipped",
    }
    async with lab.database.transaction(lab.organization) as connection:
        run = await runs.get_run(connection, lab.organization, run_id)
    assert run is not None
    assert run.status.value == "failed"
    assert run.error == ErrorInfo("broken", "it is broken for good", stage="bad")
    assert {result.stage for result in run.results} == {"root", "good"}
    assert await lab.attempts(run_id, "bad") == ["failed"]


async def test_retries_end_and_the_run_fails_with_the_last_error(lab: Lab) -> None:
    async def flaky(task: StageTask) -> StageOutcome:
        raise ConnectionError(f"attempt {task.attempt}")

    run_id = await lab.finish(chain("a", retries=2), {"a": flaky})
    assert await lab.attempts(run_id, "a") == ["failed", "failed", "failed"]
    error = (await lab.rows("select error->>'message' as m from tegu.runs where id = $1", run_id))[0]["m"]
    assert error == "ConnectionError: attempt 3"


async def test_a_stage_that_takes_too_long_times_out(lab: Lab) -> None:
    run_id = await lab.finish(chain("a", retries=0, timeout_s=0.1), {"a": never})
    error = (await lab.rows("select error->>'code' as c from tegu.runs where id = $1", run_id))[0]["c"]
    assert error == "timeout"


async def test_a_cancelled_run_drops_its_stages_and_stays_cancelled(lab: Lab) -> None:
    run_id = (await lab.start(fan("root", "slow", "done")))[0]
    async with working(await lab.worker({"slow": never})):
        async with asyncio.timeout(5):
            while (await lab.stages(run_id)).get("done") != "completed":
                await asyncio.sleep(0.02)
        async with lab.database.transaction(lab.organization) as connection:
            await run_starts.request_cancel(connection, lab.organization, run_id)
        assert await lab.until([run_id], timeout_s=5) == {"cancelled"}
    assert await lab.stages(run_id) == {"root": "completed", "slow": "cancelled", "done": "completed"}


async def test_a_run_that_nobody_took_yet_can_be_cancelled(lab: Lab) -> None:
    run_id = (await lab.start(chain("a")))[0]
    async with lab.database.transaction(lab.organization) as connection:
        await run_starts.request_cancel(connection, lab.organization, run_id)
    async with working(await lab.worker()):
        assert await lab.until([run_id]) == {"cancelled"}
    assert lab.performed == []


async def test_one_bad_output_fails_its_own_run_only(lab: Lab) -> None:
    async def duplicate(task: StageTask) -> StageOutcome:
        # The same result twice in one stage breaks the key of results.
        draft = ResultDraft("note", {}, key="same")
        return Completed({}, (draft, draft))

    bad = (await lab.start(chain("bad", "b")))[0]
    good = await lab.start(chain("good", "b"), 30)
    async with working(await lab.worker({"bad": duplicate})):
        await lab.until([bad, *good])
    statuses = await lab.rows("select id, status, error->>'code' as code from tegu.runs")
    assert {row["id"] for row in statuses if row["status"] == "failed"} == {bad}
    assert next(row["code"] for row in statuses if row["id"] == bad) == "output_refused"


async def test_nul_and_lone_surrogates_in_an_output_are_stored_as_replacement_characters(lab: Lab) -> None:
    async def strange(task: StageTask) -> StageOutcome:
        return Completed({"text": "a\x00b\ud800c", "number": float("nan")})

    run_id = await lab.finish(chain("a"), {"a": strange})
    row = (await lab.rows("select output from tegu.stage_runs where run_id = $1", run_id))[0]
    assert row["output"] == '{"text": "a�b�c", "number": null}'


async def test_a_stage_whose_condition_is_false_is_skipped_with_all_that_needs_it(lab: Lab) -> None:
    stages = (
        StageDefinition("a", "test"),
        StageDefinition("b", "test", inputs=("a",), when="a.stage == 'z'"),
        StageDefinition("c", "test", inputs=("b",)),
        StageDefinition("d", "test", inputs=("a",), when="run.triggered_by == 'library'"),
    )
    definition = PipelineDefinition("when", chain("x").input, stages)
    run_id = await lab.finish(definition)
    assert await lab.stages(run_id) == {"a": "completed", "b": "skipped", "c": "skipped", "d": "completed"}
    status = await lab.rows("select status from tegu.runs where id = $1", run_id)
    assert status[0]["status"] == "completed"


async def test_one_process_drives_hundreds_of_runs_at_once(lab: Lab) -> None:
    together = 0
    most = 0

    async def slow(task: StageTask) -> StageOutcome:
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.3)
        together -= 1
        return await echo(task)

    run_ids = await lab.start(chain("a", "b"), 300)
    async with working(await lab.worker(slow, options=replace(FAST, concurrency=300))):
        assert await lab.until(run_ids) == {"completed"}
    assert most > 200
    assert len(lab.performed) == 600


@pytest.mark.parametrize("crashes", [1, 2, 3])
async def test_a_stage_that_crashes_alone_three_times_is_quarantined(lab: Lab, crashes: int) -> None:
    async def crash(task: StageTask) -> StageOutcome:
        return Crashed("boom") if task.attempt <= crashes else await echo(task)

    run_id = await lab.finish(fan("root", "poison", "good"), {"poison": crash})
    expected = "failed" if crashes == 3 else "completed"
    assert await lab.stages(run_id) == {"root": "completed", "poison": expected, "good": "completed"}
    if crashes == 3:
        row = (await lab.rows("select error->>'code' as c from tegu.runs where id = $1", run_id))[0]
        assert row["c"] == "quarantined"
