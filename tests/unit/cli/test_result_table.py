"""Results as people see them: evidence beside values, and none that was not verified."""

from datetime import UTC, datetime
from io import StringIO
from uuid import UUID

from pydantic import JsonValue
from rich.console import Console

from tegu.domain.evidence import EvidenceSpan, EvidenceStatus
from tegu.domain.outcome import Confidence, ConfidenceMethod
from tegu.domain.run import Result
from tegu.interfaces.cli.result_table import ROWS_MAX, write_results

NOW = datetime(2026, 3, 9, tzinfo=UTC)


def _shown(data: JsonValue, *evidence: EvidenceSpan, confidence: Confidence | None = None) -> str:
    result = Result(UUID(int=1), "extract", "extract", "", data, confidence, evidence, None, NOW)
    out = Console(file=StringIO(), width=100)
    write_results(out, [result])
    file = out.file
    assert isinstance(file, StringIO)
    return file.getvalue()


def test_a_verified_quote_stands_beside_its_value() -> None:
    span = EvidenceSpan("/amounts/0/amount", "EUR 5.00", EvidenceStatus.VERIFIED, start=3, end=11)
    shown = _shown({"amounts": [{"amount": 5.0}]}, span)
    (row,) = [line for line in shown.splitlines() if "amounts[0].amount" in line]
    assert "“EUR 5.00” 3-11" in row


def test_a_quote_that_was_not_found_is_counted_and_not_shown() -> None:
    shown = _shown({"name": "Ada"}, EvidenceSpan("/name", "Lady Ada", EvidenceStatus.NOT_FOUND))
    assert "Lady" not in shown
    assert "1 quote is not in the text and left out" in shown


def test_a_text_is_never_markup() -> None:
    assert "[red]danger[/red]" in _shown({"name": "[red]danger[/red]"})


def test_fields_come_in_the_order_of_the_text() -> None:
    late = EvidenceSpan("/a", "x", EvidenceStatus.VERIFIED, start=50, end=51)
    early = EvidenceSpan("/z", "y", EvidenceStatus.VERIFIED, start=1, end=2)
    shown = _shown({"a": "x", "b": "nowhere", "z": "y"}, late, early)
    assert shown.index("“y” 1-2") < shown.index("“x” 50-51") < shown.index("nowhere")


def test_confidence_says_how_it_came_about() -> None:
    shown = _shown({"a": "x"}, confidence=Confidence(0.5, ConfidenceMethod.SELF_REPORTED))
    assert "confidence 0.50 (self-reported)" in shown


def test_a_long_result_says_how_much_is_not_shown() -> None:
    shown = _shown({"items": list(range(ROWS_MAX + 7))})
    assert "and 7 more: --json shows all" in shown


def test_the_text_of_a_document_is_one_line() -> None:
    shown = _shown({"text": "word " * 1000, "media_type": "application/pdf", "text_chars": 5000, "pages": 2})
    assert shown == "extract  application/pdf, 5000 characters, 2 pages\n"


def test_nothing_found_is_said() -> None:
    assert _shown({"number": None}) == "extract  nothing was found\n"


def test_a_list_of_nothing_is_shown_as_none() -> None:
    assert "none" in _shown({"people": []})
