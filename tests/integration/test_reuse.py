"""A re-run takes what an earlier run has come to, where nothing has changed that it depends on."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest
from one_question import NOTE
from rerun_lab import MAIL, TRIAGE, asked, changed, run_again, scripted

from tegu.app import Tegu
from tegu.domain.run import Run
from tegu.domain.status import RunStatus
from tegu.storage.database import DatabaseAddress
from tegu.testing.scripted import Failed, Json, Reply, ScriptedProvider, Text

Opened = Callable[..., AbstractAsyncContextManager[Tegu]]


def reused(run: Run) -> dict[str, UUID]:
    return {stage.stage: stage.reused_from for stage in run.stages if stage.reused_from is not None}


async def test_nothing_that_is_unchanged_is_asked_for_again(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        assert asked(server) == ["ANSWER", "CHECK", "CLASSIFY", "EXTRACT"]
        again = await run_again(tegu, base, TRIAGE)
        assert asked(server) == ["ANSWER", "CHECK", "CLASSIFY", "EXTRACT"]
        assert again.totals.calls == 0
        assert reused(again) == dict.fromkeys(["read", "extract", "classify", "answer", "check"], base.id)
        assert again.stage_outputs == base.stage_outputs
        assert [each.status for each in again.stages] == [each.status for each in base.stages]


async def test_what_is_reused_keeps_its_results_with_evidence_confidence_and_call(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        again = await run_again(tegu, base, TRIAGE)

    def kept(run: Run) -> list[object]:
        return [
            (r.stage, r.type, r.key, r.data, r.confidence, r.evidence, r.llm_call_id) for r in run.results
        ]

    assert kept(again) == kept(base)
    assert any(result.evidence for result in again.results)
    assert any(result.confidence for result in again.results)


async def test_other_instructions_ask_for_that_stage_and_what_hangs_on_its_output(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        polite = changed(TRIAGE, "answer", instructions="ANSWER, politely")
        again = await run_again(tegu, base, polite)
        # The answer came out the same, so the check of it is the same: what is downstream is cut off early.
        assert asked(server) == ["ANSWER"]
        assert set(reused(again)) == {"read", "extract", "classify", "check"}


async def test_a_model_that_is_not_the_same_is_asked_again(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        again = await run_again(tegu, base, TRIAGE, model="openai:gpt-5")
        assert asked(server) == ["ANSWER", "CHECK", "CLASSIFY", "EXTRACT"]
        assert set(reused(again)) == {"read"}


@pytest.mark.parametrize("bad", [Failed(400), Text("")], ids=["refused", "empty"])
async def test_neither_a_failure_nor_an_empty_reply_is_ever_reused(
    opened: Opened, bad: Failed | Text
) -> None:
    replies = [bad]  # for as long as it is there
    async with (
        ScriptedProvider(lambda _: Reply(replies[0]) if replies else Reply(Json("said"))) as server,
        opened(server) as tegu,
    ):
        base = await tegu.run(NOTE, MAIL)
        assert base.status is RunStatus.FAILED
        replies.clear()
        asked_before = len(server.ledger)
        again = await run_again(tegu, base, NOTE)
        assert len(server.ledger) == asked_before + 1
        assert again.status is RunStatus.COMPLETED
        assert reused(again) == {}


async def test_what_was_reused_twice_is_of_the_run_that_made_it(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        second = await run_again(tegu, base, TRIAGE)
        third = await run_again(tegu, second, TRIAGE)
        assert set(reused(third).values()) == {base.id}


async def test_events_say_what_was_reused(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        again = await run_again(tegu, base, TRIAGE)
        events = [event async for event in tegu.follow([again.id]) if event.kind == "stage.completed"]
    assert {str(event.data["reused_from"]) for event in events if isinstance(event.data, dict)} == {
        str(base.id)
    }


async def test_an_output_that_was_erased_is_asked_for_again(opened: Opened, address: DatabaseAddress) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        owner = await asyncpg.connect(address.owner)
        try:
            await owner.execute("update tegu.runs set erased_at = now() where id = $1", base.id)
        finally:
            await owner.close()
        again = await run_again(tegu, base, TRIAGE)
        assert asked(server) == ["ANSWER", "CHECK", "CLASSIFY", "EXTRACT"]
        assert reused(again) == {}


async def test_a_run_over_another_input_gives_nothing(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        other = await tegu.ingest(MAIL, external_id="another content of the same words")
        elsewhere = await tegu.run(TRIAGE, other)
        mine = await tegu.run(TRIAGE, MAIL)
        assert mine.content_id != elsewhere.content_id
        server.ledger.clear()
        again = await run_again(tegu, replace(mine, id=elsewhere.id), TRIAGE)
        assert reused(again) == {}
        assert asked(server) == ["ANSWER", "CHECK", "CLASSIFY", "EXTRACT"]


async def test_another_organizations_run_gives_nothing(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.for_organization("globex").run(TRIAGE, MAIL)
        mine = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        again = await run_again(tegu, replace(mine, id=base.id), TRIAGE)
        assert reused(again) == {}
        assert asked(server) == ["ANSWER", "CHECK", "CLASSIFY", "EXTRACT"]
