"""Every kind through `perform`, answered by the embedded rules."""

import pytest
from stage_support import INVOICE, MAIL, Bench, task_of

from tegu.domain.evidence import EvidenceStatus
from tegu.domain.json import JsonObject
from tegu.domain.outcome import ConfidenceMethod
from tegu.pipeline.definition import ResultSpec, StageDefinition

LABELS: JsonObject = {"refund": "wants money back", "sales": "wants to buy", "general": "anything else"}


@pytest.fixture
def bench() -> Bench:
    return Bench()


async def test_extract_fills_a_shorthand_schema_and_every_span_of_evidence_is_in_the_text(
    bench: Bench,
) -> None:
    stage = StageDefinition(
        "extract", "extract", {"schema": {"invoice_number": "str", "email": "email?", "total": "money?"}}
    )
    content = bench.store.add(INVOICE.encode())
    outcome = await bench.completed(task_of(stage, content=content))
    assert isinstance(outcome.output, dict)
    assert outcome.output["invoice_number"] == "INV-2026-0042"
    assert outcome.output["email"] == "anna@acme-tools.example"
    [result] = outcome.results
    assert (result.type, result.data, result.key) == ("extract", outcome.output, "")
    assert result.llm_call_id is not None
    spans = {span.path: span for span in result.evidence}
    assert spans["/invoice_number"].quote == "INV-2026-0042"
    for span in result.evidence:
        assert span.status is EvidenceStatus.VERIFIED
        assert INVOICE[span.start : span.end] == span.quote
        assert span.content_id == content.id
    assert result.confidence is None or result.confidence.method is ConfidenceMethod.RULE
    assert outcome.model == "rules"


async def test_extract_without_a_schema_gives_entities_and_a_category(bench: Bench) -> None:
    thread = bench.store.add_thread("Refund", MAIL)
    outcome = await bench.completed(task_of(StageDefinition("extract", "extract"), thread_id=thread))
    assert isinstance(outcome.output, dict)
    assert set(outcome.output) == {"entities", "category"}
    assert isinstance(outcome.output["entities"], list)


async def test_classify_chooses_one_of_the_labels_and_its_confidence_is_by_rule(bench: Bench) -> None:
    thread = bench.store.add_thread("Refund", MAIL)
    stage = StageDefinition("route", "classify", {"labels": LABELS})
    outcome = await bench.completed(task_of(stage, thread_id=thread))
    assert isinstance(outcome.output, dict)
    assert outcome.output["category"] == "refund"
    [result] = outcome.results
    assert result.confidence is not None
    assert result.confidence.method is ConfidenceMethod.RULE
    assert result.confidence.value == outcome.output["confidence"]


async def test_classify_takes_a_list_of_labels(bench: Bench) -> None:
    content = bench.store.add(b"I want to buy ten kettles. How much is that?")
    stage = StageDefinition("route", "classify", {"labels": ["buy", "complain"]})
    outcome = await bench.completed(task_of(stage, content=content))
    assert isinstance(outcome.output, dict)
    assert outcome.output["category"] == "buy"


async def test_summarize_is_as_short_as_asked_and_quotes_the_text(bench: Bench) -> None:
    text = " ".join(f"Sentence number {n} speaks of kettles and of water." for n in range(12))
    content = bench.store.add(text.encode())
    stage = StageDefinition("summarize", "summarize", {"sentences_max": 2})
    outcome = await bench.completed(task_of(stage, content=content))
    assert isinstance(outcome.output, dict)
    summary = outcome.output["summary"]
    assert isinstance(summary, str)
    assert 1 <= summary.count(".") <= 2
    assert all(span.status is EvidenceStatus.VERIFIED for span in outcome.results[0].evidence)


async def test_prompt_without_a_schema_gives_text(bench: Bench) -> None:
    content = bench.store.add(b"The kettle is broken. Please send another one soon.")
    stage = StageDefinition("note", "prompt", {"instructions": "One sentence for the warehouse."})
    outcome = await bench.completed(task_of(stage, content=content))
    assert isinstance(outcome.output, dict)
    assert list(outcome.output) == ["text"]
    assert outcome.output["text"]


async def test_prompt_with_a_schema_reads_upstream_outputs(bench: Bench) -> None:
    content = bench.store.add(INVOICE.encode())
    upstream = StageDefinition("extract", "extract")
    stage = StageDefinition(
        "check",
        "prompt",
        {"instructions": "Repeat the number.", "schema": {"invoice_number": "str"}},
        inputs=("source", "extract"),
    )
    task = task_of(
        stage, content=content, upstream=(upstream,), outputs={"extract": {"invoice_number": "INV-2026-0042"}}
    )
    outcome = await bench.completed(task)
    assert outcome.output == {"invoice_number": "INV-2026-0042"}
    request, _, _ = bench.ledger.attempts[0]
    assert [part.name for part in request.parts] == ["source", "extract"]


async def test_a_field_that_the_rules_cannot_fill_fails_the_stage_for_good(bench: Bench) -> None:
    content = bench.store.add(b"Nothing to see here.")
    stage = StageDefinition("extract", "extract", {"schema": {"iban": "str"}})
    outcome = await bench.failed(task_of(stage, content=content))
    assert (outcome.error.code, outcome.transient, outcome.error.stage) == ("bad_request", False, "extract")


async def test_a_hidden_result_leaves_the_output(bench: Bench) -> None:
    content = bench.store.add(INVOICE.encode())
    stage = StageDefinition("parse", "parse", result=None)
    outcome = await bench.completed(task_of(stage, content=content))
    assert outcome.results == ()
    assert outcome.output is not None


async def test_a_list_in_the_output_becomes_one_result_each(bench: Bench) -> None:
    content = bench.store.add(b"Write to anna@acme.example or to bob@acme.example.")
    stage = StageDefinition(
        "extract",
        "extract",
        {"schema": {"emails": "list[email]"}},
        result=ResultSpec(type="address", each="emails"),
    )
    outcome = await bench.completed(task_of(stage, content=content))
    found = {result.key: (result.type, result.data) for result in outcome.results}
    assert found == {"0": ("address", "anna@acme.example"), "1": ("address", "bob@acme.example")}
    assert [span.quote for span in outcome.results[1].evidence] == ["bob@acme.example"]
    assert [span.path for span in outcome.results[1].evidence] == [""]


async def test_the_same_task_has_the_same_fingerprint_and_another_text_another(bench: Bench) -> None:
    stage = StageDefinition("summarize", "summarize")
    first, same = bench.store.add(INVOICE.encode()), bench.store.add(INVOICE.encode(), name="copy.txt")
    other = bench.store.add(INVOICE.encode() + b"Thanks.")
    prints = [
        (await bench.completed(task_of(stage, content=content))).fingerprint
        for content in (first, same, other)
    ]
    assert prints[0] == prints[1] != prints[2]
    configured = StageDefinition("summarize", "summarize", {"sentences_max": 1})
    assert (await bench.completed(task_of(configured, content=first))).fingerprint not in prints
