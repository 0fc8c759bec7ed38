"""Schemas filled from an invoice, a support thread and small texts."""

import jsonschema
import pytest
from rules_samples import DATE, ENTITIES, INVOICE, MONEY, NUMBER, TEXT, THREAD, output_of, record, reply_to

from tegu.domain.errors import ProviderError

LINE = {
    "type": "object",
    "properties": {
        "description": {"type": "string"},
        "quantity": NUMBER,
        "unit_price": NUMBER,
        "amount": NUMBER,
    },
    "required": ["description"],
}


async def test_the_labelled_values_of_an_invoice_are_read() -> None:
    schema = record(
        invoice_number={"type": "string"},
        invoice_date=DATE,
        due_date=DATE,
        vendor=TEXT,
        customer=TEXT,
        purchase_order=TEXT,
        subtotal=NUMBER,
        tax=NUMBER,
        tax_rate=NUMBER,
        total={"type": "number"},
        currency=TEXT,
        iban=TEXT,
        email=TEXT,
        phone=TEXT,
    )
    assert await output_of(INVOICE, schema) == {
        "invoice_number": "NL-2026-0417",
        "invoice_date": "2026-03-14",
        "due_date": "2026-04-13",
        "vendor": "Nordlicht Supplies GmbH",
        "customer": "Brightwater Clinics Ltd",
        "purchase_order": "PO-88213",
        "subtotal": 1164.5,
        "tax": 221.26,
        "tax_rate": 19,
        "total": 1385.76,
        "currency": "EUR",
        "iban": "DE89 3704 0044 0532 0130 00",
        "email": "billing@nordlicht-supplies.example",
        "phone": "+49 40 5550 1234",
    }


@pytest.mark.parametrize("gap", ["aligned", "one space"])
async def test_the_rows_of_a_table_become_objects(gap: str) -> None:
    text = INVOICE if gap == "aligned" else "\n".join(" ".join(line.split()) for line in INVOICE.splitlines())
    schema = record(line_items={"type": "array", "items": {"$ref": "#/$defs/Line"}}) | {
        "$defs": {"Line": LINE}
    }
    assert (await output_of(text, schema))["line_items"] == [
        {"description": "Examination lamp LX-2", "quantity": 4, "unit_price": 210.0, "amount": 840.0},
        {"description": "Nitrile gloves, box of 200", "quantity": 30, "unit_price": 9.15, "amount": 274.5},
        {"description": "Delivery", "quantity": 1, "unit_price": 50.0, "amount": 50.0},
    ]


async def test_rows_without_a_head_are_read_where_they_multiply() -> None:
    text = "Blue chair   2   45.00   90.00\nRed table   1   120.00   120.00\nPage 1 of 20 30\n"
    answer = await output_of(text, record(items={"type": "array", "items": LINE}))
    assert [row["description"] for row in answer["items"]] == ["Blue chair", "Red table"]


async def test_a_markdown_table_is_a_table() -> None:
    text = (
        "| Item | Quantity | Price |\n|---|---|---|\n| Blue chair | 2 | 45.00 |\n| Red table | 1 | 120.00 |\n"
    )
    answer = await output_of(text, record(items={"type": "array", "items": LINE}))
    assert [(row["description"], row["quantity"], row["unit_price"]) for row in answer["items"]] == [
        ("Blue chair", 2, 45.0),
        ("Red table", 1, 120.0),
    ]


async def test_who_wrote_a_thread_and_what_it_is_about_is_read() -> None:
    schema = record(
        customer_name=TEXT,
        customer_email=TEXT,
        order_number=TEXT,
        case_number=TEXT,
        refund_amount=MONEY,
        organization=TEXT,
        subject=TEXT,
        people={"type": "array", "items": {"type": "string"}},
        amounts={"type": "array", "items": MONEY},
    )
    answer = await output_of(THREAD, schema)
    assert answer == {
        "customer_name": "Maria Lopez",
        "customer_email": "maria.lopez@brightwater.example",
        "order_number": "ORD-4411",
        "case_number": "CS-10293",
        "refund_amount": {"amount": 420.0, "currency": "EUR"},
        "organization": "Brightwater Clinics Ltd",
        "subject": "Damaged lamps in order ORD-4411",
        "people": ["Maria Lopez", "Jonas Weber"],
        "amounts": [{"amount": 420.0, "currency": "EUR"}],
    }


async def test_the_default_schema_lists_entities_by_type() -> None:
    answer = await output_of(THREAD, ENTITIES)
    found = {(entity["type"], entity["name"]) for entity in answer["entities"]}
    assert {
        ("person", "Maria Lopez"),
        ("person", "Jonas Weber"),
        ("organization", "Brightwater Clinics Ltd"),
        ("money", "EUR 420.00"),
        ("date", "27 February 2026"),
        ("email", "jonas.weber@nordlicht.example"),
        ("phone", "+44 117 496 0123"),
        ("id", "CS-10293"),
    } <= found
    assert answer["category"] == "refund"
    assert (await output_of(INVOICE, ENTITIES))["category"] == "invoice"


async def test_entities_that_an_enum_has_no_name_for_are_left_out() -> None:
    entity = record(type={"enum": ["PERSON", "Company"]}, text={"type": "string"})
    answer = await output_of(THREAD, record(entities={"type": "array", "items": entity}))
    assert {one["type"] for one in answer["entities"]} == {"PERSON", "Company"}


async def test_what_the_text_does_not_say_is_null_or_left_out() -> None:
    schema = record(
        invoice_number=TEXT, total=NUMBER, due_date=DATE, customer=TEXT, paid={"type": ["boolean", "null"]}
    )
    assert await output_of("Nothing to see here, move along.", schema) == dict.fromkeys(schema["properties"])
    assert await output_of("Nothing to see here.", {**schema, "required": []}) == dict.fromkeys(
        schema["properties"]
    )
    assert await output_of("Nothing.", {"type": "object", "properties": {"total": {"type": "number"}}}) == {}


async def test_one_of_several_equal_candidates_is_not_guessed() -> None:
    text = "Write to anna@example.org or ben@example.org. It costs EUR 10.00 or EUR 20.00."
    assert await output_of(text, record(email=TEXT, total=NUMBER)) == {"email": None, "total": None}


async def test_a_lone_date_is_no_due_date() -> None:
    assert await output_of("Written on 3 May 2026.", record(due_date=DATE, date=DATE)) == {
        "due_date": None,
        "date": "2026-05-03",
    }


async def test_a_required_field_that_cannot_be_filled_is_an_error_that_names_it() -> None:
    schema = record(customer=record(tax_id={"type": "string"}))
    with pytest.raises(ProviderError, match="/customer/tax_id") as caught:
        await reply_to("Dear Anna, thank you.", schema)
    assert (caught.value.code, caught.value.transient) == ("bad_request", False)


async def test_every_kind_of_schema_composition_is_followed() -> None:
    schema = {
        "type": "object",
        "properties": {
            "contact": {"allOf": [{"$ref": "#/$defs/Contact"}], "description": "who wrote"},
            "total": {"oneOf": [{"type": "number"}, {"type": "null"}]},
            "version": {"const": 2},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["contact", "total", "version", "tags"],
        "$defs": {"Contact": record(email={"type": "string", "format": "email"}, phone=TEXT)},
    }
    text = "Contact anna@example.org, phone 030 1234567.\nTotal: 12,50 EUR\nTags: red, green"
    assert await output_of(text, schema) == {
        "contact": {"email": "anna@example.org", "phone": "030 1234567"},
        "total": 12.5,
        "version": 2,
        "tags": ["red", "green"],
    }


async def test_a_schema_that_contains_itself_ends() -> None:
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {"name": TEXT}}}}
    schema["$defs"]["Node"]["properties"]["child"] = {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}  # type: ignore[index]  # a literal dict of dicts
    output = await output_of("Name: Anna Berg", schema)
    jsonschema.validate(output, schema)
    assert isinstance(output, dict)
    assert output["name"] == "Anna Berg"


@pytest.mark.parametrize(("text", "value"), [("Paid: yes", True), ("Paid: no", False), ("Amount: 3", None)])
async def test_booleans_are_read_from_their_label(text: str, value: object) -> None:
    assert await output_of(text, record(paid={"type": ["boolean", "null"]})) == {"paid": value}


async def test_a_negated_word_is_false() -> None:
    schema = record(damaged={"type": ["boolean", "null"]})
    assert await output_of("The lamp is damaged.", schema) == {"damaged": True}
    assert await output_of("The lamp is not damaged.", schema) == {"damaged": False}


async def test_an_enum_that_nothing_speaks_for_is_null_or_its_catch_all() -> None:
    choices = ["positive", "neutral", "negative"]
    assert await output_of("Page 1", record(mood={"enum": [*choices, None]})) == {"mood": None}
    assert await output_of("Page 1", record(mood={"enum": choices})) == {"mood": "neutral"}


async def test_an_enum_is_read_from_its_label() -> None:
    schema = record(priority={"enum": ["low", "normal", "high"]})
    assert await output_of("Ticket 4711\nPriority: High\nLow noise please", schema) == {"priority": "high"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Date: 14/03/2026", "2026-03-14"),
        ("Date: 03/14/2026", "2026-03-14"),
        ("Date: 14.3.26", "2026-03-14"),
        ("Date: March 14th, 2026", "2026-03-14"),
        ("Datum: 14. März 2026", "2026-03-14"),
        ("Date : 14 février 2026", "2026-02-14"),
        ("Date: 14 марта 2026", "2026-03-14"),
        ("Date: 31/02/2026", None),
        ("Date: 14 March", None),
        ("Date: next Friday", None),
    ],
)
async def test_dates_become_iso_dates_and_never_depend_on_today(text: str, value: str | None) -> None:
    assert await output_of(text, record(date=DATE)) == {"date": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Total: 1,284.50", 1284.5),
        ("Total: 1.284,50 €", 1284.5),
        ("Total: 1 284,50 €", 1284.5),
        ("Total: CHF 1'284.50", 1284.5),
        ("Total: $1,284", 1284),
        ("Total due EUR 1,284.50", 1284.5),
        ("The total is US$ 12.", 12),
        ("Total: -9,32 €", -9.32),
        ("Subtotal: 12.00", None),
        ("Total pages", None),
    ],
)
async def test_amounts_are_read_as_people_write_them(text: str, value: float | None) -> None:
    assert await output_of(text, record(total=NUMBER)) == {"total": value}


async def test_an_upstream_output_fills_a_field_of_its_name() -> None:
    from tegu.llm.protocol import DataPart

    upstream = (DataPart("classify", '{"route": "support", "confidence": 0.8}'),)
    answer = await output_of("Good day.", record(route=TEXT), task="prompt", upstream=upstream)
    assert answer == {"route": "support"}


async def test_the_rules_of_a_leaf_are_kept() -> None:
    schema = record(invoice_number={"type": ["string", "null"], "pattern": "^X"})
    assert await output_of(INVOICE, schema) == {"invoice_number": None}


async def test_a_rule_that_is_no_regular_expression_forbids_nothing() -> None:
    schema = record(invoice_number={"type": ["string", "null"], "pattern": "("})
    assert await output_of(INVOICE, schema) == {"invoice_number": "NL-2026-0417"}
