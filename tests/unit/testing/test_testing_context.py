"""`tegu.testing.context`: a stage's unit test, with everything real but the model."""

from dataclasses import dataclass

import pytest

from refund_pipeline import MAILS, Refund, refund_request
from tegu import Classification, ProviderError, testing
from tegu.domain.errors import UsageError
from tegu.llm.protocol import ModelRequest

ROUTE = Classification(category="support", confidence=0.9)
THREAD = testing.mail_thread(MAILS)
REFUND = {"order": "A-1001", "amount": 49.9}


@dataclass
class RefundRecord:
    order: str
    amount: float


def always(_: ModelRequest) -> object:
    return REFUND


FORMS: list[object] = [
    REFUND,
    [REFUND],
    Refund(order="A-1001", amount=49.9),
    RefundRecord("A-1001", 49.9),
    {"Refund": REFUND},
    {Refund: [REFUND]},
    {"Refund": Refund(order="A-1001", amount=49.9), "Summary": {"summary": "never asked for"}},
    '{"order": "A-1001", "amount": 49.9}',
    always,
]


@pytest.mark.parametrize(
    "replies",
    FORMS,
    ids=["value", "list", "model", "dataclass", "by name", "by type", "many", "text", "function"],
)
async def test_a_stage_gets_its_reply_in_every_form(replies: object) -> None:
    refund = await refund_request(THREAD, ROUTE, testing.context(replies=replies))
    assert refund == Refund(order="A-1001", amount=49.9)


async def test_a_reply_that_does_not_fit_is_refused_and_asked_for_again() -> None:
    ctx = testing.context(replies=[{"order": "A-1001"}, REFUND])
    assert await refund_request(THREAD, ROUTE, ctx) == Refund(order="A-1001", amount=49.9)
    assert [call.status for call in ctx.calls] == ["rejected", "completed"]
    assert "'amount' is a required property" in ctx.calls[0].problems[0]
    assert [rejection.problems for rejection in ctx.calls[1].request.rejections] == [ctx.calls[0].problems]


async def test_what_was_asked_can_be_looked_at() -> None:
    ctx = testing.context(replies=REFUND, stage="refund")
    await refund_request(THREAD, ROUTE, ctx)
    (call,) = ctx.calls
    assert (call.stage, call.output, call.model) == ("refund", "Refund", "testing:canned")
    assert call.instructions == "The refund asked for."
    assert call.parts == {"source": THREAD.text}
    assert call.schema is not None
    assert call.schema["required"] == ["order", "amount"]


async def test_an_exception_is_raised_and_one_that_passes_is_tried_again_at_once() -> None:
    busy = ProviderError("too busy", code="overloaded", transient=True, retry_after_s=15)
    ctx = testing.context(replies=[busy, REFUND])
    assert (await refund_request(THREAD, ROUTE, ctx)).order == "A-1001"
    assert [call.status for call in ctx.calls] == ["failed", "completed"]
    refused = testing.context(replies=ProviderError("no", code="authentication", transient=False))
    with pytest.raises(ProviderError, match="no"):
        await refund_request(THREAD, ROUTE, refused)


async def test_a_function_sees_the_request_and_may_be_async() -> None:
    async def reply(request: ModelRequest) -> object:
        return {"order": request.parts[0].name, "amount": 1}

    assert (await refund_request(THREAD, ROUTE, testing.context(replies=reply))).order == "source"


async def test_texts_and_labels_have_replies_too() -> None:
    ctx = testing.context(replies={"text": ["Dear Maria", "Yours"], Classification: ROUTE})
    assert await ctx.llm.generate("Begin a letter.") == "Dear Maria"
    assert await ctx.llm.generate("End a letter.") == "Yours"
    assert await ctx.llm.classify({"support": "help", "sales": "buying"}, [THREAD]) == ROUTE


async def test_a_question_without_a_reply_quotes_itself_and_says_how_to_answer() -> None:
    with pytest.raises(testing.NoReplyError) as caught:
        await refund_request(THREAD, ROUTE, testing.context(stage="refund"))
    assert caught.value.message == (
        "stage 'refund' asked for 'Refund', and there is no reply: 'The refund asked for.'"
    )
    assert caught.value.hint == (
        "give the reply: testing.context(replies={'Refund': {'order': 'x', 'amount': 0}})"
    )


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ({"Refnd": REFUND}, "replies are for Refnd"),
        ({int: 3}, "replies are for int"),
        ([], "its 0 replies are used up"),
        ({"text": "Dear Maria"}, "replies are for text"),
    ],
)
async def test_replies_for_something_else_are_named(replies: object, why: str) -> None:
    with pytest.raises(testing.NoReplyError, match=why):
        await refund_request(THREAD, ROUTE, testing.context(replies=replies))


async def test_what_is_no_json_is_a_mistake_of_the_test() -> None:
    with pytest.raises(UsageError, match="a reply of type object is no JSON"):
        await refund_request(THREAD, ROUTE, testing.context(replies=[object()]))


async def test_the_rules_may_answer_in_a_unit_test() -> None:
    ctx = testing.context(model="rules")
    chosen = await ctx.llm.classify({"support": "asks for a refund", "sales": "wants to buy"}, [THREAD])
    assert chosen.category == "support"
    assert ctx.calls[0].model == "rules"


def test_a_context_has_the_same_time_each_time_unless_it_is_given() -> None:
    assert testing.context().now == testing.context().now
    other = testing.context().now.replace(year=2030)
    assert testing.context(now=other).now == other
