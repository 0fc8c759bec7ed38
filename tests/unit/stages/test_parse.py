"""The parse kind, and what the stages after it read."""

from collections.abc import Sequence

import pytest
from stage_support import INVOICE, MAIL, ORGANIZATION, Bench, MemoryStore, task_of

from tegu.domain.content import Content, Document, TextPart
from tegu.domain.evidence import EvidenceStatus
from tegu.domain.json import JsonObject
from tegu.intake.documents import PARSER_VERSION
from tegu.pipeline.definition import StageDefinition
from tegu.stages.reading import Reading
from tegu.storage.sources import StoredText

PAGES = (
    "Page one: write to anna@acme.example.",
    "Page two: bob@acme.example.",
    "Page three: again anna@acme.example.",
)


def add_paged(store: MemoryStore, pages: Sequence[str]) -> Content:
    """A content whose stored text has pages, as a PDF's has."""
    content = store.add("\n\n".join(pages).encode(), "application/pdf", "paged.pdf")
    parts: list[TextPart] = []
    start = 0
    for number, page in enumerate(pages, start=1):
        parts.append(TextPart("page", start, start + len(page), str(number)))
        start += len(page) + 2
    document = Document("\n\n".join(pages), "application/pdf", None, tuple(parts), {"pages": len(pages)})
    key = (ORGANIZATION, content.sha256, content.media_type, PARSER_VERSION)
    store.texts[key] = StoredText(Reading(document).to_json(), None)
    return content


async def parsed(bench: Bench, content: Content, config: JsonObject) -> JsonObject:
    outcome = await bench.completed(
        task_of(StageDefinition("parse", "parse", config), content=content, model=None)
    )
    assert isinstance(outcome.output, dict)
    assert outcome.model is None
    return outcome.output


async def test_parse_says_what_there_is_and_asks_no_model() -> None:
    bench = Bench()
    output = await parsed(bench, bench.store.add(INVOICE.encode(), name="invoice.txt"), {})
    assert output["name"] == "invoice.txt"
    assert output["media_type"] == "text/plain"
    assert (output["pages"], output["start"], output["end"]) == (None, 0, output["text_chars"])
    assert output["text"] == INVOICE.strip() or output["text"] == INVOICE
    assert output["is_truncated"] is False
    assert bench.ledger.attempts == []


async def test_parse_copies_only_the_beginning_of_a_long_text() -> None:
    bench = Bench()
    output = await parsed(bench, bench.store.add(b"word " * 1000), {"excerpt_max": 10})
    assert output["text"] == "word word "
    assert output["is_truncated"] is True


async def test_parse_of_a_thread_gives_its_text() -> None:
    bench = Bench()
    task = task_of(StageDefinition("parse", "parse"), thread_id=bench.store.add_thread("Refund", MAIL))
    output = (await bench.completed(task)).output
    assert isinstance(output, dict)
    assert output["metadata"] == {"subject": "Refund", "messages": 1}
    assert "my kettle arrived broken" in str(output["text"])


@pytest.mark.parametrize(("pages", "text"), [("2", PAGES[1]), (3, PAGES[2]), ("2-9", "\n\n".join(PAGES[1:]))])
async def test_parse_chooses_pages(pages: str | int, text: str) -> None:
    bench = Bench()
    output = await parsed(bench, add_paged(bench.store, PAGES), {"pages": pages})
    assert output["text"] == text
    assert output["pages"] == 3


@pytest.mark.parametrize("pages", ["7", "3-2"])
async def test_pages_that_are_not_there_fail_the_stage(pages: str) -> None:
    bench = Bench()
    task = task_of(StageDefinition("parse", "parse", {"pages": pages}), content=add_paged(bench.store, PAGES))
    outcome = await bench.failed(task)
    assert (outcome.error.code, outcome.transient) == ("no_pages", False)
    assert "3" in outcome.error.message


@pytest.mark.parametrize("wiring", [("source",), ("parse",)])
async def test_a_stage_after_parse_reads_its_pages_and_its_evidence_counts_in_the_whole_text(
    wiring: tuple[str, ...],
) -> None:
    bench = Bench()
    content = add_paged(bench.store, PAGES)
    parse = StageDefinition("parse", "parse", {"pages": 3})
    output = await parsed(bench, content, {"pages": 3})
    stage = StageDefinition(
        "extract", "extract", {"schema": {"email": "email"}}, inputs=wiring, needs=("parse",)
    )
    task = task_of(stage, content=content, upstream=(parse,), outputs={"parse": output})
    outcome = await bench.completed(task)
    request, _, _ = bench.ledger.attempts[0]
    assert [part.text for part in request.parts] == [PAGES[2]]
    [span] = [span for span in outcome.results[0].evidence if span.path == "/email"]
    whole = "\n\n".join(PAGES)
    assert span.status is EvidenceStatus.VERIFIED
    assert span.start is not None
    assert span.start >= whole.index(PAGES[2])
    assert whole[span.start : span.end] == span.quote


async def test_a_text_that_is_wired_twice_is_sent_once() -> None:
    bench = Bench()
    content = bench.store.add(INVOICE.encode())
    parse = StageDefinition("parse", "parse")
    output = await parsed(bench, content, {})
    stage = StageDefinition("summarize", "summarize", inputs=("source", "parse"))
    await bench.completed(task_of(stage, content=content, upstream=(parse,), outputs={"parse": output}))
    request, _, _ = bench.ledger.attempts[0]
    assert [part.name for part in request.parts] == ["source", "parse"]
    assert sum("INV-2026-0042" in part.text for part in request.parts) == 1
