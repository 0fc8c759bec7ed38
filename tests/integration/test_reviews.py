"""Reviews: a person decides, and the run goes on; whatever its worker does meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from action_lab import ask, keyed
from canaries import places_of

from tegu import StageContext, stage
from tegu.actions.erasures import erase_once
from tegu.actions.runs import events_after
from tegu.app import Tegu
from tegu.domain.actor import Actor, ActorKind, Role
from tegu.domain.errors import ConflictError, ForbiddenError, InvalidInputError, NotFoundError
from tegu.domain.json import JsonObject
from tegu.domain.review import ReviewDetail
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage import members
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants

NOTE = "Please refund 20 EUR to anna@example.com, order 4711."
Made = Callable[..., Any]


def refunds(**review: Any) -> JsonObject:
    """A pipeline that asks a person before it goes on."""
    return {
        "tegu": 1,
        "name": "refunds",
        "input": "content",
        "model": "rules",
        "stages": {
            "refund": {
                "uses": "extract",
                "with": {"schema": {"email": "email", "name": "str?"}, "instructions": "The refund."},
            },
            "approve": {
                "uses": "review",
                "with": {"instructions": "Is it right?"} | review,
                "inputs": ["refund"],
            },
            "pay": {"uses": "summarize", "inputs": ["source", "approve"]},
        },
    }


@pytest.fixture
def made(address: DatabaseAddress, tmp_path: Path) -> Made:
    @asynccontextmanager
    async def make(*, worker: bool = True, **more: Any) -> AsyncGenerator[Tegu]:
        settings = Settings(home=tmp_path, database_url=address.owner, model="rules", **more)
        tegu = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
        async with tegu.lifespan(worker=worker):
            yield tegu

    return make


async def started(tegu: Tegu, **review: Any) -> UUID:
    (run_id,) = await tegu.start(refunds(**review), await tegu.ingest(NOTE))
    return run_id


async def opened(tegu: Tegu, run_id: UUID) -> ReviewDetail:
    """The review that a run waits for, once it does."""
    scope = await tegu.scope()
    async with asyncio.timeout(20):
        while True:
            page = await ask(scope, "reviews.list", run_id=run_id, status="open")
            run = await ask(scope, "runs.get", run_id=run_id)
            if page.items and run.status == "waiting":
                return await ask(scope, "reviews.get", review_id=page.items[0].id)
            await asyncio.sleep(0.02)


async def ended(tegu: Tegu, run_id: UUID) -> Any:
    scope = await tegu.scope()
    async with asyncio.timeout(20):
        while True:
            run = await ask(scope, "runs.get", run_id=run_id)
            if run.status.is_terminal:
                return run
            await asyncio.sleep(0.02)


def output(run: Any, stage: str) -> Any:
    return next(each.output for each in run.stages if each.stage == stage)


async def test_a_run_waits_for_a_person_and_goes_on_with_what_is_decided(made: Made) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        run_id = await started(tegu)
        review = await opened(tegu, run_id)
        assert (review.stage, review.about, review.status, review.instructions) == (
            "approve",
            "refund",
            "open",
            "Is it right?",
        )
        assert review.value == {"email": "anna@example.com", "name": None}
        assert [span.quote for span in review.evidence]
        assert review.content_id is not None
        decided = await ask(scope, "reviews.approve", review_id=review.id, comment="Paid before.")
        assert (decided.status, decided.decided_by) == ("approved", "library")
        run = await ended(tegu, run_id)
        assert run.status == "completed"
        assert output(run, "approve") == {
            "decision": "approved",
            "value": review.value,
            "comment": "Paid before.",
            "decided_by": "library",
        }


async def test_a_rejection_fails_the_run_or_is_for_the_stages_after_it_as_the_pipeline_says(
    made: Made,
) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        failing = await started(tegu)
        review = await opened(tegu, failing)
        await ask(scope, "reviews.reject", review_id=review.id, comment="No receipt.")
        run = await ended(tegu, failing)
        assert (run.status, run.error.code, run.error.stage) == ("failed", "rejected", "approve")
        assert "No receipt." in run.error.message

        going_on = await started(tegu, on_reject="continue")
        await ask(scope, "reviews.reject", review_id=(await opened(tegu, going_on)).id)
        run = await ended(tegu, going_on)
        assert run.status == "completed"
        assert output(run, "approve")["decision"] == "rejected"


async def test_a_corrected_value_obeys_the_schema_and_goes_on_in_place_of_the_other(made: Made) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        run_id = await started(tegu)
        review = await opened(tegu, run_id)
        with pytest.raises(InvalidInputError) as caught:
            await ask(scope, "reviews.correct", review_id=review.id, value={"name": 7})
        assert {problem.place for problem in caught.value.problems} == {"value", "value/name"}
        assert (await ask(scope, "reviews.get", review_id=review.id)).status == "open"
        value = {"email": "ben@example.com", "name": "Ben"}
        await ask(scope, "reviews.correct", review_id=review.id, value=value, comment="Ben wrote it.")
        run = await ended(tegu, run_id)
        assert output(run, "approve") == {
            "decision": "corrected",
            "value": value,
            "comment": "Ben wrote it.",
            "decided_by": "library",
        }


async def test_the_first_decision_counts_and_who_comes_later_is_told_what_it_was(made: Made) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        review = await opened(tegu, await started(tegu, on_reject="continue"))
        asked = [
            ask(scope, f"reviews.{verb}", review_id=review.id)
            for verb in ("approve", "reject")
            for _ in range(3)
        ]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        refused = [answer for answer in answers if isinstance(answer, ConflictError)]
        (decided,) = [answer for answer in answers if isinstance(answer, ReviewDetail)]
        assert len(refused) == 5
        assert all(f"is {decided.status.value} already by library" in error.message for error in refused)


@pytest.mark.parametrize(
    ("on_timeout", "status", "code", "decision"),
    [
        ("fail", "failed", "timed_out", None),
        ("reject", "failed", "rejected", None),
        ("approve", "completed", None, "approved"),
    ],
)
async def test_what_nobody_decides_in_time_ends_as_the_pipeline_says(
    made: Made, on_timeout: str, status: str, code: str | None, decision: str | None
) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        run_id = await started(tegu, due_s=0.3, on_timeout=on_timeout)
        run = await ended(tegu, run_id)
        assert (run.status, run.error.code if run.error else None) == (status, code)
        if decision is not None:
            found = output(run, "approve")
            assert (found["decision"], found["decided_by"]) == (decision, None)
        (review,) = (await ask(scope, "reviews.list", run_id=run_id)).items
        assert review.status == "expired"
        with pytest.raises(ConflictError):
            await ask(scope, "reviews.approve", review_id=review.id)


async def test_who_is_asked_can_be_changed_and_a_role_is_the_least_that_decides(made: Made) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        async with scope.transaction() as connection:
            anna = await members.add_member(
                connection, scope.organization_id, "anna@example.com", Role.EDITOR
            )
        actor = Actor(scope.organization_id, ActorKind.USER, Role.EDITOR, id=anna.id, label=anna.email)
        as_anna = replace(scope, actor=actor)
        review = await opened(tegu, await started(tegu, assignee="admin"))
        assert review.assignee == "role:admin"
        assert not (await ask(as_anna, "reviews.list", mine=True)).items
        for verb, said in (("approve", {}), ("assign", {"assignee": anna.email})):
            with pytest.raises(ForbiddenError):
                await ask(as_anna, f"reviews.{verb}", review_id=review.id, **said)
        with pytest.raises(NotFoundError):
            await ask(scope, "reviews.assign", review_id=review.id, assignee="nobody@example.com")
        given = await ask(scope, "reviews.assign", review_id=review.id, assignee="Anna@example.com")
        assert given.assignee == "anna@example.com"
        assert [each.id for each in (await ask(as_anna, "reviews.list", mine=True)).items] == [review.id]
        decided = await ask(as_anna, "reviews.approve", review_id=review.id)
        assert decided.decided_by == "anna@example.com"
        with pytest.raises(ForbiddenError):
            await ask(keyed(scope, role=Role.VIEWER), "reviews.approve", review_id=review.id)


async def test_a_key_for_other_pipelines_finds_no_review(made: Made) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        review = await opened(tegu, await started(tegu))
        elsewhere = keyed(scope, "another")
        assert not (await ask(elsewhere, "reviews.list")).items
        for verb in ("get", "approve"):
            with pytest.raises(NotFoundError):
                await ask(elsewhere, f"reviews.{verb}", review_id=review.id)
        assert (
            await ask(keyed(scope, "refunds"), "reviews.approve", review_id=review.id)
        ).status == "approved"


async def test_the_reviews_of_a_cancelled_run_are_withdrawn_and_nobody_decides_them(
    made: Made, address: DatabaseAddress
) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        run_id = await started(tegu)
        review = await opened(tegu, run_id)
        await ask(scope, "runs.cancel", run_id=run_id)
        with pytest.raises(ConflictError):
            await ask(scope, "reviews.approve", review_id=review.id)
        await ended(tegu, run_id)
        async with asyncio.timeout(20):
            while (await ask(scope, "reviews.get", review_id=review.id)).status != "withdrawn":
                await asyncio.sleep(0.05)
        with pytest.raises(ConflictError) as caught:
            await ask(scope, "reviews.approve", review_id=review.id)
        assert "is withdrawn already" in caught.value.message
    assert not [check for check in await check_invariants(address, rows_max=5) if check.broken]


async def test_a_decision_that_comes_while_no_worker_lives_is_what_the_next_one_goes_on_with(
    made: Made,
) -> None:
    async with made() as tegu:
        run_id = await started(tegu)
        review = await opened(tegu, run_id)
    async with made(worker=False) as tegu:
        scope = await tegu.scope()
        await ask(scope, "reviews.approve", review_id=review.id)
        assert (await ask(scope, "runs.get", run_id=run_id)).status == "waiting"
    async with made() as tegu:
        assert (await ended(tegu, run_id)).status == "completed"


async def test_a_decision_on_a_run_that_is_held_back_takes_effect_when_it_goes_on(made: Made) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        run_id = await started(tegu)
        review = await opened(tegu, run_id)
        await tegu.operations.pause("refunds", reason="a moment")
        await ask(scope, "reviews.approve", review_id=review.id)
        assert not (await ask(scope, "runs.get", run_id=run_id)).status.is_terminal
        await tegu.operations.resume("refunds")
        assert (await ended(tegu, run_id)).status == "completed"


async def test_what_was_looked_at_and_said_goes_with_the_content(
    made: Made, address: DatabaseAddress
) -> None:
    word = "Xylophone4711"
    async with made() as tegu:
        scope = await tegu.scope()
        content = await tegu.ingest(f"Please refund 20 EUR to {word}@example.com.")
        (run_id,) = await tegu.start(refunds(), content)
        review = await opened(tegu, run_id)
        value = {"email": f"{word}@example.com", "name": word}
        await ask(scope, "reviews.correct", review_id=review.id, value=value, comment=f"{word} it is")
        await ended(tegu, run_id)
        other = await tegu.ingest(f"Please refund 30 EUR to {word}@example.com.")
        (open_run,) = await tegu.start(refunds(), other)
        await opened(tegu, open_run)
        assert "reviews" in await places_of(address, word)
        for each in (content, other):
            await ask(scope, "contents.delete", content_id=each.content.id)
        await erase_once(tegu.database, settle_s=0)
        assert "reviews" not in await places_of(address, word)
        assert (await ask(scope, "reviews.get", review_id=review.id)).value is None


async def test_a_decision_that_comes_while_the_run_is_driven_is_taken_up_at_once(
    address: DatabaseAddress, tmp_path: Path
) -> None:
    goes_on = asyncio.Event()

    @stage(version=1)
    async def slow(text: str, ctx: StageContext) -> str:
        """Takes as long as the test wants."""
        await goes_on.wait()
        return "done"

    document = refunds()
    stages: Any = document["stages"]
    stages["slow"] = {"uses": "python", "with": {"function": "slow@1"}, "inputs": ["source"]}
    tegu = Tegu(
        stages=[slow],
        settings=Settings(home=tmp_path, database_url=address.owner, model="rules"),
        credentials=EnvironmentCredentials({}),
    )
    async with tegu.lifespan(worker=True):
        scope = await tegu.scope()
        (run_id,) = await tegu.start(document, NOTE)
        async with asyncio.timeout(20):
            while not (page := await ask(scope, "reviews.list", run_id=run_id)).items:
                await asyncio.sleep(0.02)
        await ask(scope, "reviews.approve", review_id=page.items[0].id)
        async with asyncio.timeout(20):
            while (run := await ask(scope, "runs.get", run_id=run_id)).stage_outputs.get("pay") is None:
                await asyncio.sleep(0.02)
        assert run.status == "running"
        goes_on.set()
        assert (await ended(tegu, run_id)).status == "completed"


async def test_a_run_tells_of_its_reviews_in_order(made: Made) -> None:
    async with made() as tegu:
        scope = await tegu.scope()
        run_id = await started(tegu)
        review = await opened(tegu, run_id)
        await ask(scope, "reviews.approve", review_id=review.id)
        await ended(tegu, run_id)
        events = await events_after(scope, {run_id: 0})
        told = [event for event in events if event.kind.startswith("review.")]
        assert [event.kind for event in told] == ["review.opened", "review.decided"]
        assert all(
            isinstance(event.data, dict) and event.data["review_id"] == str(review.id) for event in told
        )
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
