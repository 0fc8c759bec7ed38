"""Words for money and time: what is not known is never a number."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tegu.domain.call import AnsweredBy, CallStatus, LlmCall, Usage
from tegu.domain.run import CallTotals, Run, StageRun, TriggeredBy
from tegu.domain.status import RunStatus, StageStatus
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.board import cost_of

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)


def _call(
    cost_usd: Decimal | None, *, provider: str = "openai", answered_by: AnsweredBy = AnsweredBy.PROVIDER
) -> LlmCall:
    return LlmCall(
        id=UUID(int=1),
        organization_id=UUID(int=2),
        provider=provider,
        model="m",
        status=CallStatus.COMPLETED,
        answered_by=answered_by,
        ordinal=1,
        attempt=1,
        usage=Usage(),
        cost_usd=cost_usd,
        latency_ms=3,
        finish_reason="stop",
        request_hash="",
        error=None,
        created_at=NOW,
    )


def _run(totals: CallTotals, model: str = "openai:m") -> Run:
    stage = StageRun("extract", StageStatus.COMPLETED, 1, model, None, None, NOW, NOW)
    return Run(
        id=UUID(int=1),
        organization_id=UUID(int=2),
        pipeline="p",
        version=1,
        status=RunStatus.COMPLETED,
        content_id=UUID(int=3),
        thread_id=None,
        input_name=None,
        model=None,
        triggered_by=TriggeredBy.USER,
        metadata={},
        error=None,
        created_at=NOW,
        started_at=NOW,
        ended_at=NOW,
        stages=(stage,),
        totals=totals,
    )


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        (CallTotals(calls=0), "-"),
        (CallTotals(calls=2, cost_usd=Decimal("0.00123")), "$0.001230"),
        (CallTotals(calls=2, cost_usd=Decimal("12.3456")), "$12.35"),
        (CallTotals(calls=2, unknown_costs=2), "unknown"),
        (CallTotals(calls=2, cost_usd=Decimal("0.5"), unknown_costs=1), "$0.500000 + 1 unknown"),
    ],
)
def test_the_cost_of_a_run_says_what_is_not_known(totals: CallTotals, said: str) -> None:
    assert wording.run_cost(_run(totals)) == said


def test_rules_cost_nothing_and_say_why() -> None:
    assert wording.run_cost(_run(CallTotals(calls=3), model="rules")) == "no cost: rule-based"
    assert wording.call_cost(_call(Decimal(0), provider="rules")) == "no cost: rule-based"


def test_a_reply_from_the_journal_was_paid_before() -> None:
    assert wording.call_cost(_call(Decimal("0.1"), answered_by=AnsweredBy.JOURNAL)) == "paid before"
    assert cost_of([_call(Decimal("0.1"), answered_by=AnsweredBy.JOURNAL)]) == ""


def test_an_unknown_cost_is_a_word() -> None:
    assert wording.call_cost(_call(None)) == "unknown"
    assert cost_of([_call(None)]) == "unknown"
    assert cost_of([_call(None), _call(Decimal("0.25"))]) == "$0.250000 + 1 unknown"
    assert wording.tokens(None) == "unknown"


@pytest.mark.parametrize(
    ("elapsed_s", "said"),
    [(None, ""), (0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1 min 01 s"), (3700, "1 h 01 min")],
)
def test_durations_are_read_at_a_glance(elapsed_s: float | None, said: str) -> None:
    assert wording.seconds(elapsed_s) == said


def test_ages_have_one_unit() -> None:
    assert wording.age(NOW - timedelta(seconds=5), NOW) == "5 s"
    assert wording.age(NOW - timedelta(hours=30), NOW) == "1 d"
    assert wording.age(NOW + timedelta(seconds=5), NOW) == "0 s"  # the database's clock is a little ahead


def test_a_long_text_is_shortened_to_one_line() -> None:
    assert wording.shortened("a\nb  c", 10) == "a b c"
    assert wording.shortened("abcdef", 4) == "abc…"
