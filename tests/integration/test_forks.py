"""A fork goes on from what another run has come to: nothing before its stage is paid again, nothing of its base changes."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from rerun_lab import MAIL, TRIAGE, asked, finished, scripted

from tegu.actions.forking import ForkedRun, ForkOptions, fork
from tegu.actions.pipeline_standing import archive
from tegu.app import Tegu
from tegu.domain.errors import (
    ConflictError,
    DefinitionError,
    InvalidInputError,
    NotFoundError,
    UsageError,
)
from tegu.domain.run import Run
from tegu.domain.status import RunStatus, StageStatus
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import Failed, Match, Reply, Rule

Opened = Callable[..., AbstractAsyncContextManager[Tegu]]
REFUND = {"category": "refund", "confidence": 0.9}
OTHER = {"category": "other", "confidence": 1.0}


async def forked(tegu: Tegu, base: UUID, from_stage: str, **options: Any) -> ForkedRun:
    return await fork(await tegu.scope(), base, ForkOptions(from_stage, **options))


async def forked_to_its_end(tegu: Tegu, base: UUID, from_stage: str, **options: Any) -> Run:
    return await finished(tegu, (await forked(tegu, base, from_stage, **options)).run_id)


def reused(run: Run) -> set[str]:
    return {stage.stage for stage in run.stages if stage.reused_from is not None}


def statuses(run: Run) -> dict[str, StageStatus]:
    return {stage.stage: stage.status for stage in run.stages}


async def test_what_comes_before_the_stage_is_not_paid_again(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        made = await forked(tegu, base.id, "answer")
        assert (made.kept, made.anew) == (("read", "extract", "classify", "file"), ("answer", "check"))
        run = await finished(tegu, made.run_id)
        assert asked(server) == ["ANSWER"]  # which came out the same, so that its check is the same
        assert (run.forked_from, run.fork_stage, run.edits) == (base.id, "answer", None)
        assert run.totals.calls == 1
        assert reused(run) == {"read", "extract", "classify", "file", "check"}
        assert (await tegu.get_run(base.id)).forks == (run.id,)


async def test_with_fresh_all_that_follows_is_asked_for_again(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        run = await forked_to_its_end(tegu, base.id, "answer", fresh=True)
        assert asked(server) == ["ANSWER", "CHECK"]
        assert reused(run) == {"read", "extract", "classify", "file"}


async def test_copies_keep_outputs_and_results_and_the_base_stays_as_it_was(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        run = await forked_to_its_end(tegu, base.id, "check")
        assert run.stage_outputs == base.stage_outputs

        def kept(of: Run) -> list[object]:
            return [(r.stage, r.type, r.key, r.data, r.confidence, r.evidence) for r in of.results]

        assert kept(run) == kept(base)
        after = await tegu.get_run(base.id)
        assert (after.stages, after.results, after.status) == (base.stages, base.results, base.status)


async def test_edited_instructions_are_a_version_that_the_name_does_not_mean(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        edits = {"answer": {"instructions": "ANSWER, in French"}}
        made = await forked(tegu, base.id, "answer", edits=edits)
        run = await finished(tegu, made.run_id)
        assert asked(server) == ["ANSWER"]
        assert "in French" in str(server.ledger[0].body)
        assert (run.version_label, made.version_label, run.version) == ("v1, edited", "v1, edited", -1)
        said: Any = run.edits
        assert said["stages"] == edits
        assert said["by"]["kind"] == "library"
        assert (await tegu.pipeline("triage")).number == 1


async def test_an_edited_output_decides_conditions_anew(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        assert statuses(base)["file"] is StageStatus.SKIPPED
        server.ledger.clear()
        run = await forked_to_its_end(tegu, base.id, "file", outputs={"classify": OTHER})
        assert asked(server) == ["FILE"]
        assert run.stage_outputs["classify"] == OTHER
        assert statuses(run)["file"] is StageStatus.COMPLETED
        assert statuses(run)["answer"] is StageStatus.SKIPPED
        assert statuses(run)["check"] is StageStatus.SKIPPED
        assert run.edits is not None
        assert run.edits["outputs"] == ["classify"]
        assert [each.data for each in run.results if each.stage == "classify"] == [OTHER]


async def test_the_stages_own_output_can_be_given(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        run = await forked_to_its_end(tegu, base.id, "answer", outputs={"answer": {"text": "No."}})
        assert asked(server) == ["CHECK"]
        assert run.stage_outputs["answer"] == {"text": "No."}


async def test_an_output_that_somebody_gave_is_never_taken_for_the_stages_own(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        edited = await forked_to_its_end(tegu, base.id, "check", outputs={"answer": {"text": "No."}})
        server.ledger.clear()
        again = await forked_to_its_end(tegu, edited.id, "classify")
        # The category came out the same; but the answer in the base was somebody's word.
        assert asked(server) == ["ANSWER", "CHECK", "CLASSIFY"]
        assert again.stage_outputs["answer"] == {"text": "The money is on its way."}


async def test_another_model_is_asked_from_there_on(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        server.ledger.clear()
        run = await forked_to_its_end(tegu, base.id, "classify", model="openai:gpt-5")
        assert asked(server) == ["ANSWER", "CHECK", "CLASSIFY"]
        models = {stage.stage: stage.model for stage in run.stages if stage.model}
        assert models["extract"] == "openai:gpt-5-mini"
        assert models["classify"] == "openai:gpt-5"


async def test_the_same_key_gives_the_same_fork(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        made = [await forked(tegu, base.id, "answer", idempotency_key="k") for _ in range(2)]
        assert made[0].run_id == made[1].run_id
        with pytest.raises(ConflictError, match="another request"):
            await forked(tegu, base.id, "check", idempotency_key="k")
        assert len(await tegu.list_runs()) == 2


@pytest.mark.parametrize(
    ("from_stage", "options", "error", "said"),
    [
        ("anwser", {}, NotFoundError, "no stage 'anwser'"),
        ("answer", {"edits": {"nobody": {"model": "rules"}}}, NotFoundError, "no stage 'nobody'"),
        ("answer", {"edits": {"answer": {"inputs": ["source"]}}}, UsageError, "cannot be changed by a fork"),
        ("answer", {"edits": {"answer": {"with": {"max_tokens": "many"}}}}, DefinitionError, "max_tokens"),
        ("answer", {"outputs": {"check": {"is_polite": True}}}, UsageError, "would be made anew"),
        (
            "answer",
            {"outputs": {"classify": {"category": "spam", "confidence": 1}}},
            InvalidInputError,
            "outputs.classify.category",
        ),
    ],
)
async def test_a_fork_that_cannot_be_is_refused_with_reasons(
    opened: Opened, from_stage: str, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        with pytest.raises(error, match=said):
            await forked(tegu, base.id, from_stage, **options)
        assert len(await tegu.list_runs()) == 1


async def test_a_stranger_and_an_archived_pipeline_fork_nothing(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        with pytest.raises(NotFoundError):
            await fork(await tegu.for_organization("globex").scope(), base.id, ForkOptions("answer"))
        await archive(await tegu.scope(), "triage")
        with pytest.raises(ConflictError) as refused:
            await forked(tegu, base.id, "answer")
        assert refused.value.code == "pipeline_archived"


async def test_what_was_erased_cannot_be_forked(opened: Opened, address: DatabaseAddress) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        owner = await asyncpg.connect(address.owner)
        try:
            await owner.execute("update tegu.runs set erased_at = now() where id = $1", base.id)
        finally:
            await owner.close()
        with pytest.raises(ConflictError) as refused:
            await forked(tegu, base.id, "answer")
        assert refused.value.code == "erased"


async def test_a_failed_stage_is_performed_again(opened: Opened) -> None:
    refused = Rule(Reply(Failed(400)), Match(contains=("ANSWER",)), times=1)
    async with scripted(refused) as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        assert base.status is RunStatus.FAILED
        server.ledger.clear()
        run = await forked_to_its_end(tegu, base.id, "check")
        assert asked(server) == ["ANSWER", "CHECK"]
        assert reused(run) == {"read", "extract", "classify", "file"}


async def test_events_of_a_fork_begin_with_what_it_took_over(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        run = await forked_to_its_end(tegu, base.id, "answer")
        events = [event async for event in tegu.follow([run.id])]
    told = {(e.kind, e.stage) for e in events if isinstance(e.data, dict) and "reused_from" in e.data}
    assert ("stage.completed", "classify") in told
    assert ("stage.skipped", "file") in told
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_the_doctor_finds_nothing_wrong_with_forks(opened: Opened, address: DatabaseAddress) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        await forked_to_its_end(tegu, base.id, "file", outputs={"classify": OTHER})
        await forked_to_its_end(tegu, base.id, "answer")
    checks = await check_invariants(address, rows_max=5)
    assert not [check for check in checks if check.broken]
