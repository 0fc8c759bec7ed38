"""Limits over processes: one database, several Tegus, one provider that counts."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from one_question import MODEL, NOTE

from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.errors import ConflictError, ProviderError
from tegu.domain.status import RunStatus, StageStatus
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.testing.scripted import Failed, Match, Reply, Rule, ScriptedProvider, Text

Open = Callable[..., Any]


async def _until(tegu: Tegu, run_ids: tuple[UUID, ...], status: RunStatus) -> None:
    async with asyncio.timeout(60):
        while {(await tegu.get_run(run_id)).status for run_id in run_ids} != {status}:
            await asyncio.sleep(0.1)


async def test_a_refusal_in_one_process_pauses_the_whole_key_in_another(opened: Open) -> None:
    script = [
        Rule(Reply(Failed(429, retry_after_s=9)), Match(contains=("The first.",)), times=1),
        Rule(Reply(Text("said"))),
    ]
    async with ScriptedProvider(script) as server, opened(server) as one, opened(server) as two:
        asked = asyncio.create_task(one.llm.generate("The first.", model=MODEL))
        async with asyncio.timeout(30):
            while not (limits := await two.list_limits()) or not limits[0].paused_s:
                await asyncio.sleep(0.02)
        assert await two.llm.generate("Another model.", model="openai:gpt-5-nano") == "said"
        assert await asked == "said"
        refused, *others = server.ledger
        assert refused.status == 429
        assert len(others) == 2
        assert all(each.at_s - refused.at_s >= 9 for each in others)
        assert len(await one.list_calls()) == 3, "what had no leave has no row"


async def test_runs_that_find_no_capacity_are_released_with_the_reason_and_go_on_by_themselves(
    opened: Open,
) -> None:
    held = asyncio.Event()

    async def hold(_: object) -> Reply:
        await held.wait()
        return Reply(Text("said"))

    async with ScriptedProvider(hold) as server, opened(server, limits="openai concurrency=1") as tegu:
        run_ids = await tegu.start(NOTE, "One.", "Two.", "Three.", options=StartOptions(model=MODEL))
        await tegu._runtime.serve()
        async with asyncio.timeout(60):
            while True:
                runs = [await tegu.get_run(run_id) for run_id in run_ids]
                waiting = [run for run in runs if run.status is RunStatus.WAITING]
                if len(waiting) == 2:
                    break
                await asyncio.sleep(0.1)
        for run in waiting:
            (stage,) = run.stages
            assert stage.status is StageStatus.WAITING
            assert stage.error is not None
            assert stage.error.code == "no_capacity"
            assert "asked as many things at once" in stage.error.message
        assert len(server.ledger) == 1
        held.set()
        await _until(tegu, run_ids, RunStatus.COMPLETED)
        assert len(server.ledger) == 3


async def test_two_processes_together_keep_to_what_is_allowed_a_minute(opened: Open) -> None:
    async with (
        ScriptedProvider([Rule(Reply(Text("said")))]) as server,
        opened(server, limits="openai rpm=24") as one,
        opened(server, limits="openai rpm=24") as two,
    ):
        run_ids = await one.start(NOTE, *(f"Note {n}." for n in range(12)), options=StartOptions(model=MODEL))
        for tegu in (one, two):
            await tegu._runtime.serve()
        await asyncio.sleep(10)
        # A burst of two, and then one each three seconds, however many processes there are.
        assert 3 <= len(server.ledger) <= 2 + 10 * 24 / 60 + 2
        for run_id in run_ids:
            with suppress(ConflictError):
                await one.cancel(run_id)


async def test_what_a_process_held_comes_back_when_it_died(opened: Open, address: DatabaseAddress) -> None:
    async with ScriptedProvider([Rule(Reply(Text("said")))]) as server:
        async with opened(server, limits="openai concurrency=1") as dead:
            await dead.llm.generate("Say it.", model=MODEL)
            # It dies: nothing is given back.
            for each in dead._runtime.limiter._places.values():
                assert each.visiting is not None
                each.visiting.cancel()
            dead._runtime.limiter._places.clear()
            async with opened(server, limits="openai concurrency=1") as heir:
                async with asyncio.timeout(30):
                    while True:
                        try:
                            await heir.llm.generate("Say it again.", model=MODEL)
                            break
                        except ProviderError as error:
                            assert error.code == "no_capacity"  # noqa: PT017 (expected until the lease ends)
        assert len(server.ledger) == 2


def test_settings_read_limits() -> None:
    settings = Settings.from_environment({"TEGU_LIMITS": "openai rpm=3"})
    assert replace(settings, limits=None) != settings
