"""`drive` may be called by anybody, any number of times: that is what an engine that delivers at least once needs."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tegu import Document, Pipeline, StageContext, stage
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.budget import BudgetPeriod, BudgetPlace
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.sync import SyncTegu
from tegu.testing.scripted import Reply, Rule, ScriptedProvider, Text, Tokens

MODEL = "openai:gpt-5-mini"
TWO: JsonObject = {
    "tegu": 1,
    "name": "two",
    "input": "content",
    "stages": {
        "say": {"uses": "prompt", "with": {"instructions": "Say it."}},
        "again": {"uses": "prompt", "inputs": ["say"], "with": {"instructions": "Say it again."}},
    },
}
Opened = Callable[..., AbstractAsyncContextManager[Tegu]]


@stage(version=1)
async def shout(document: Document, ctx: StageContext) -> str:
    """Say it louder."""
    del ctx
    return document.text.upper()


def shouting() -> Pipeline[Document]:
    pipeline = Pipeline("shouting", input=Document)
    pipeline.stage("shout", shout, pipeline.source)
    return pipeline


def answers(delay_s: float = 0.0) -> ScriptedProvider:
    return ScriptedProvider([Rule(Reply(Text("said"), delay_s=delay_s, tokens=Tokens(100, 10)))])


def keys_of(server: ScriptedProvider) -> dict[str, str]:
    return {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": server.base_url("openai")}


@pytest.fixture
def opened(address: DatabaseAddress, tmp_path: Path) -> Opened:
    """Open a Tegu as a process of an engine does; with other stages, if given."""

    @asynccontextmanager
    async def opened(server: ScriptedProvider | None = None, *stages: Any) -> AsyncGenerator[Tegu]:
        credentials = EnvironmentCredentials(keys_of(server) if server else {})
        settings = Settings(home=tmp_path, database_url=address.owner, model=MODEL)
        async with Tegu(settings=settings, credentials=credentials, stages=stages) as tegu:
            yield tegu

    return opened


async def rows(address: DatabaseAddress, query: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetch(query, *values)
    finally:
        await connection.close()


async def outcomes(address: DatabaseAddress, run_id: UUID) -> Counter[str]:
    found = await rows(address, "select outcome from tegu.stage_attempts where run_id = $1", run_id)
    return Counter(row["outcome"] for row in found)


async def driven_until_it_waits(tegu: Tegu, run_id: UUID) -> RunStatus:
    """On a busy machine its turn may not have come within the patience: then an engine calls again."""
    async with asyncio.timeout(60):
        while (status := await tegu.drive(run_id, timeout_s=60, patience_s=1)) is RunStatus.PENDING:
            pass
    return status


async def test_one_id_gives_its_status_and_several_give_each_theirs(opened: Opened) -> None:
    async with answers() as server, opened(server) as tegu:
        one, two = await tegu.start(TWO, "One.", "Two.")
        assert await tegu.drive(one, timeout_s=60) is RunStatus.COMPLETED
        expected = {one: RunStatus.COMPLETED, two: RunStatus.COMPLETED}
        assert await tegu.drive([one, two], timeout_s=60) == expected
        assert await tegu.drive([], timeout_s=60) == {}


async def test_a_run_that_has_ended_is_driven_again_by_nobody(
    opened: Opened, address: DatabaseAddress
) -> None:
    async with answers() as server:
        async with opened(server) as tegu:
            (run_id,) = await tegu.start(TWO, "Once.")
            await tegu.drive(run_id, timeout_s=60)
        async with opened(server) as redelivered:
            assert await redelivered.drive(run_id, timeout_s=60) is RunStatus.COMPLETED
            assert await redelivered.list_workers() == (), "no worker was started for it"
        assert len(server.ledger) == 2
    assert await outcomes(address, run_id) == {"completed": 2}


async def test_many_callers_at_once_do_the_work_once(opened: Opened, address: DatabaseAddress) -> None:
    async with answers(delay_s=0.2) as server, opened(server) as one, opened(server) as two:
        (run_id,) = await one.start(TWO, "Once.")
        found = await asyncio.gather(*(tegu.drive(run_id, timeout_s=60) for tegu in (one, two) * 5))
        assert set(found) == {RunStatus.COMPLETED}
        assert len(server.ledger) == 2
    assert await outcomes(address, run_id) == {"completed": 2}


async def test_when_a_caller_is_killed_the_next_delivery_goes_on_from_what_is_stored(
    opened: Opened, address: DatabaseAddress, process_environment: dict[str, str]
) -> None:
    async with answers(delay_s=1.5) as server, opened(server) as tegu:
        (run_id,) = await tegu.start(TWO, "Once.", options=StartOptions(model=MODEL))
        command = (sys.executable, str(Path(__file__).with_name("drive_caller.py")), str(run_id))
        caller = await asyncio.create_subprocess_exec(
            *command, env=process_environment | keys_of(server), stdout=PIPE
        )
        async with asyncio.timeout(60):
            while len(server.ledger) < 2:  # the first stage is stored, the second one under way
                await asyncio.sleep(0.02)
        caller.send_signal(signal.SIGKILL)
        await caller.communicate()
        assert await tegu.drive(run_id, timeout_s=60) is RunStatus.COMPLETED
        assert len(server.ledger) == 3, "the stored reply is not asked for again"
    assert await outcomes(address, run_id) == {"completed": 2, "crashed": 1}


async def test_who_is_not_patient_is_told_that_a_run_waits_and_may_come_again(opened: Opened) -> None:
    async with answers() as server, opened(server) as tegu:
        (poor,) = await tegu.start(TWO, "Poor.", options=StartOptions(budget_usd=Decimal("0.000001")))
        assert await driven_until_it_waits(tegu, poor) is RunStatus.WAITING
        assert tegu._runtime.own._working is not None
        assert tegu._runtime.own._working[0]._only == set(), "it is left to whoever asks next"
        await tegu.set_budget(BudgetPlace(BudgetPeriod.RUN, run_id=poor), Decimal(1))
        assert await tegu.drive(poor, timeout_s=60, patience_s=50) is RunStatus.COMPLETED


async def test_one_callers_patience_does_not_end_anothers(opened: Opened) -> None:
    async with answers() as server, opened(server) as tegu:
        (poor,) = await tegu.start(TWO, "Poor.", options=StartOptions(budget_usd=Decimal("0.000001")))
        patient = asyncio.create_task(tegu.drive(poor, timeout_s=60))
        assert await driven_until_it_waits(tegu, poor) is RunStatus.WAITING
        await tegu.set_budget(BudgetPlace(BudgetPeriod.RUN, run_id=poor), Decimal(1))
        assert await patient is RunStatus.COMPLETED


async def test_a_run_whose_python_stage_is_not_here_is_left_to_a_process_that_has_it(opened: Opened) -> None:
    async with opened() as without, opened(None, shout) as having:
        (run_id,) = await having.start(shouting(), "Hello.")
        assert await without.drive(run_id, timeout_s=60, patience_s=0.5) is RunStatus.PENDING
        assert await having.drive(run_id, timeout_s=60, patience_s=50) is RunStatus.COMPLETED


async def test_a_run_that_is_not_there_is_wanted_by_nobody(opened: Opened) -> None:
    async with opened() as tegu:
        with pytest.raises(NotFoundError):
            await tegu.drive(new_id(), timeout_s=60)
        assert tegu._runtime.own._working is None
        for wrong in ({"timeout_s": 0.0}, {"patience_s": -1.0}, {"patience_s": float("nan")}):
            with pytest.raises(UsageError, match="positive"):
                await tegu.drive(new_id(), **wrong)


async def test_code_that_is_not_async_drives_in_the_same_way(
    address: DatabaseAddress, tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")

    def deliver() -> tuple[RunStatus, dict[UUID, RunStatus]]:
        with SyncTegu(settings=settings, stages=[shout]) as tegu:
            (run_id,) = tegu.start(shouting(), "Hello.")
            return tegu.drive(run_id, timeout_s=60, patience_s=30), tegu.drive([run_id])

    status, statuses = await asyncio.to_thread(deliver)
    assert status is RunStatus.COMPLETED
    assert list(statuses.values()) == [RunStatus.COMPLETED]


async def test_a_run_that_is_long_overdue_is_driven_by_a_process_that_has_driven_others(
    opened: Opened, address: DatabaseAddress
) -> None:
    async with answers() as server, opened(server) as tegu:
        (first,) = await tegu.start(TWO, "One note.")
        assert await tegu.drive(first, timeout_s=60) is RunStatus.COMPLETED
        (second,) = await tegu.start(TWO, "Another note.")
        connection = await asyncpg.connect(address.owner)
        await connection.execute(
            "update tegu.runs set due_at = now() - interval '10 minutes' where id = $1", second
        )
        await connection.close()
        assert await tegu.drive(second, timeout_s=60, patience_s=5) is RunStatus.COMPLETED


async def test_two_drives_at_once_share_one_worker(opened: Opened) -> None:
    async with answers() as server, opened(server) as tegu:
        found = [(await tegu.start(TWO, f"Note {n}."))[0] for n in range(2)]
        assert (
            await asyncio.gather(*(tegu.drive(run_id, timeout_s=60) for run_id in found))
            == [RunStatus.COMPLETED] * 2
        )
        assert len(await tegu.list_workers()) == 1
