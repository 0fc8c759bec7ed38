"""What holds for every reply of the rules provider, whatever the text."""

import asyncio
import json
import time
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rules_samples import DATE, ENTITIES, INVOICE, MONEY, NUMBER, TEXT, THREAD, record, reply_to

from tegu.domain.errors import ProviderError
from tegu.llm.protocol import Credential, DataPart, ModelRef, ModelReply, ModelRequest, OutputSpec
from tegu.llm.providers.rules import CHARS_MAX, RulesProvider

LINE = record(description=TEXT, quantity=NUMBER, unit_price=NUMBER, amount=NUMBER)
EVERYTHING: dict[str, Any] = record(
    **ENTITIES["properties"],
    invoice_number=TEXT,
    date=DATE,
    due_date=DATE,
    total=NUMBER,
    price={"anyOf": [MONEY, {"type": "null"}]},
    currency=TEXT,
    vendor=TEXT,
    customer_name=TEXT,
    email=TEXT,
    phone=TEXT,
    subject=TEXT,
    summary=TEXT,
    next_step=TEXT,
    questions={"type": "array", "items": {"type": "string"}},
    people={"type": "array", "items": {"type": "string"}},
    dates={"type": "array", "items": {"type": "string", "format": "date"}},
    urgent={"type": ["boolean", "null"]},
    sentiment={"enum": ["positive", "neutral", "negative", None]},
    line_items={"type": "array", "items": LINE},
    confidence=NUMBER,
    seller=record(name=TEXT, tax_id=TEXT, address=TEXT),
    buyer=record(name=TEXT, tax_id=TEXT, address=TEXT),
    document_type={"enum": ["invoice", "contract", None]},
)
FRAGMENTS = [
    "From: Anna Berg <anna@example.org>\n", "To: Ben <b@example.org>\n", "Date: 2026-03-02 09:15\n", "Subject: Re: order ORD-77\n",
    "\n", "\n\n", "Hi Anna,\n", "Best regards,\nBen Stone\n", "Total: EUR 1,284.50\n", "Invoice number: X-1\n", "Total due  ", "$", "€",
    "12.50", " 7", "Description  Qty  Unit price  Amount\n", "Chair  2  10.00  20.00\n", "Please send it by 3 May 2026. ", "Is it urgent? ",
    "Acme Ltd", "+49 30 1234567", "http://example.org/a?b=c", " | ", "\t", ":", "=", "\x00", "\ud800", "\ufffd", "é", "ß", "IBAN ", "Seller: ", "Bill to:\n", "VAT ID: DE318204417\n", "Address: 8 Tanner Row\n", "CONTRACT\n",
    "VAT number: FR 604 219 388 61\n", "1. Pears  2 kg\n", "2. Melon 1\n", "Berlin ", "Net  VAT  Total\nTotal  1.00  2.00  3.00\n", "no. 4711 of ",
    "DE89370400440532013000", "31.02.2026", "- item\n", "not ", "(", "\\", '"', "\r\n", "\u2028",
]  # fmt: skip


def pointed(value: Any, path: str) -> Any:
    for step in path.split("/")[1:]:
        value = value[int(step) if step.isdigit() else step]
    return value


VALIDATOR: Any = jsonschema.Draft202012Validator(EVERYTHING)
"""Made once: `jsonschema.validate` checks the schema itself every time, which takes longer than the answer."""


def assert_every_quote_is_literal(reply: ModelReply, text: str) -> None:
    answer = json.loads(reply.text)
    for quote in reply.quotes:
        assert quote.start is not None
        assert text.startswith(quote.text, quote.start)
        assert pointed(answer, quote.path) is not None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=25).map("".join))
async def test_every_quote_is_a_literal_stretch_of_the_text_and_the_schema_is_kept(text: str) -> None:
    reply = await reply_to(text, EVERYTHING, task="prompt")
    answer = json.loads(reply.text)
    assert VALIDATOR.is_valid(answer)
    assert_every_quote_is_literal(reply, text)
    assert "\x00" not in reply.text
    assert reply.text.encode()


@pytest.mark.parametrize("text", [INVOICE, THREAD])
async def test_every_filled_leaf_of_the_samples_has_a_quote(text: str) -> None:
    reply = await reply_to(text, EVERYTHING)
    assert_every_quote_is_literal(reply, text)
    quoted = {quote.path for quote in reply.quotes}
    answer = json.loads(reply.text)
    filled = {
        f"/{name}"
        for name, value in answer.items()
        if isinstance(value, str | int | float) and name != "confidence"
    }
    assert filled <= quoted
    assert {f"/entities/{index}/name" for index in range(len(answer["entities"]))} <= quoted


async def test_the_same_request_has_the_same_reply() -> None:
    assert (await reply_to(THREAD, EVERYTHING)) == (await reply_to(THREAD, EVERYTHING))


async def test_a_reply_says_that_it_is_no_language_model_and_costs_nothing() -> None:
    reply = await reply_to(INVOICE, ENTITIES)
    assert reply.metadata["kind"] == "rule_based"
    assert reply.metadata["llm"] is False
    assert reply.cost_usd == Decimal(0)
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (0, 0)
    assert reply.finish_reason == "stop"
    assert reply.confidence is not None
    assert 0 < reply.confidence <= 1


@pytest.mark.parametrize("text", ["", " \n ", "\x00", "\ud800\udfff", "\ufffd" * 50, "\x00Total: 5\x00"])
@pytest.mark.parametrize("task", ["extract", "summarize", "prompt"])
async def test_empty_and_unstorable_text_never_crashes(text: str, task: str) -> None:
    reply = await reply_to(text, EVERYTHING, task=task)
    assert_every_quote_is_literal(reply, text)
    assert json.loads(reply.text)["customer_name"] is None


async def test_a_text_without_a_sentence_has_no_plain_answer() -> None:
    with pytest.raises(ProviderError) as caught:
        await reply_to(" ", None, task="summarize")
    assert caught.value.code == "bad_request"


async def test_a_long_text_is_read_up_to_a_limit_and_the_reply_says_so() -> None:
    text = "Total: 5 EUR\n" + "word " * CHARS_MAX + "\nDue date: 1 May 2026"
    reply = await reply_to(text, record(total=NUMBER, due_date=DATE))
    assert json.loads(reply.text) == {"total": 5, "due_date": None}
    assert reply.metadata["truncated"] is True
    assert (reply.metadata["chars_read"], reply.metadata["chars_total"]) == (CHARS_MAX, len(text))


HOSTILE = [
    "1", "1,111", "1-", "a@", "a.", "A ", "Ab Cd ", "+1 ", "\n", "x: ", "$", "a | ", "(", "12 Foo 2020 ", "Total: 1 EUR\n",
    "From: a <a@b.c>\nDate: x\n\n", "www.", "DE89370400440532013000 ", "Item  Quantity  Amount\n\n", "Chair  2  3.00\n", "Hi A. ", "Seller: A 1\nVAT ID: B22\n", "Address: 1 A Road\n", "No  Net  Total\nTotal  1  2\n", "1. a ", "FR 12 34 ", "Aa Baker Street ", "not please see ", "my name is ", "Anna ",
]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
async def test_no_pattern_goes_back_and_forth_over_hostile_text(unit: str) -> None:
    text = unit * (12_000 // len(unit))
    started = time.process_time()
    await reply_to(text, EVERYTHING, task="prompt")
    # Under half a second where this was measured; catastrophic backtracking takes minutes.
    assert time.process_time() - started < 3


async def test_a_megabyte_of_hostile_text_is_read_in_seconds() -> None:
    text = "\n".join(unit * (50_000 // len(unit)) for unit in HOSTILE)
    assert len(text) > 1_000_000
    started = time.process_time()
    await reply_to(text, EVERYTHING, task="prompt")
    assert time.process_time() - started < 10


async def test_the_event_loop_goes_on_while_a_long_text_is_read() -> None:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await reply_to(THREAD * 30, EVERYTHING, task="prompt")
    ticking.cancel()
    assert ticks > 2


async def test_a_cell_is_quoted_from_its_own_place() -> None:
    text = "14 Lime Street\n\nDescription  Quantity  Unit price  Amount\nGrinder  1  4.00  4.00\n"
    reply = await reply_to(text, record(line_items={"type": "array", "items": LINE}))
    places = {quote.path.rsplit("/", 1)[1]: quote.start for quote in reply.quotes}
    row = text.index("Grinder")
    assert places == {
        "description": row, "quantity": row + 9, "unit_price": row + 12, "amount": row + 18,
    }  # fmt: skip


async def test_a_currency_is_quoted_from_beside_its_amount() -> None:
    text = "It cost EUR 5.00, then EUR 7.00."
    reply = await reply_to(text, record(amounts={"type": "array", "items": MONEY}))
    assert [quote.start for quote in reply.quotes if quote.path == "/amounts/1/currency"] == [23]


async def test_a_place_counts_from_the_part_that_is_named_source() -> None:
    output = OutputSpec("output", record(total=NUMBER, email=TEXT))
    parts = (DataPart("note", "Write to a@example.org"), DataPart("source", "Total: 5 EUR"))
    request = ModelRequest(ModelRef.parse("rules"), "", parts, output, hints={"task": "extract"})
    reply = await RulesProvider().request(request, Credential())
    assert {quote.path: quote.start for quote in reply.quotes} == {"/total": 7, "/email": None}
