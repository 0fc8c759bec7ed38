"""Author code that type checkers accept: people, waits, the outside world, and pipelines in pipelines."""

from datetime import UTC, datetime
from typing import Any, assert_type

from pydantic import BaseModel

from tegu import Document, MailThread, Pipeline, Reviewed, StageContext, otherwise, stage
from tegu.pipeline.node import Field, Node
from tegu.pipeline.outputs import (
    Entity,
    Extraction,
    HttpResponse,
    Looped,
    ReceivedSignal,
    SentMessage,
    Waited,
)


class Refund(BaseModel):
    order: str
    amount: float
    due_at: datetime


class Verdict(BaseModel):
    is_good: bool


@stage
def booked(approved: Reviewed[Refund], ctx: StageContext) -> str:
    return f"{approved.value.order} by {approved.decided_by}"


@stage
def all_of(decisions: list[Reviewed[Entity]], ctx: StageContext) -> int:
    return sum(each.decision == "approved" for each in decisions)


@stage
def good(verdict: Verdict, looped: Looped[Verdict], ctx: StageContext) -> bool:
    return verdict.is_good and looped.output.is_good


@stage
def customer(answer: HttpResponse, paid: ReceivedSignal | None, ctx: StageContext) -> str:
    return f"{answer.status} {paid.name if paid is not None else ''}"


def people() -> Pipeline[MailThread]:
    email = Pipeline("people", input=MailThread)
    refund = email.extract("refund", Refund)
    approved = email.review(
        "approve", refund, instructions="Is it right?", assignee="editor", due_s=3600, on_timeout="reject"
    )
    assert_type(approved, Node[Reviewed[Refund]])
    assert_type(email.stage("booked", booked, approved), Node[str])
    late = email.review("late", refund, when="refund.amount > 100.0", on_reject="continue")
    assert_type(late, Node[Reviewed[Refund] | None])
    # Of a text there is no value, unless somebody fills one in.
    assert_type(email.review("look"), Node[Reviewed[None]])
    assert_type(email.review("look_again", email.source), Node[Reviewed[None]])
    by_hand = email.review("by_hand", schema=Refund, when=otherwise(late))
    assert_type(by_hand, Node[Reviewed[Refund | None] | None])
    other = email.review("other", refund, schema=Verdict)
    assert_type(other, Node[Reviewed[Refund | Verdict]])
    # An output that may be missing is looked at as null.
    maybe = email.extract("maybe", Refund, needs=[refund], when="refund.amount > 1.0")
    assert_type(email.review("maybe_right", maybe), Node[Reviewed[Refund | None]])
    return email


def people_and_lists() -> Pipeline[MailThread]:
    email = Pipeline("people_and_lists", input=MailThread)
    found = email.extract("found")
    assert_type(found, Node[Extraction])
    entities = found.items(lambda output: output.entities)
    decisions = email.review("decisions", each=entities, assignee="ada@example.com")
    assert_type(decisions, Node[list[Reviewed[Entity]]])
    assert_type(email.stage("all", all_of, decisions), Node[int])
    some = email.review("some", each=entities.skip_failed())
    assert_type(some, Node[list[Reviewed[Entity] | None]])
    asked = email.review("asked", each=entities, when="item.type == 'person'")
    assert_type(asked, Node[list[Reviewed[Entity] | None]])
    return email


def waits() -> Pipeline[MailThread]:
    email = Pipeline("waits", input=MailThread)
    refund = email.extract("refund", Refund)
    pause = email.wait("pause", seconds=60, needs=[refund])
    assert_type(pause, Node[Waited])
    email.wait("christmas", until=datetime(2026, 12, 24, 8, tzinfo=UTC), on_failure="continue")
    due = refund.field(lambda output: output.due_at)
    assert_type(due, Field[datetime])
    assert_type(email.wait("due", until=due, when="refund.amount > 1.0"), Node[Waited | None])
    paid = email.wait("paid", signal="paid", timeout_s=604_800, on_timeout="continue", deadline_s=700_000)
    assert_type(paid, Node[ReceivedSignal])
    told = email.wait("told", signal="told", needs=[refund], when="refund.amount > 1.0")
    assert_type(told, Node[ReceivedSignal | None])
    listed = email.extract("listed", list[Refund])
    each = email.wait("each", each=listed.items(), until="item.due_at")
    assert_type(each, Node[list[Waited]])
    return email


def outside() -> Pipeline[Document]:
    papers = Pipeline("outside", input=Document)
    refund = papers.extract("refund", Refund)
    asked = papers.http(
        "asked", "https://crm.example.com/customers", query_from=refund, credential="crm", timeout_s=300
    )
    assert_type(asked, Node[HttpResponse])
    paid = papers.wait("paid", signal="paid", needs=[refund], when="refund.amount > 1.0")
    assert_type(papers.stage("customer", customer, asked, paid), Node[str])
    posted = papers.http(
        "posted",
        "https://crm.example.com/refunds",
        method="POST",
        body_from=refund,
        headers={"x-source": "tegu"},
        expect=[201, 409],
        response="text",
        needs=[asked],
        when="asked.status == 200",
    )
    assert_type(posted, Node[HttpResponse | None])
    each = papers.extract("each", list[Refund])
    mapped = papers.http("mapped", "https://crm.example.com/", each=each.items(), query_from="item")
    assert_type(mapped, Node[list[HttpResponse]])
    told = papers.webhook("tell", [refund, asked], event="refund_read", retries=5)
    assert_type(told, Node[SentMessage])
    some = papers.webhook("tell_each", [], event="refund_read", each=each.items().skip_failed())
    assert_type(some, Node[list[SentMessage | None]])
    return papers


def judging() -> Pipeline[Document]:
    inner = Pipeline("judging", input=Document)
    inner.prompt("verdict", Verdict, instructions="Is it good?")
    return inner


def nesting() -> Pipeline[Document]:
    papers = Pipeline("nesting", input=Document)
    inner = judging()
    verdict = papers.pipeline("verdict", inner, Verdict, output_of="verdict")
    assert_type(verdict, Node[Verdict])
    better = papers.loop(
        "better",
        "judging@1",
        Verdict,
        output_of="verdict",
        until="output.is_good",
        times_max=5,
        on_max="fail",
    )
    assert_type(better, Node[Looped[Verdict]])
    assert_type(papers.stage("good", good, verdict, better), Node[bool])
    found = papers.extract("found")
    entities = found.items(lambda output: output.entities)
    verdicts = papers.pipeline("verdicts", "judging", Verdict, output_of="verdict", each=entities)
    assert_type(verdicts, Node[list[Verdict]])
    looped = papers.loop("looped", "judging", until="iteration > 2", times_max=3, each=entities.skip_failed())
    assert_type(looped, Node[list[Looped[Any] | None]])
    # Whoever does not say what it puts out may wire it anywhere.
    untold = papers.pipeline("untold", "judging", inputs=[found])
    assert_type(untold, Node[Any])
    assert_type(papers.stage("good_too", good, untold, better), Node[bool])
    skipped = papers.pipeline("skipped", "judging", Verdict, inputs=[verdict], when="verdict.is_good")
    assert_type(skipped, Node[Verdict | None])
    return papers
