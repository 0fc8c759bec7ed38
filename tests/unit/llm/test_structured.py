"""The loop: what is journalled when, what is asked again, what is waited for, what is given up."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from memory_ledger import MemoryLedger

from tegu.domain.call import Usage
from tegu.domain.errors import ProviderError
from tegu.domain.evidence import Quote
from tegu.domain.json import JsonObject
from tegu.llm.protocol import (
    CallSettings,
    Credential,
    DataPart,
    ModelRef,
    ModelReply,
    ModelRequest,
    OutputSpec,
    Rejection,
)
from tegu.llm.structured import REPLY_REFUSED_CODES, CallLimits, Completion, Timing, complete

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"total": {"type": "number"}, "note": {"type": "string"}},
    "required": ["total"],
    "additionalProperties": False,
}
REQUEST = ModelRequest(
    model=ModelRef("openai", "gpt-5-mini"),
    instructions="Read the total.",
    parts=(DataPart("source", "Total: 12.50"),),
    output=OutputSpec("invoice", SCHEMA),
)


def said(text: str, finish_reason: str | None = "stop") -> ModelReply:
    return ModelReply(text, finish_reason, Usage(input_tokens=10, output_tokens=2), Decimal("0.0001"))


def fault(
    code: str = "server", *, transient: bool = True, retry_after_s: float | None = None
) -> ProviderError:
    return ProviderError(
        f"it is {code}", code=code, transient=transient, retry_after_s=retry_after_s, status=500
    )


@dataclass
class Answering:
    """Answers in order; an exception is raised, a float is a pause before the next answer."""

    answers: list[ModelReply | Exception | float]
    seen: list[ModelRequest] = field(default_factory=list[ModelRequest])
    on_request: Callable[[], None] = lambda: None

    async def request(self, request: ModelRequest, credential: Credential) -> ModelReply:
        self.seen.append(request)
        self.on_request()
        answer = self.answers.pop(0)
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, ModelReply)
        return answer

    async def close(self) -> None:
        pass


@dataclass
class FakeTime:
    """A clock that moves only by sleeping; the dice always show `die`."""

    die: float = 0.5
    now: float = 0.0
    slept: list[float] = field(default_factory=list[float])

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def timing(self) -> Timing:
        return Timing(monotonic=lambda: self.now, sleep=self.sleep, random=lambda: self.die)


async def ask(
    provider: Answering,
    ledger: MemoryLedger,
    *,
    request: ModelRequest = REQUEST,
    limits: CallLimits | None = None,
    time: FakeTime | None = None,
) -> Completion:
    timing = (time or FakeTime()).timing
    return await complete(
        request, provider=provider, credential=Credential(), ledger=ledger, limits=limits, timing=timing
    )


async def test_a_valid_reply_is_the_value() -> None:
    ledger = MemoryLedger()
    done = await ask(Answering([said('{"total": 12.5}')]), ledger)
    assert done.value == {"total": 12.5}
    assert done.attempts == 1
    assert ledger.calls[done.call_id].status == "completed"


async def test_the_row_comes_before_the_call_and_the_journal_before_the_verdict() -> None:
    ledger = MemoryLedger()
    provider = Answering([said('{"total": 12.5}')], on_request=lambda: ledger.events.append("request"))
    await ask(provider, ledger)
    assert ledger.events == ["begin", "request", "replied", "accepted"]


async def test_a_journalled_reply_is_not_asked_for_again() -> None:
    ledger = MemoryLedger()
    await ask(Answering([said('{"total": 12.5}')]), ledger)
    silent = Answering([])
    done = await ask(silent, ledger)
    assert done.value == {"total": 12.5}
    assert silent.seen == []
    assert [row.answered_by for row in ledger.rows] == ["provider", "journal"]


async def test_a_refused_reply_is_shown_to_the_model_with_its_problems() -> None:
    ledger = MemoryLedger()
    provider = Answering([said('{"total": "12"}'), said('{"total": 12}')])
    done = await ask(provider, ledger)
    assert done.value == {"total": 12}
    assert done.attempts == 2
    (rejection,) = provider.seen[1].rejections
    assert rejection.reply == '{"total": "12"}'
    assert rejection.problems == ("/total: '12' is not of type 'number'",)
    assert [row.status for row in ledger.rows] == ["rejected", "completed"]
    assert provider.seen[0].hash() != provider.seen[1].hash()


async def test_a_replay_goes_through_the_refused_reply_to_the_accepted_one() -> None:
    ledger = MemoryLedger()
    await ask(Answering([said("no json"), said('{"total": 12}')]), ledger)
    done = await ask(Answering([]), ledger)
    assert done.value == {"total": 12}
    assert done.attempts == 2
    assert len(ledger.paid_rows) == 2


async def test_after_two_re_asks_it_is_given_up() -> None:
    ledger = MemoryLedger()
    provider = Answering([said("a"), said("b"), said("c"), said('{"total": 1}')])
    with pytest.raises(ProviderError, match="after 2 re-asks: /: not JSON") as caught:
        await ask(provider, ledger)
    assert caught.value.code == "malformed"
    assert not caught.value.transient
    assert caught.value.code in REPLY_REFUSED_CODES
    assert len(provider.seen) == 3
    assert [row.status for row in ledger.rows] == ["rejected"] * 3


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (said('{"total": 1', "length"), "length"),
        (said("", "stop"), "empty"),
        (said("  \n"), "empty"),
        (said("I cannot do that.", "refusal"), "refusal"),
        (said("", "content_filter"), "content_filter"),
    ],
)
async def test_what_is_no_result_fails_with_its_own_code_and_is_paid(reply: ModelReply, code: str) -> None:
    ledger = MemoryLedger()
    provider = Answering([reply])
    with pytest.raises(ProviderError) as caught:
        await ask(provider, ledger)
    assert caught.value.code == code
    assert not caught.value.transient
    (row,) = ledger.rows
    assert row.status == "rejected"
    assert row.reply == reply
    assert row.problems[0].startswith(f"{code}: ")


async def test_a_reply_that_broke_off_is_asked_for_again() -> None:
    done = await ask(Answering([said("", "error"), said('{"total": 1}')]), MemoryLedger())
    assert done.attempts == 2


async def test_a_transient_failure_is_tried_again_after_a_jittered_pause() -> None:
    ledger, time = MemoryLedger(), FakeTime(die=0.5)
    done = await ask(Answering([fault(), fault("timeout"), said('{"total": 1}')]), ledger, time=time)
    assert done.attempts == 3
    assert time.slept == [0.25, 0.5]
    assert [row.status for row in ledger.rows] == ["failed", "failed", "completed"]
    assert [row.attempt for row in ledger.rows] == [1, 2, 3]
    assert ledger.rows[0].failure is not None
    assert ledger.rows[0].failure.code == "server"
    assert ledger.rows[0].failure.status == 500
    assert len({row.request.hash() for row in ledger.rows}) == 1


async def test_retry_after_is_waited_for() -> None:
    time = FakeTime(die=0.1)
    await ask(
        Answering([fault("rate_limited", retry_after_s=7), said('{"total": 1}')]), MemoryLedger(), time=time
    )
    assert time.slept == [pytest.approx(7.05)]  # pyright: ignore[reportUnknownMemberType]  # untyped in pytest


async def test_a_long_retry_after_is_left_to_the_engine() -> None:
    ledger, time = MemoryLedger(), FakeTime()
    with pytest.raises(ProviderError) as caught:
        await ask(Answering([fault("rate_limited", retry_after_s=60)]), ledger, time=time)
    assert caught.value.transient
    assert caught.value.retry_after_s == 60
    assert time.slept == []
    assert [row.status for row in ledger.rows] == ["failed"]


async def test_attempts_are_bounded_over_the_whole_call() -> None:
    provider = Answering([fault(), said("no json"), fault(), fault(), said('{"total": 1}')])
    with pytest.raises(ProviderError) as caught:
        await ask(provider, MemoryLedger())
    assert caught.value.transient
    assert len(provider.seen) == 4


async def test_the_deadline_bounds_the_pauses() -> None:
    time = FakeTime(die=1.0)
    limits = CallLimits(attempts=100, deadline_s=10, backoff_s=2)
    with pytest.raises(ProviderError):
        await ask(Answering([fault() for _ in range(100)]), MemoryLedger(), limits=limits, time=time)
    assert time.now < 10


async def test_a_permanent_failure_is_not_tried_again() -> None:
    ledger = MemoryLedger()
    provider = Answering([fault("authentication", transient=False)])
    with pytest.raises(ProviderError, match="it is authentication"):
        await ask(provider, ledger)
    assert len(provider.seen) == 1
    assert ledger.rows[0].status == "failed"


async def test_an_attempt_that_takes_too_long_is_cut_off_and_tried_again() -> None:
    ledger = MemoryLedger()
    request = ModelRequest(REQUEST.model, "Say hello.", settings=CallSettings(timeout_s=0.05))
    done = await ask(Answering([60.0, said("hello")]), ledger, request=request)
    assert done.value == "hello"
    assert ledger.rows[0].failure is not None
    assert ledger.rows[0].failure.code == "timeout"


async def test_a_mistake_in_a_provider_leaves_no_row_that_looks_sent() -> None:
    ledger = MemoryLedger()
    with pytest.raises(ZeroDivisionError):
        await ask(Answering([ZeroDivisionError("oops")]), ledger)
    assert ledger.rows[0].status == "failed"
    assert ledger.rows[0].failure is not None
    assert ledger.rows[0].failure.message == "ZeroDivisionError: oops"


async def test_a_cancelled_call_may_have_been_paid_and_its_row_says_so() -> None:
    ledger = MemoryLedger()
    task = asyncio.create_task(ask(Answering([60.0]), ledger))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [row.status for row in ledger.rows] == ["sent"]


async def test_json_in_a_fence_is_json() -> None:
    done = await ask(Answering([said('```json\n{"total": 3}\n```\n')]), MemoryLedger())
    assert done.value == {"total": 3}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"total": NaN}',
        '{"total": 1e999}',
        '{"total": "\\ud800"}',
        "{" + '"a":{' * 5000,
        "9" * 9000,
    ],
)
async def test_hostile_json_is_refused_and_asked_for_again(text: str) -> None:
    done = await ask(Answering([said(text), said('{"total": 3}')]), MemoryLedger())
    assert done.attempts == 2


async def test_a_null_for_an_optional_field_is_no_field() -> None:
    done = await ask(Answering([said('{"total": 3, "note": null}')]), MemoryLedger())
    assert done.value == {"total": 3}


async def test_what_postgresql_cannot_hold_is_replaced() -> None:
    done = await ask(Answering([said('{"total": 3, "note": "a\\u0000b"}')]), MemoryLedger())
    assert done.value == {"total": 3, "note": "a\ufffdb"}


async def test_without_a_schema_the_value_is_the_text() -> None:
    request = ModelRequest(REQUEST.model, "Say hello.")
    done = await ask(Answering([said("Hello.")]), MemoryLedger(), request=request)
    assert done.value == "Hello."


async def test_the_confidence_of_the_reply_is_handed_on() -> None:
    reply = ModelReply('{"total": 1}', "stop", Usage(), None, confidence=0.8)
    assert (await ask(Answering([reply]), MemoryLedger())).confidence == 0.8


async def test_a_stored_reply_comes_back_equal() -> None:
    reply = ModelReply(
        "{}",
        "stop",
        Usage(
            input_tokens=1, cached_tokens=None, output_tokens=2, reasoning_tokens=0, raw={"prompt_tokens": 1}
        ),
        Decimal("0.000012300"),
        model="m",
        price_version="genai-prices 0.2.3",
        confidence=0.5,
        metadata={"kind": "rule_based"},
    )
    assert ModelReply.from_json(reply.to_json()) == reply
    assert str(ModelReply.from_json(reply.to_json()).cost_usd) == "0.000012300"


def test_a_stored_quote_keeps_its_place_and_one_from_before_places_has_none() -> None:
    reply = ModelReply("{}", "stop", Usage(), None, quotes=(Quote("/a", "x", 7), Quote("/b", "y")))
    stored = reply.to_json()
    assert ModelReply.from_json(stored) == reply
    older: JsonObject = {**stored, "quotes": [{"path": "/a", "text": "x"}]}
    assert ModelReply.from_json(older).quotes == (Quote("/a", "x"),)


def test_a_stored_reply_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="finish_reason"):
        ModelReply.from_json({"text": "x"})


def test_the_timeout_is_no_part_of_the_hash_but_the_rejections_are() -> None:
    slow = ModelRequest(REQUEST.model, "x", settings=CallSettings(timeout_s=1))
    fast = ModelRequest(REQUEST.model, "x", settings=CallSettings(timeout_s=2))
    assert slow.hash() == fast.hash()
    assert replace(slow, rejections=(Rejection("x", ("y",)),)).hash() != slow.hash()
