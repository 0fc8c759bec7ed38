"""A stage whose call could not be made for now waits, whatever its code made of the exception."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from stage_support import Bench, task_of

from tegu import StageContext, stage
from tegu.domain.errors import NoCapacityError
from tegu.domain.outcome import Postponed
from tegu.llm.admission import Admission, Intent, Reservation
from tegu.pipeline.definition import StageDefinition
from tegu.pipeline.task import StageTask


@dataclass
class Full:
    """An admission that never has room."""

    asked: int = 0

    async def reserve(self, intent: Intent, *, wait_s: float) -> Reservation:
        self.asked += 1
        raise NoCapacityError(f"no room for {intent.request.model}", due_in_s=12.5, hint="wait")


@stage(version=1)
async def plain(source: str, ctx: StageContext) -> str:
    return await ctx.llm.generate("Say it.", [source])


@stage(version=1)
async def swallows(source: str, ctx: StageContext) -> str:
    try:
        return await ctx.llm.generate("Say it.", [source])
    except Exception:  # noqa: BLE001 (what authors write)
        return "an invention"


@stage(version=1)
async def insists(source: str, ctx: StageContext) -> str:
    for _ in range(50):
        try:
            return await ctx.llm.generate("Say it.", [source])
        except Exception:  # noqa: BLE001 (what authors write)
            continue
    raise ValueError("fifty times")


@stage(version=1)
async def gathers(source: str, ctx: StageContext) -> str:
    said = await asyncio.gather(ctx.llm.generate("Say it.", [source]), return_exceptions=True)
    return str(said)


@stage(version=1)
async def groups(source: str, ctx: StageContext) -> str:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(ctx.llm.generate("Say it.", [source]))
    return task.result()


@pytest.mark.parametrize("function", [plain, swallows, insists, gathers, groups])
async def test_no_room_postpones_the_stage_however_its_code_handles_exceptions(
    function: Callable[..., Any],
) -> None:
    full = Full()

    def admissions_for(_: StageTask) -> list[Admission]:
        return [full]

    bench = Bench(functions=(function,))
    performer = replace(bench.performer(), admissions_for=admissions_for)
    definition = StageDefinition("mine", "python", {"function": f"{function.__name__}@1"})
    content = bench.store.add(b"Some text.")
    task = task_of(definition, content=content, model="openai:gpt-5-mini")
    outcome = await performer.perform(task)
    assert isinstance(outcome, Postponed), outcome
    assert outcome.due_in_s == 12.5
    assert outcome.waits_for.to_json() == {
        "code": "no_capacity",
        "stage": "mine",
        "message": "no room for openai:gpt-5-mini",
        "hint": "wait",
    }
    assert full.asked == 2  # at once, and waiting; later calls of the attempt are refused without asking
    assert bench.ledger.attempts == []
