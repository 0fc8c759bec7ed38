"""Models asked in turn: which errors lead on, what is told of each, how time is shared, what the journal saves."""

from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from memory_ledger import MemoryLedger

from tegu.domain.call import Fallback, Usage
from tegu.domain.errors import ConfigurationError, ProviderError
from tegu.llm.fallback import (
    ANOTHER_MAY_DO_BETTER,
    ANOTHER_WOULD_DO_THE_SAME,
    PAUSE_MAX_S,
    Answered,
    ask_in_turn,
)
from tegu.llm.protocol import Credential, ModelRef, ModelReply, ModelRequest
from tegu.llm.structured import CallLimits, Completion, Timing, complete

TRANSIENT = {"rate_limited", "overloaded", "server", "connection", "timeout"}
LIMITS = CallLimits(attempts=2, backoff_s=0.0, deadline_s=80.0)


def fault(code: str, *, retry_after_s: float | None = None) -> ProviderError | ConfigurationError:
    if code == "configuration":
        return ConfigurationError("OPENAI_API_KEY is not set", hint="export it")
    return ProviderError(f"it is {code}", code=code, transient=code in TRANSIENT, retry_after_s=retry_after_s)


@dataclass
class Models:
    """What each model answers, every time: a text, or an error. The clock stands still unless one takes its time."""

    answers: dict[str, str | Exception]
    takes_s: dict[str, float] = field(default_factory=dict[str, float])
    asked: list[str] = field(default_factory=list[str])
    limits: list[CallLimits] = field(default_factory=list[CallLimits])
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    now: float = 0.0

    @property
    def timing(self) -> Timing:
        async def sleep(seconds: float) -> None:
            self.now += seconds

        return Timing(monotonic=lambda: self.now, sleep=sleep, random=lambda: 0.0)

    async def request(self, request: ModelRequest, credential: Credential) -> ModelReply:
        name = request.model.name
        self.asked.append(name)
        self.now += min(self.takes_s.get(name, 0.0), request.settings.timeout_s)
        answer = self.answers[name]
        if isinstance(answer, Exception):
            raise answer
        return ModelReply(answer, "stop", Usage(10, 0, 2), Decimal("0.001"))

    async def close(self) -> None:
        return

    async def ask(self, *, ordinal: int = 1) -> Answered:
        requests = [ModelRequest(ModelRef("p", name), "Say it.") for name in self.answers]

        async def one(request: ModelRequest, limits: CallLimits) -> Completion:
            self.limits.append(limits)
            error = self.answers[request.model.name]
            if isinstance(error, ConfigurationError):
                raise error  # before any call
            return await complete(
                request,
                provider=self,
                credential=Credential(),
                ledger=self.ledger,
                ordinal=ordinal,
                limits=limits,
                timing=self.timing,
            )

        return await ask_in_turn(
            requests, one, ledger=self.ledger, ordinal=ordinal, limits=LIMITS, timing=self.timing
        )


@pytest.mark.parametrize("code", ANOTHER_MAY_DO_BETTER)
async def test_after_an_error_that_another_may_not_have_the_next_model_answers(code: str) -> None:
    models = Models({"first": fault(code), "second": "ready"})
    answered = await models.ask()
    assert (answered.index, answered.completion.value) == (1, "ready")
    (why,) = answered.fallbacks
    assert (why.from_model, why.to_model, why.code) == ("p:first", "p:second", code)
    attempts = 0 if code == "configuration" else 2 if code in TRANSIENT else 1
    assert models.asked == ["first"] * attempts + ["second"]


@pytest.mark.parametrize("code", ANOTHER_WOULD_DO_THE_SAME)
async def test_after_an_error_of_ours_no_other_model_is_asked(code: str) -> None:
    models = Models({"first": fault(code), "second": "ready"})
    with pytest.raises(ProviderError, match=f"it is {code}"):
        await models.ask()
    assert models.asked == ["first"]


async def test_the_ledger_says_why_a_later_model_was_asked() -> None:
    models = Models({"first": fault("quota"), "second": fault("refusal"), "third": "ready"})
    await models.ask()
    assert [(row.request.model.name, row.request.fallback) for row in models.ledger.rows] == [
        ("first", None),
        ("second", Fallback("p:first", "p:second", "quota", "it is quota")),
        ("third", Fallback("p:second", "p:third", "refusal", "it is refusal")),
    ]


async def test_the_reason_is_no_part_of_the_request_that_is_hashed() -> None:
    request = ModelRequest(ModelRef("p", "m"), "Say it.")
    assert replace(request, fallback=Fallback("a", "b", "quota", "x")).hash() == request.hash()


async def test_when_all_fail_the_error_names_each_and_is_passing_if_one_is() -> None:
    models = Models(
        {
            "first": fault("rate_limited", retry_after_s=60),
            "second": fault("quota"),
            "third": fault("rate_limited", retry_after_s=30),
        }
    )
    with pytest.raises(ProviderError) as caught:
        await models.ask()
    error = caught.value
    assert (error.code, error.transient, error.retry_after_s) == ("models_failed", True, 30)
    for told in ("p:first: rate_limited", "p:second: quota", "p:third: rate_limited"):
        assert told in error.message


async def test_when_all_fail_for_good_the_error_is_for_good() -> None:
    with pytest.raises(ProviderError) as caught:
        await Models({"first": fault("configuration"), "second": fault("quota")}).ask()
    assert (caught.value.transient, caught.value.retry_after_s) == (False, None)
    assert "p:first: configuration (OPENAI_API_KEY is not set)" in caught.value.message


async def test_one_that_may_answer_at_once_is_not_kept_waiting_for_another() -> None:
    with pytest.raises(ProviderError) as caught:
        await Models({"first": fault("rate_limited", retry_after_s=60), "second": fault("server")}).ask()
    assert (caught.value.transient, caught.value.retry_after_s) == (True, None)


async def test_a_single_model_raises_its_own_error_and_has_all_the_time() -> None:
    models = Models({"only": fault("quota")})
    with pytest.raises(ProviderError, match="it is quota"):
        await models.ask()
    assert models.limits == [LIMITS]


async def test_a_slow_model_leaves_time_for_those_after_it() -> None:
    late = fault("timeout")
    models = Models({"first": late, "second": late, "third": "ready"}, takes_s={"first": 1e9, "second": 1e9})
    models.now = 100.0
    assert (await models.ask()).completion.value == "ready"
    assert [limits.deadline_s for limits in models.limits] == [40.0, 20.0, 20.0]


async def test_a_provider_that_asks_for_a_long_pause_is_passed_over_at_once() -> None:
    models = Models({"first": fault("rate_limited", retry_after_s=PAUSE_MAX_S + 1), "second": "ready"})
    await models.ask()
    assert models.asked == ["first", "second"]
    assert models.now == 0.0


async def test_a_reply_that_the_journal_has_is_used_before_the_first_model_is_asked_anew() -> None:
    models = Models({"first": fault("overloaded"), "second": "paid once"})
    await models.ask()
    models.answers["first"] = "would answer now"
    models.asked.clear()
    answered = await models.ask()
    assert (answered.index, answered.completion.value) == (1, "paid once")
    assert models.asked == []


async def test_a_question_that_the_journal_does_not_know_begins_with_the_first_model_again() -> None:
    models = Models({"first": fault("overloaded"), "second": "paid once"})
    await models.ask()
    models.answers["first"] = "answers now"
    assert (await models.ask(ordinal=2)).completion.value == "answers now"
