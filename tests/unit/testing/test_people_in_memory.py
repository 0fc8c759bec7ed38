"""Pipelines that wait for people, times and services, run in memory: what the test gives stands for them."""

import json
from typing import Any

import pytest
from pydantic import JsonValue

from tegu import testing
from tegu.domain.errors import UsageError
from tegu.domain.json import JsonObject

NOTE = "Please refund 20 EUR to anna@example.com."
VALUE = {"email": "anna@example.com"}


def refunds(**review: Any) -> JsonObject:
    schema: JsonObject = {"email": "email"}
    return {
        "tegu": 1,
        "name": "refunds",
        "input": "content",
        "stages": {
            "refund": {"uses": "extract", "with": {"schema": schema, "instructions": "The refund."}},
            "approve": {"uses": "review", "with": review, "inputs": ["refund"]},
            "tell": {
                "uses": "webhook",
                "with": {"event": "refund"},
                "inputs": ["approve"],
                "when": "approve.decision != 'rejected'",
            },
        },
    }


def document(**stages: JsonObject) -> JsonObject:
    return {"tegu": 1, "name": "outside", "input": "content", "stages": dict(stages)}


async def decided(decision: object, **review: Any) -> testing.MemoryRun:
    given: Any = {"approve": decision}
    return await testing.run(refunds(**review), NOTE, replies={"refund": VALUE}, reviews=given)


def answer_of(run: testing.MemoryRun) -> JsonObject:
    """What the review came to."""
    answer = run.stage_outputs["approve"]
    assert isinstance(answer, dict)
    return answer


async def test_a_decision_of_the_test_is_what_a_person_decided() -> None:
    run = await decided(testing.approve("Paid before.", by="anna@example.com"))
    assert run.stage_outputs["approve"] == {
        "decision": "approved",
        "value": VALUE,
        "comment": "Paid before.",
        "decided_by": "anna@example.com",
    }
    (message,) = run.messages
    assert (message.event, message.data) == ("refund", {"approve": run.stage_outputs["approve"]})

    corrected: JsonValue = {"email": "ben@example.com"}
    run = await decided(testing.correct(corrected))
    assert answer_of(run)["value"] == corrected

    run = await decided(testing.reject("No receipt."), on_reject="continue")
    assert (run.status, run.messages) == ("completed", ())

    run = await decided(testing.reject("No receipt."))
    assert run.error is not None
    assert (run.status, run.error.code) == ("failed", "rejected")


async def test_nobody_waits_for_a_person_who_does_not_decide() -> None:
    run = await decided(testing.undecided(), due_s=3 * 86_400)
    assert run.error is not None
    assert run.error.code == "timed_out"
    run = await decided(testing.undecided(), on_timeout="approve")
    assert answer_of(run)["decided_by"] is None


async def test_a_decision_that_is_missing_or_does_not_fit_says_so() -> None:
    run = await testing.run(refunds(), NOTE, replies={"refund": VALUE})
    assert run.error is not None
    assert (run.error.code, run.error.hint) == (
        "no_reply",
        "testing.run(..., reviews={'approve': testing.approve()})",
    )
    run = await decided(testing.correct({"email": 7}))
    assert run.error is not None
    assert run.error.code == "wrong_output"
    with pytest.raises(UsageError, match="reviews name a stage 'aprove'"):
        await testing.run(refunds(), NOTE, replies={"refund": VALUE}, reviews={"aprove": testing.approve()})


async def test_waits_take_no_time_and_say_until_when_they_were() -> None:
    wait: JsonObject = {"uses": "wait", "inputs": [], "with": {"seconds": 86_400}}
    after: JsonObject = {**wait, "needs": ["day"]}
    run = await testing.run(document(day=wait, another=after), NOTE)
    assert run.stage_outputs["day"] == {"waited_until": "2026-01-16T12:00:00+00:00"}
    assert run.stage_outputs["another"] == {"waited_until": "2026-01-17T12:00:00+00:00"}


async def test_signals_are_those_of_the_test_and_others_never_come() -> None:
    paid: JsonObject = {"uses": "wait", "inputs": [], "with": {"signal": "paid", "timeout_s": 60}}
    run = await testing.run(document(paid=paid), NOTE, signals={"paid": 20})
    assert run.stage_outputs["paid"] == {"name": "paid", "data": 20, "is_timeout": False}
    run = await testing.run(document(paid=paid), NOTE)
    assert run.error is not None
    assert run.error.code == "timed_out"


async def test_services_answer_what_the_test_says_and_what_they_were_asked_is_there_to_see() -> None:
    url = "https://crm.example.com/customers"
    call: JsonObject = {"uses": "http", "with": {"url": url, "method": "POST"}, "retries": 2}
    run = await testing.run(document(call=call), NOTE, http={"call": {"name": "Anna"}})
    assert run.stage_outputs["call"] == {"status": 200, "headers": {}, "body": {"name": "Anna"}}
    (asked,) = run.requests
    assert (asked.method, asked.url, json.loads(asked.body)) == ("POST", url, {"source": NOTE})

    answers = (testing.answered(503), testing.answered(200, [1], headers={"ETag": "a"}))
    run = await testing.run(document(call=call), NOTE, http={"call": answers})
    assert run.stage_outputs["call"] == {"status": 200, "headers": {"etag": "a"}, "body": [1]}
    assert len({asked.headers["idempotency-key"] for asked in run.requests}) == 1

    run = await testing.run(document(call=call), NOTE)
    assert run.error is not None
    assert (run.error.code, run.error.hint) == ("no_reply", "testing.run(..., http={'call': {...}})")
