"""Limits of providers, on a clock of the test's: the window, the buckets, the shares, and the queue in one process."""

import asyncio
from dataclasses import replace
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tegu.domain.call import Usage
from tegu.domain.errors import ConfigurationError, NoCapacityError, ProviderError
from tegu.domain.ids import new_id
from tegu.llm.admission import UNUSED, Ending, EndingKind, Intent
from tegu.llm.limits.grant import HOLD_S, LEASE_S, Grant, OtherShare, Report, SharedLimit, renew
from tegu.llm.limits.headers import HeardLevels, heard_levels
from tegu.llm.limits.limiter import Limiter, Reserved
from tegu.llm.limits.place import LimitPlace, place_of
from tegu.llm.limits.rules import LimitRule, LimitRules
from tegu.llm.protocol import Credential, ModelRef, ModelReply, ModelRequest

MODEL = ModelRef("openai", "gpt-5-mini")
KEY = Credential("sk-one")


def intent(model: ModelRef = MODEL, credential: Credential = KEY, *, is_retry: bool = False) -> Intent:
    return Intent(new_id(), ModelRequest(model, "Say it."), credential, is_retry=is_retry)


def refusal(status: int = 429, retry_after_s: float | None = None) -> Ending:
    error = ProviderError(
        "too many", code="rate_limited", transient=True, status=status, retry_after_s=retry_after_s
    )
    return Ending(EndingKind.FAILED, error=error)


ANSWERED = Ending(
    EndingKind.REPLIED, ModelReply("said", "stop", Usage(input_tokens=10, output_tokens=10), None)
)


class Shared:
    """The shared part in memory, with a clock; what `storage.limits` does, without a database."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.limits: dict[LimitPlace, SharedLimit] = {}
        self.shares: dict[tuple[LimitPlace, UUID], tuple[OtherShare, float]] = {}
        self.is_broken = False

    def process(self, rules: str | None = None) -> Limiter:
        process_id = uuid4()

        async def visit(place: LimitPlace, report: Report) -> Grant:
            if self.is_broken:
                raise ConnectionError("no database")
            others = [
                share
                for (at, process), (share, until_s) in self.shares.items()
                if at == place and process != process_id and until_s > self.now_s
            ]
            mine = self.shares.get((place, process_id))
            limit = self.limits.get(place, SharedLimit())
            if report.pause_s is not None:
                limit = replace(limit, paused_until_s=self.now_s + report.pause_s, paused_why=report.why)
            self.limits[place], grant = renew(
                limit, others, mine[0].served_s if mine else 0.0, report, self.now_s
            )
            share = OtherShare(
                grant.slots,
                report.in_flight,
                report.waiting,
                report.wanted,
                report.requests + (grant.requests or 0),
                self.now_s if grant.slots else (mine[0].served_s if mine else 0.0),
            )
            self.shares[place, process_id] = (share, self.now_s + LEASE_S)
            return grant

        return Limiter(visit, LimitRules.parse(rules), clock=lambda: self.now_s, random=Random(1))


async def lead(limiter: Limiter, *, wait_s: float = 5.0, organization: int = 1, **given: object) -> Reserved:
    return await limiter.reserve(intent(**given), UUID(int=organization), wait_s=wait_s)  # pyright: ignore[reportArgumentType]


async def test_calls_have_leave_up_to_the_configured_concurrency_and_then_wait_their_turn() -> None:
    limiter = Shared().process("openai concurrency=2")
    first, _second = [await lead(limiter) for _ in range(2)]
    with pytest.raises(NoCapacityError, match="asked as many things at once"):
        await lead(limiter, wait_s=0.05)
    waiting = asyncio.create_task(lead(limiter))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    await first.settle(ANSWERED)
    await waiting
    await limiter.close()


async def test_organizations_take_turns_whoever_queued_first() -> None:
    limiter = Shared().process("openai concurrency=1")
    held = await lead(limiter)
    served: list[int] = []

    async def ask(organization: int) -> None:
        leave = await lead(limiter, organization=organization)
        served.append(organization)
        await leave.settle(ANSWERED)

    greedy = [asyncio.create_task(ask(1)) for _ in range(10)]
    await asyncio.sleep(0.01)
    late = asyncio.create_task(ask(2))
    await asyncio.sleep(0.01)
    await held.settle(ANSWERED)
    await asyncio.gather(*greedy, late)
    assert served.index(2) <= 1
    await limiter.close()


async def test_a_pause_that_a_provider_asks_for_holds_for_every_model_of_the_key_and_every_process() -> None:
    shared = Shared()
    one, two = shared.process(), shared.process()
    other_model = ModelRef("openai", "gpt-5-nano")
    leave = await lead(one)
    await (await lead(one, model=other_model)).settle(ANSWERED)
    await leave.settle(refusal(retry_after_s=30))
    await asyncio.sleep(0.1)  # the visit that tells the others
    for limiter, model in ((one, MODEL), (one, other_model), (two, MODEL)):
        with pytest.raises(NoCapacityError) as caught:
            await lead(limiter, model=model, wait_s=0.1)
        assert "pause (rate_limited, status 429)" in caught.value.message
        assert "too many" not in caught.value.message, "the provider's words are for who made the call"
        assert 29 < caught.value.due_in_s < 50
    await (await lead(one, credential=Credential("sk-two"))).settle(
        ANSWERED
    )  # another key has its own limits
    shared.now_s += 40
    await (await lead(two)).settle(ANSWERED)
    for limiter in (one, two):
        await limiter.close()


async def test_a_database_that_is_not_there_stops_new_leave_when_the_lease_ends_and_no_sooner() -> None:
    shared = Shared()
    limiter = shared.process()
    await (await lead(limiter)).settle(ANSWERED)
    shared.is_broken = True
    await (await lead(limiter, wait_s=0)).settle(ANSWERED)
    shared.now_s += LEASE_S
    with pytest.raises(NoCapacityError, match="no share"):
        await lead(limiter, wait_s=0.05)
    shared.is_broken = False
    await (await lead(limiter)).settle(ANSWERED)
    await limiter.close()


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    limiter = Shared().process("openai concurrency=1")
    held = await lead(limiter)
    waiting = asyncio.create_task(lead(limiter))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await held.settle(ANSWERED)
    again = await lead(limiter, wait_s=0)
    with pytest.raises(NoCapacityError):
        await lead(limiter, wait_s=0)  # the one slot is taken again, and was not lost to who gave up
    await again.settle(UNUSED)
    assert await lead(limiter, wait_s=0)
    await limiter.close()


async def test_repetitions_are_a_share_of_all_calls() -> None:
    limiter = Shared().process()
    broken = Ending(
        EndingKind.FAILED, error=ProviderError("broken", code="server", transient=True, status=500)
    )
    for _ in range(20):
        await (await lead(limiter, is_retry=True)).settle(broken)
    with pytest.raises(NoCapacityError, match="failed too often"):
        await lead(limiter, is_retry=True)
    for _ in range(5):  # each earns a fifth of one
        await (await lead(limiter)).settle(ANSWERED)
    await (await lead(limiter, is_retry=True)).settle(broken)
    await limiter.close()


async def test_two_processes_never_send_more_in_a_minute_than_is_allowed() -> None:
    shared = Shared()
    processes = [shared.process("openai rpm=60") for _ in range(2)]
    sent: list[float] = []

    async def ask(limiter: Limiter) -> None:
        try:
            leave = await lead(limiter, wait_s=0.02)
        except NoCapacityError:
            return
        sent.append(shared.now_s)
        await leave.settle(ANSWERED)

    for _ in range(400):
        await asyncio.gather(*(ask(limiter) for limiter in processes))
        shared.now_s += 0.5
    worst = max(sum(1 for at in sent if begin <= at < begin + 60) for begin in sent)
    assert worst <= 60
    assert len(sent) > 130, "most of what is allowed in 200 s is used"
    for limiter in processes:
        await limiter.close()


def test_a_burst_of_refusals_halves_the_window_once_and_clean_calls_open_it_again() -> None:
    limit = SharedLimit(window=64.0)
    busy = Report(wanted=100, in_flight=64, peak=100, waiting=36)
    congested = replace(busy, congested_in=limit.episode, why="429")
    limit, grant = renew(limit, (), 0.0, congested, 10.0)
    assert limit.window == 32
    limit, _ = renew(limit, (), 0.0, congested, 11.0)  # of the same episode, told by another process
    assert limit.window == 32
    for _ in range(3):
        limit, grant = renew(limit, (), 0.0, replace(busy, answered=33), 12.0)
    assert 33 <= limit.window <= 35
    assert grant.slots == int(limit.window)


@given(
    windows=st.integers(1, 200),
    wishes=st.lists(st.integers(0, 300), min_size=1, max_size=6),
)
def test_shares_of_a_window_never_add_up_to_more_than_the_window(windows: int, wishes: list[int]) -> None:
    limit = SharedLimit(window=float(windows), is_slow_start=False)
    shares: dict[int, OtherShare] = {}
    for turn in range(3):
        for process, wanted in enumerate(wishes):
            others = [share for other, share in shares.items() if other != process]
            served = shares[process].served_s if process in shares else 0.0
            report = Report(wanted=wanted, waiting=wanted, peak=wanted)
            limit, grant = renew(limit, others, served, report, float(turn))
            shares[process] = OtherShare(
                grant.slots, 0, wanted, wanted, 0.0, float(turn) if grant.slots else served
            )
            assert sum(share.slots for share in shares.values()) <= windows
            assert grant.slots <= max(0, wanted)


def test_headers_of_both_families_are_read_and_nonsense_is_unknown() -> None:
    openai = {"x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "499"}
    assert heard_levels(openai) == HeardLevels(requests_limit=500, requests_left=499)
    anthropic = {
        "anthropic-ratelimit-input-tokens-limit": "1000",
        "anthropic-ratelimit-requests-remaining": "3",
    }
    assert heard_levels(anthropic) == HeardLevels(requests_left=3, tokens_limit=1000)
    nonsense = {"x-ratelimit-limit-requests": "many", "x-ratelimit-remaining-requests": "nan"}
    assert heard_levels(nonsense).is_empty


def test_a_key_has_a_name_that_does_not_give_it_away() -> None:
    place = place_of(MODEL, Credential("sk-secret", "https://x"))
    assert "secret" not in f"{place!r}{place}{place.label}"
    assert place != place_of(MODEL, Credential("sk-other", "https://x"))
    assert place == place_of(MODEL, Credential("sk-secret", "https://x"))


def test_rules_are_read_and_the_most_exact_counts() -> None:
    rules = LimitRules.parse("openai:gpt-5-mini rpm=500 tpm=200000; openai concurrency=7\n* rpm=9")
    assert rules.of("openai", "gpt-5-mini") == LimitRule(500, 200_000, None)
    assert rules.of("openai", "other") == LimitRule(None, None, 7)
    assert rules.of("groq", "x") == LimitRule(9)
    assert LimitRules.parse(None).of("groq", "x") == LimitRule()


@pytest.mark.parametrize(
    "text",
    [
        "openai",
        "openai rpm=0",
        "openai rpm=-1",
        "openai rpm=x",
        "openai speed=3",
        "a rpm=1; a rpm=2",
        "a rpm=1e9",
    ],
)
def test_rules_that_cannot_be_are_refused_and_quoted(text: str) -> None:
    with pytest.raises(ConfigurationError, match="TEGU_LIMITS"):
        LimitRules.parse(text)


def test_what_is_held_is_used_or_given_back_within_seconds() -> None:
    assert HOLD_S < LEASE_S
