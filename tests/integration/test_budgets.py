"""Budgets are hard: calls that may exceed one wait, whoever makes them, and raising it lets them go on."""

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from engine_lab import Lab, echo, working
from one_question import MODEL, NOTE

from tegu.actions import runs as run_actions
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.budget import BudgetPeriod, BudgetPlace
from tegu.domain.content import InputKind
from tegu.domain.errors import (
    ConfigurationError,
    ConflictError,
    ErrorInfo,
    NotFoundError,
    ProviderError,
    UsageError,
)
from tegu.domain.json import JsonObject
from tegu.domain.outcome import Postponed, StageOutcome
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.task import StageTask
from tegu.storage.budgets import wake_postponed
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import Failed, Reply, Rule, ScriptedProvider, Text, Tokens

DAY = BudgetPlace(BudgetPeriod.DAY)
MONTH = BudgetPlace(BudgetPeriod.MONTH)
COST = Tokens(input_tokens=500, output_tokens=4096)
"""Nearly what a call may cost at worst."""
Open = Callable[..., Any]


def _answers(delay_s: float = 0.0) -> ScriptedProvider:
    return ScriptedProvider([Rule(Reply(Text("said"), delay_s=delay_s, tokens=COST))])


async def _cost_of_one(tegu: Tegu) -> Decimal:
    (run_id,) = await tegu.start(NOTE, "How much is one?")
    await tegu.drive([run_id], timeout_s=60)
    (call,) = await tegu.list_calls(run_id=run_id)
    assert call.cost_usd is not None
    return call.cost_usd


async def _spent(address: DatabaseAddress) -> Decimal:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetchval("select coalesce(sum(cost_usd), 0) from tegu.llm_calls")
    finally:
        await connection.close()


async def _settled(tegu: Tegu, run_ids: tuple[UUID, ...]) -> dict[RunStatus, int]:
    """How many runs stand where."""
    return Counter((await run_actions.statuses(await tegu.scope(), run_ids)).values())


async def _nothing_is_broken(address: DatabaseAddress) -> None:
    checks = await check_invariants(address, rows_max=5)
    assert [check for check in checks if check.broken] == []


async def test_parallel_runs_spend_no_more_than_the_budget_and_go_on_when_it_is_raised(
    opened: Open, address: DatabaseAddress
) -> None:
    async with _answers(delay_s=0.05) as server, opened(server) as tegu, opened(server) as other:
        one = await _cost_of_one(tegu)
        before = await _spent(address)
        # Room for ten, of which the last may cost a little more than it does.
        await tegu.set_budget(DAY, before + one * Decimal("10.5"))
        run_ids = await tegu.start(NOTE, *(f"Note {n}." for n in range(40)))
        await tegu._runtime.serve()
        await other._runtime.serve()
        async with asyncio.timeout(90):
            while await _settled(tegu, run_ids) != {RunStatus.COMPLETED: 10, RunStatus.WAITING: 30}:
                await asyncio.sleep(0.2)
                assert await _spent(address) <= before + one * 10
        waiting = next(run for run in await tegu.list_runs(limit=100) if run.status is RunStatus.WAITING)
        (stage,) = (await tegu.get_run(waiting.id)).stages
        assert stage.status is StageStatus.WAITING
        assert stage.error is not None
        assert stage.error.code == "budget_exhausted"
        assert "the budget per day has no room" in stage.error.message
        assert await tegu.set_budget(DAY, before + one * 100) == 30
        statuses = await tegu.wait(run_ids, timeout_s=60)
        assert set(statuses.values()) == {RunStatus.COMPLETED}
        (budget,) = await tegu.list_budgets()
        assert (budget.spent_usd, budget.reserved_usd) == (await _spent(address), 0)
    await _nothing_is_broken(address)


async def test_a_runs_own_budget_stops_it_and_no_other(opened: Open, address: DatabaseAddress) -> None:
    async with _answers() as server, opened(server) as tegu:
        await tegu._runtime.serve()
        (poor,) = await tegu.start(NOTE, "Poor.", options=StartOptions(budget_usd=Decimal("0.000001")))
        (rich,) = await tegu.start(NOTE, "Rich.", options=StartOptions(budget_usd=Decimal(1)))
        async with asyncio.timeout(60):
            while await _settled(tegu, (poor, rich)) != {RunStatus.WAITING: 1, RunStatus.COMPLETED: 1}:
                await asyncio.sleep(0.1)
        assert (await tegu.get_run(poor)).status is RunStatus.WAITING
        assert await tegu.list_calls(run_id=poor) == [], "nothing is written of a call that was not made"
        assert await tegu.set_budget(BudgetPlace(BudgetPeriod.RUN, run_id=poor), Decimal("0.5")) == 1
        assert set((await tegu.wait([poor], timeout_s=60)).values()) == {RunStatus.COMPLETED}
        with pytest.raises(ConflictError, match="not ended"):
            await tegu.set_budget(BudgetPlace(BudgetPeriod.RUN, run_id=poor), Decimal(1))
    await _nothing_is_broken(address)


async def test_a_budget_counts_what_was_spent_before_it_was_set_and_only_its_own_pipeline(
    opened: Open, address: DatabaseAddress
) -> None:
    async with _answers() as server, opened(server) as tegu:
        one = await _cost_of_one(tegu)
        other: JsonObject = {**NOTE, "name": "other"}
        (run_id,) = await tegu.start(other, "Of another pipeline.")
        await tegu.drive([run_id], timeout_s=60)
        await tegu.set_budget(MONTH, Decimal(100))
        await tegu.set_budget(BudgetPlace(BudgetPeriod.MONTH, "note"), Decimal(50))
        found = {budget.place.pipeline: budget.spent_usd for budget in await tegu.list_budgets()}
        assert found == {None: 2 * one, "note": one}
        await _cost_of_one(tegu)
        found = {budget.place.pipeline: budget.spent_usd for budget in await tegu.list_budgets()}
        assert found == {None: 3 * one, "note": 2 * one}
        await tegu.remove_budget(MONTH)
        await tegu.remove_budget(BudgetPlace(BudgetPeriod.MONTH, "note"))
        assert await tegu.list_budgets() == []
        with pytest.raises(NotFoundError, match="no budget of the organization per month"):
            await tegu.remove_budget(MONTH)
    await _nothing_is_broken(address)


async def test_a_call_without_a_run_is_refused_and_one_without_a_price_too(opened: Open) -> None:
    async with _answers() as server, opened(server) as tegu:
        await tegu.set_budget(DAY, Decimal(0))
        with pytest.raises(ProviderError, match="has no room") as caught:
            await tegu.llm.generate("Say it.", model=MODEL)
        assert (caught.value.code, caught.value.transient) == ("budget_exhausted", True)
        await tegu.set_budget(DAY, Decimal(10))
        with pytest.raises(ConfigurationError, match="no price is known of openai:my-own-model"):
            await tegu.llm.generate("Say it.", model="openai:my-own-model")
        assert server.ledger == []
        await tegu.set_budget(DAY, Decimal(10), allows_unpriced=True)
        await tegu.llm.generate("Say it.", model="openai:my-own-model")
        assert len(server.ledger) == 1


async def test_a_refused_call_gives_its_reservation_back_and_a_lost_one_keeps_it(
    opened: Open, address: DatabaseAddress
) -> None:
    script = [Rule(Reply(Failed(400)), times=1), Rule(Reply(Text("late"), delay_s=30), times=1)]
    async with ScriptedProvider(script) as server, opened(server) as tegu:
        await tegu.set_budget(DAY, Decimal(10))
        with pytest.raises(ProviderError):
            await tegu.llm.generate("Say it.", model=MODEL)
        (budget,) = await tegu.list_budgets()
        assert (budget.spent_usd, budget.reserved_usd) == (0, 0)
        lost = asyncio.create_task(tegu.llm.generate("Say it again.", model=MODEL))
        async with asyncio.timeout(30):
            while len(server.ledger) < 2:
                await asyncio.sleep(0.02)
        (budget,) = await tegu.list_budgets()
        assert budget.reserved_usd > 0
        lost.cancel()
        await asyncio.gather(lost, return_exceptions=True)
        (after,) = await tegu.list_budgets()
        assert after.spent_usd + after.reserved_usd == budget.reserved_usd
    await _nothing_is_broken(address)


@pytest.mark.parametrize("limit", ["-1", "NaN", "Infinity", "1e30"])
async def test_a_limit_that_makes_no_sense_is_refused(opened: Open, limit: str) -> None:
    async with _answers() as server, opened(server) as tegu:
        with pytest.raises(UsageError, match="a budget cannot be"):
            await tegu.set_budget(DAY, Decimal(limit))
        with pytest.raises(NotFoundError, match="no pipeline 'nothing'"):
            await tegu.set_budget(BudgetPlace(BudgetPeriod.DAY, "nothing"), Decimal(1))


async def test_no_organization_sees_or_feels_anothers_budget(opened: Open) -> None:
    async with _answers() as server, opened(server) as tegu:
        await tegu.set_budget(DAY, Decimal(0))
        other = tegu.for_organization("other")
        assert await other.list_budgets() == []
        assert await other.llm.generate("Say it.", model=MODEL) == "said"


def test_a_budget_is_for_a_run_or_for_a_period() -> None:
    with pytest.raises(UsageError, match="for a run, or per day or month"):
        BudgetPlace(BudgetPeriod.RUN)
    with pytest.raises(UsageError, match="names no pipeline"):
        BudgetPlace(BudgetPeriod.RUN, "note", UUID(int=1))


def _two_branches() -> PipelineDefinition:
    stages = (StageDefinition("poor", "test"), StageDefinition("other", "test"))
    return PipelineDefinition("two_branches", InputKind.CONTENT, stages)


async def _wake(lab: Lab) -> None:
    async with lab.database.transaction(lab.organization) as connection:
        await wake_postponed(connection, lab.organization)


async def test_raising_a_budget_wakes_a_stage_whose_run_is_driven_for_another_stage(lab: Lab) -> None:
    done = asyncio.Event()

    async def poor(task: StageTask) -> StageOutcome:
        if task.attempt == 1:
            return Postponed(ErrorInfo("budget_exhausted", "no room"), due_in_s=3600)
        return await echo(task)

    async def other(task: StageTask) -> StageOutcome:
        await done.wait()
        return await echo(task)

    (run_id,) = await lab.start(_two_branches())
    async with working(await lab.worker({"poor": poor, "other": other})):
        await lab.reached(run_id, "poor", "waiting")
        await _wake(lab)
        await lab.reached(run_id, "poor", "completed")
        done.set()
        assert await lab.until([run_id]) == {"completed"}


@pytest.mark.parametrize("is_driven_on", [False, True])
async def test_a_budget_that_is_raised_while_a_stage_is_being_refused_wakes_it_too(
    lab: Lab, is_driven_on: bool
) -> None:
    done = asyncio.Event()

    async def poor(task: StageTask) -> StageOutcome:
        if task.attempt == 1:
            await _wake(lab)
            return Postponed(ErrorInfo("budget_exhausted", "no room"), due_in_s=3600)
        done.set()
        return await echo(task)

    async def other(task: StageTask) -> StageOutcome:
        if is_driven_on:
            await done.wait()
        return await echo(task)

    (run_id,) = await lab.start(_two_branches())
    async with working(await lab.worker({"poor": poor, "other": other})):
        assert await lab.until([run_id]) == {"completed"}
