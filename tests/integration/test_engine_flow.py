"""Cancels, deadlines, joins and handlers with real workers on a real database: what is dropped, kept and ended, and when."""

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
from engine_lab import Body, Lab, echo, never, working

from tegu.domain.content import InputKind
from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Completed, Failed, Postponed, StageOutcome
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.task import StageTask
from tegu.storage.invariants import check_invariants

HOURS_S = 3600.0


def flow(*stages: StageDefinition, deadline_s: float | None = None) -> PipelineDefinition:
    return PipelineDefinition("flow", InputKind.CONTENT, stages, deadline_s=deadline_s)


async def waits(task: StageTask) -> StageOutcome:
    del task
    return Postponed(ErrorInfo("waits_for_review", "nobody has decided"), HOURS_S)


async def error_of(lab: Lab, run_id: UUID, stage: str) -> str:
    rows = await lab.rows(
        "select error->>'code' as code from tegu.stage_runs where run_id = $1 and stage = $2", run_id, stage
    )
    return rows[0]["code"]


@pytest.fixture(autouse=True)
async def sound(lab: Lab) -> AsyncGenerator[None]:
    """What the doctor looks for holds after each; the lab's runs have no content."""
    yield
    checks = await check_invariants(lab.database.address, rows_max=5)
    assert not [each for each in checks if each.broken and each.name != "runs have their input"]


async def test_a_stage_that_is_cancelled_by_another_is_dropped_and_the_run_completes(lab: Lab) -> None:
    dropped = asyncio.Event()

    async def slow(task: StageTask) -> StageOutcome:
        try:
            return await never(task)
        except asyncio.CancelledError:
            dropped.set()
            raise

    (run_id,) = await lab.start(
        flow(
            StageDefinition("quick", "test"),
            StageDefinition("slow", "test"),
            StageDefinition("wins", "test", inputs=("quick",), cancels=("slow",)),
        )
    )
    async with working(await lab.worker({"slow": slow})):
        assert await lab.until([run_id]) == {"completed"}
        await asyncio.wait_for(dropped.wait(), 5)
    assert await lab.stages(run_id) == {"quick": "completed", "slow": "cancelled", "wins": "completed"}
    assert await error_of(lab, run_id, "slow") == "cancelled"


async def test_the_first_to_arrive_is_what_every_attempt_reads(lab: Lab) -> None:
    read: list[object] = []
    late = asyncio.Event()

    async def slow(task: StageTask) -> StageOutcome:
        await late.wait()
        return await echo(task)

    async def first(task: StageTask) -> StageOutcome:
        read.append(dict(task.inputs))
        if task.attempt == 1:
            late.set()
            await asyncio.sleep(0.2)
            return Failed(ErrorInfo("server", "it fell"), transient=True)
        return await echo(task)

    both = frozenset({"quick", "slow"})
    (run_id,) = await lab.start(
        flow(
            StageDefinition("quick", "test"),
            StageDefinition("slow", "test"),
            StageDefinition("first", "test", inputs=("quick", "slow"), optional_inputs=both, join="any"),
        )
    )
    async with working(await lab.worker({"slow": slow, "first": first})):
        assert await lab.until([run_id]) == {"completed"}
    assert read == [{"quick": {"stage": "quick"}, "slow": None}] * 2


async def test_a_handler_that_completes_saves_the_run(lab: Lab) -> None:
    async def fails(task: StageTask) -> StageOutcome:
        del task
        return Failed(ErrorInfo("broken", "it broke"))

    async def mend(task: StageTask) -> StageOutcome:
        return Completed({"read": task.inputs["charge"]})

    (run_id,) = await lab.start(
        flow(
            StageDefinition("charge", "test", on_failure="mend"),
            StageDefinition("mend", "test", inputs=("charge",), optional_inputs=frozenset({"charge"})),
        )
    )
    async with working(await lab.worker({"charge": fails, "mend": mend})):
        assert await lab.until([run_id]) == {"completed"}
    (row,) = await lab.rows(
        "select error is null as is_clean, (select output->'read'->'error'->>'code' from tegu.stage_runs where stage = 'mend') as read"
        " from tegu.runs where id = $1",
        run_id,
    )
    assert (row["is_clean"], row["read"]) == (True, "broken")


@pytest.mark.parametrize("body", [never, waits])
async def test_a_stage_fails_at_its_deadline_whether_it_works_or_waits(lab: Lab, body: Body) -> None:
    (run_id,) = await lab.start(flow(StageDefinition("slow", "test", deadline_s=0.3, retries=5)))
    async with working(await lab.worker({"slow": body})):
        assert await lab.until([run_id]) == {"failed"}
    assert await lab.error_code(run_id) == "deadline_exceeded"


async def test_a_stage_fails_at_its_deadline_though_its_worker_died(lab: Lab) -> None:
    (run_id,) = await lab.start(flow(StageDefinition("slow", "test", deadline_s=1.0, retries=5)))
    async with working(await lab.worker(never)) as dying:
        await lab.reached(run_id, "slow", "running")
        await dying.kill()
    await asyncio.sleep(1.0)
    async with working(await lab.worker(never)):
        assert await lab.until([run_id]) == {"failed"}
    assert await lab.error_code(run_id) == "deadline_exceeded"
    assert len(await lab.attempts(run_id, "slow")) == 1


@pytest.mark.parametrize("body", [never, waits])
async def test_a_run_ends_at_its_deadline_whether_somebody_owns_it_or_not(lab: Lab, body: Body) -> None:
    stages = (StageDefinition("first", "test"), StageDefinition("slow", "test", inputs=("first",)))
    last = StageDefinition("last", "test", inputs=("slow",))
    (run_id,) = await lab.start(flow(*stages, last, deadline_s=0.5))
    async with working(await lab.worker({"slow": body})):
        assert await lab.until([run_id]) == {"failed"}
    assert await lab.error_code(run_id) == "deadline_exceeded"
    assert set((await lab.stages(run_id)).values()) <= {"completed", "cancelled"}
