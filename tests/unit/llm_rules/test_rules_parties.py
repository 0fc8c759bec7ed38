"""Whose a value is, what is an address, what a document calls itself, and that one value fills one field."""

import json

import pytest
from rules_samples import INVOICE, NUMBER, TEXT, output_of, record, reply_to

PARTY = record(name=TEXT, address=TEXT, tax_id=TEXT, email=TEXT)
PARTIES = record(seller=PARTY, buyer=PARTY)
TYPES = {"enum": ["invoice", "credit_note", "receipt", "order", "contract", "other", None]}
NOBODY = dict.fromkeys(("name", "address", "tax_id", "email"))
CONTRACT = """# Service Contract

Contract number: SC-17

Seller: Larkspur Coffee GmbH
Address: Speicherstrasse 14, 20457 Hamburg
VAT ID: DE318204417

Buyer: Northfield Studio Ltd
Address: 8 Tanner Row, Bristol BS1 4QA
VAT ID: GB417220368
Email: books@northfield.example

## 1. Fee

The buyer pays EUR 420.00 per month.
"""


async def test_the_details_of_a_party_are_those_under_its_heading() -> None:
    assert await output_of(CONTRACT, PARTIES) == {
        "seller": {
            "name": "Larkspur Coffee GmbH",
            "address": "Speicherstrasse 14, 20457 Hamburg",
            "tax_id": "DE318204417",
            "email": None,
        },
        "buyer": {
            "name": "Northfield Studio Ltd",
            "address": "8 Tanner Row, Bristol BS1 4QA",
            "tax_id": "GB417220368",
            "email": "books@northfield.example",
        },
    }


async def test_the_letterhead_of_an_invoice_is_the_sellers() -> None:
    text = INVOICE.replace("20457 Hamburg\n", "20457 Hamburg\nVAT ID: DE318204417\n")
    assert await output_of(text, PARTIES) == {
        "seller": {
            "name": "Nordlicht Supplies GmbH",
            "address": "Speicherstrasse 12, 20457 Hamburg",
            "tax_id": "DE318204417",
            "email": "billing@nordlicht-supplies.example",
        },
        "buyer": {**NOBODY, "name": "Brightwater Clinics Ltd", "address": "4 Harbour Road, Bristol"},
    }


async def test_parties_side_by_side_keep_their_columns() -> None:
    text = (
        "Seller:              Buyer:\nNordlicht GmbH       Brightwater Ltd\nHafenweg 3           8 Tanner Row\n"
        "20457 Hamburg        Bristol BS1 4QA\nVAT ID: DE318204417  VAT ID: GB417220368\n"
    )
    answer = await output_of(text, PARTIES)
    assert (answer["seller"]["address"], answer["seller"]["tax_id"]) == (
        "Hafenweg 3, 20457 Hamburg",
        "DE318204417",
    )
    assert (answer["buyer"]["address"], answer["buyer"]["tax_id"]) == (
        "8 Tanner Row, Bristol BS1 4QA",
        "GB417220368",
    )


async def test_a_label_that_names_the_party_needs_no_heading() -> None:
    text = "Seller VAT ID: DE318204417\nCustomer VAT ID: GB417220368\n"
    answer = await output_of(text, PARTIES)
    assert (answer["seller"]["tax_id"], answer["buyer"]["tax_id"]) == ("DE318204417", "GB417220368")


async def test_of_two_tax_numbers_that_nobody_owns_none_is_guessed() -> None:
    text = "Invoice number: A-17\n\nVAT ID: DE318204417\n\nVAT ID: GB417220368\n"
    answer = await output_of(text, PARTIES)
    assert (answer["seller"]["tax_id"], answer["buyer"]["tax_id"]) == (None, None)


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("8 Tanner Row, Bristol BS1 4QA", True),
        ("Speicherstrasse 14, 20457 Hamburg", True),
        ("12 Main St, Springfield, IL 62704", True),
        ("P.O. Box 77, Leeds", True),
        ("Northfield Studio Ltd", False),
        ("see above", False),
        ("ann@example.org", False),
    ],
)
async def test_an_address_has_a_street_or_a_postcode(value: str, *, is_one: bool) -> None:
    answer = await output_of(f"Address: {value}\n", record(address=TEXT))
    assert answer == {"address": value if is_one else None}


async def test_every_line_of_an_address_is_quoted_from_its_place() -> None:
    text = "Bill to:\nAcme Ltd\n8 Tanner Row\nBristol BS1 4QA\n\nTotal: 5 EUR\n"
    reply = await reply_to(text, record(buyer=record(address=TEXT)))
    assert json.loads(reply.text) == {"buyer": {"address": "8 Tanner Row, Bristol BS1 4QA"}}
    assert [(quote.text, quote.start) for quote in reply.quotes] == [
        ("8 Tanner Row", 18),
        ("Bristol BS1 4QA", 31),
    ]


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        (CONTRACT, "contract"),
        ("Service Agreement\n\nThe buyer pays each invoice within 30 days.", "contract"),
        ("INVOICE\n\nOrder number: 4711\n", "invoice"),
        ("Credit note\nfor invoice A-17\n", "credit_note"),
        ("Document type: receipt\nInvoice number: 4711", "receipt"),
        ("Invoice number: 4711\n", "invoice"),
        ("Invoice number: 4711\nOrder number: 12\n", None),
        ("Dear Ann, thank you for paying the invoice, the total amount is due.", None),
    ],
)
async def test_a_document_is_what_it_calls_itself(text: str, type_: str | None) -> None:
    assert await output_of(text, record(document_type=TYPES)) == {"document_type": type_}


async def test_a_value_fills_the_field_that_its_label_names_and_no_other() -> None:
    schema = record(invoice_number=TEXT, invoice_reference=TEXT)
    assert await output_of("Invoice number: A-17\n", schema) == {
        "invoice_number": "A-17",
        "invoice_reference": None,
    }


async def test_an_identifier_that_no_label_gives_to_anyone_fills_one_field_only() -> None:
    schema = record(number=TEXT, payment_reference=TEXT)
    assert await output_of("Contract number: SC-17\n", schema) == {
        "number": "SC-17",
        "payment_reference": None,
    }


async def test_a_value_with_two_labels_fills_two_fields_each_quoted_from_its_own_place() -> None:
    text = "Invoice number: A-17\n\nPlease pay within 30 days, reference A-17.\n"
    reply = await reply_to(text, record(invoice_number=TEXT, payment_reference=TEXT))
    assert {quote.path: quote.start for quote in reply.quotes} == {
        "/invoice_number": 16,
        "/payment_reference": 59,
    }


async def test_a_value_may_fill_two_fields_that_its_label_fits_alike() -> None:
    schema = record(supplier=TEXT, vendor=TEXT)
    assert await output_of("Supplier: Acme Ltd\n", schema) == {"supplier": "Acme Ltd", "vendor": "Acme Ltd"}


async def test_a_price_per_month_is_no_total() -> None:
    assert await output_of(CONTRACT, record(total=NUMBER)) == {"total": None}
    assert await output_of("You pay EUR 420.00.", record(total=NUMBER)) == {"total": 420.0}
