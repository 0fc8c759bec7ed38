"""What differs between two runs, and why."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from rerun_lab import MAIL, TRIAGE, changed, run_again, scripted

from tegu.actions.comparison import compare
from tegu.actions.forking import ForkOptions, fork
from tegu.app import Tegu
from tegu.domain.comparison import ChangedPart, RunComparison
from tegu.domain.difference import ChangeKind
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.json import JsonObject
from tegu.domain.run import Run
from tegu.domain.status import RunStatus, StageStatus
from tegu.testing.scripted import Json, Match, Reply, Rule

Opened = Callable[..., AbstractAsyncContextManager[Tegu]]
OTHER: JsonObject = {"category": "other", "confidence": 1.0}


async def compared(tegu: Tegu, a: Run, b: Run) -> RunComparison:
    return await compare(await tegu.scope(), a.id, b.id)


def found_people(*people: str) -> Json:
    return Json({"output": {"people": [*people], "amount": 1.0}, "evidence": []})


def why(found: RunComparison) -> dict[str, tuple[str, ...]]:
    return {stage.stage: stage.why for stage in found.stages if stage.why}


async def test_a_run_and_its_unchanged_re_run_are_the_same(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        found = await compared(tegu, base, await run_again(tegu, base, TRIAGE))
    assert found.is_same
    assert found.is_same_input
    assert found.changes == ()
    assert [stage.b.reused_from for stage in found.stages if stage.b and stage.stage == "extract"] == [
        base.id
    ]
    assert (found.a.totals.calls, found.b.totals.calls) == (4, 0)
    # What was asked once is paid once, in all and stage by stage.
    assert base.totals.cost_usd > 0
    assert (found.a.totals.cost_usd, found.b.totals.cost_usd) == (base.totals.cost_usd, 0)
    assert sum(stage.a.totals.cost_usd for stage in found.stages if stage.a) == base.totals.cost_usd
    assert {stage.b.totals.cost_usd for stage in found.stages if stage.b} == {0}


async def test_other_instructions_are_named_shown_and_followed_downstream(opened: Opened) -> None:
    polite = Rule(
        Reply(Json({"output": {"text": "Gladly."}, "evidence": []})), Match(contains=("ANSWER, politely",))
    )
    async with scripted(polite) as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        document = changed(TRIAGE, "answer", instructions="ANSWER, politely")
        found = await compared(tegu, base, await run_again(tegu, base, document))
    assert why(found) == {"answer": ("instructions",), "check": ("input:answer",)}
    answer = next(stage for stage in found.stages if stage.stage == "answer")
    assert answer.instructions == "@@ -1 +1 @@\n-ANSWER\n+ANSWER, politely"
    assert answer.differs == 1
    assert answer.a is not None
    assert answer.b is not None
    assert answer.a.requests != answer.b.requests
    told = {
        (change.part, change.stage, change.pointer, change.before, change.after) for change in found.changes
    }
    assert (ChangedPart.OUTPUT, "answer", "/text", "The money is on its way.", "Gladly.") in told
    assert (ChangedPart.DEFINITION, "answer", "/with/instructions", "ANSWER", "ANSWER, politely") in told


async def test_an_output_that_was_given_and_the_branch_it_takes_are_told(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        made = await fork(await tegu.scope(), base.id, ForkOptions("file", outputs={"classify": OTHER}))
        await tegu.drive([made.run_id], timeout_s=60)
        found = await compared(tegu, base, await tegu.get_run(made.run_id))
    reasons = why(found)
    assert reasons["classify"] == ("given",)
    assert reasons["file"] == ("condition",)
    assert reasons["answer"] == ("condition",)
    sides = {stage.stage: (stage.a, stage.b) for stage in found.stages}
    before, after = sides["file"]
    assert before is not None
    assert after is not None
    assert (before.status, after.status) == (StageStatus.SKIPPED, StageStatus.COMPLETED)
    assert found.b.forked_from == base.id
    places = {(change.part, change.stage, change.pointer) for change in found.changes}
    assert (ChangedPart.OUTPUT, "classify", "/category") in places
    assert (ChangedPart.CONFIDENCE, "classify", "") in places


async def test_the_same_question_with_another_answer_was_asked_again(opened: Opened) -> None:
    second = Rule(
        Reply(Json({"output": {"text": "No."}, "evidence": []})), Match(contains=("ANSWER",), nth=2)
    )
    async with scripted(second) as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        made = await fork(await tegu.scope(), base.id, ForkOptions("answer"))
        await tegu.drive([made.run_id], timeout_s=60)
        found = await compared(tegu, base, await tegu.get_run(made.run_id))
    assert why(found)["answer"] == ("asked_again",)


async def test_places_come_in_pages_that_have_each_once(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        other = await tegu.run(changed(TRIAGE, "answer", instructions="ANSWER 2"), "Hi.")
        scope = await tegu.scope()
        whole = await compare(scope, base.id, other.id)
        found, cursor = (
            [*(first := await compare(scope, base.id, other.id, limit=1)).changes],
            first.next_cursor,
        )
        while cursor is not None:
            page = await compare(scope, base.id, other.id, limit=1, cursor=cursor)
            found, cursor = [*found, *page.changes], page.next_cursor
        assert tuple(found) == whole.changes
        assert not whole.is_same_input
        with pytest.raises(UsageError, match="cursor"):
            await compare(scope, base.id, other.id, cursor="nonsense")


async def test_a_run_of_another_organization_is_as_unknown_as_none(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        mine = await tegu.run(TRIAGE, MAIL)
        theirs = await tegu.for_organization("globex").run(TRIAGE, MAIL)
        for a, b in ((mine.id, theirs.id), (theirs.id, mine.id)):
            with pytest.raises(NotFoundError):
                await compare(await tegu.scope(), a, b)


async def test_what_a_stage_started_is_counted_with_it(opened: Opened) -> None:
    inner: JsonObject = {
        "tegu": 1,
        "name": "inner",
        "input": "content",
        "stages": {
            "check": {"uses": "prompt", "with": {"instructions": "ANSWER", "schema": {"text": "str"}}}
        },
    }
    outer: JsonObject = {
        "tegu": 1,
        "name": "outer",
        "input": "content",
        "stages": {
            "extract": {
                "uses": "extract",
                "with": {"instructions": "EXTRACT", "schema": {"people": "list[str]", "amount": "float"}},
            },
            "each": {
                "uses": "prompt",
                "inputs": [],
                "each": "extract.people",
                "with": {"instructions": "CHECK", "schema": {"is_polite": "bool"}},
            },
            "nested": {
                "uses": "pipeline",
                "inputs": [],
                "each": "extract.people",
                "with": {"pipeline": "inner"},
            },
        },
    }
    people = Rule(Reply(found_people("Maria", "Ana", "Ben")), Match(contains=("EXTRACT",)))
    async with scripted(people) as server, opened(server) as tegu:
        await tegu.pipeline(inner)
        a, b = await tegu.run(outer, MAIL), await tegu.run(outer, MAIL)
        found = await compared(tegu, a, b)
    calls = {stage.stage: stage.a.totals.calls for stage in found.stages if stage.a is not None}
    assert calls == {"extract": 1, "each": 3, "nested": 3}
    assert found.a.totals.calls == sum(calls.values()) == 7
    for stage in found.stages:
        assert stage.a is not None
        assert stage.a.totals.input_tokens > 0
        assert (stage.a.elapsed_s or 0) > 0


async def test_results_of_items_are_compared_item_by_item(opened: Opened) -> None:
    document: JsonObject = {
        "tegu": 1,
        "name": "mapped",
        "input": "content",
        "stages": {
            "extract": {
                "uses": "extract",
                "with": {"instructions": "EXTRACT", "schema": {"people": "list[str]", "amount": "float"}},
            },
            "each": {
                "uses": "prompt",
                "inputs": [],
                "each": "extract.people",
                "with": {"instructions": "CHECK", "schema": {"is_polite": "bool"}},
            },
        },
    }
    two = Rule(Reply(found_people("Maria", "Ana")), Match(contains=("EXTRACT",)))
    three = Rule(Reply(found_people("Maria", "Ana", "Ben")), Match(contains=("EXTRACT all",)))
    async with scripted(three, two) as server, opened(server) as tegu:
        base = await tegu.run(document, MAIL)
        again = await tegu.run(changed(document, "extract", instructions="EXTRACT all"), MAIL)
        found = await compared(tegu, base, again)
    # The third item stands in the output, and its result is not told again.
    told = [each for each in found.changes if each.stage == "each"]
    assert [(each.part, each.pointer, each.kind) for each in told] == [
        (ChangedPart.OUTPUT, "/2", ChangeKind.ADDED)
    ]


async def test_a_stage_that_failed_is_told_by_what_was_changed_and_those_behind_it_by_that_failure(
    opened: Opened,
) -> None:
    odd = Rule(Reply(Json({"output": {"other": 1}, "evidence": []})), Match(contains=("ANSWER",)))
    mended = Rule(
        Reply(Json({"output": {"text": "Gladly."}, "evidence": []})), Match(contains=("ANSWER, mended",))
    )
    async with scripted(mended, odd) as server, opened(server) as tegu:
        base = await tegu.run(TRIAGE, MAIL)
        assert base.status is RunStatus.FAILED
        edits: dict[str, JsonObject] = {"answer": {"instructions": "ANSWER, mended"}}
        made = await fork(await tegu.scope(), base.id, ForkOptions("answer", edits=edits))
        await tegu.drive([made.run_id], timeout_s=60)
        found = await compared(tegu, base, await tegu.get_run(made.run_id))
    assert why(found) == {"answer": ("instructions",), "check": ("failed_before",)}
    assert found.b.version_label == "v1, edited"
    assert [each.stage for each in found.changes if each.part is ChangedPart.RESULT] == []
