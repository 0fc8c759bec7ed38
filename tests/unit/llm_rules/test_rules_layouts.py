"""Layouts of invoices, and names in running text."""

from typing import Any

import pytest
from rules_samples import DATE, NUMBER, TEXT, output_of, record, reply_to

SUMS = """\
                                    Net amount        VAT       Total incl. VAT
Hosting                                  20.00       4.00                 24.00
Support                                  10.00       2.00                 12.00
Total                                    30.00       6.00                 36.00
"""
PRICED = """\
Item                              Qty   Unit price   VAT Price incl. VAT
Desk lamp                           2        10.00   21%           24.20
Cable for lamp 4.50                 1         5.00   21%            6.05
"""


def rows(**columns: Any) -> dict[str, Any]:
    item = {"type": "object", "properties": columns, "required": list(columns)}
    return record(lines={"type": "array", "items": item})


def entity(*kinds: str) -> dict[str, Any]:
    return rows(type={"type": "string", "enum": list(kinds)}, text={"type": "string"})


async def test_sums_are_read_from_the_line_of_the_total_under_their_heads() -> None:
    answer = await output_of(SUMS, record(subtotal=NUMBER, tax_amount=NUMBER, total=NUMBER))
    assert answer == {"subtotal": 30.0, "tax_amount": 6.0, "total": 36.0}


async def test_the_date_after_an_invoice_number_is_the_invoices_date() -> None:
    text = "Facture n°562044 du 02 juillet 2015\nOuvert le 01 janvier 2014\n"
    answer = await output_of(text, record(invoice_date=DATE))
    assert answer == {"invoice_date": "2015-07-02"}


@pytest.mark.parametrize(
    ("text", "code"), [("BIC INGBNL2A", "INGBNL2A"), ("PAYMENT\nREMITTED INVOICED", None)]
)
async def test_a_bank_code_needs_its_label(text: str, code: str | None) -> None:
    assert await output_of(text, record(bic=TEXT)) == {"bic": code}


async def test_a_tax_number_in_groups_is_given_without_spaces_and_quoted_as_it_stands() -> None:
    reply = await reply_to("VAT number: FR 604 219 388 61", record(vat_number=TEXT))
    assert reply.text == '{"vat_number": "FR60421938861"}'
    assert [quote.text for quote in reply.quotes] == ["FR 604 219 388 61"]


async def test_two_heads_that_one_space_keeps_apart_are_two_columns() -> None:
    columns = {"name": TEXT, "qty": NUMBER, "price_unit": NUMBER, "tax_percent": NUMBER, "subtotal": NUMBER}
    answer = await output_of(PRICED, rows(**columns))
    first = {"name": "Desk lamp", "qty": 2, "price_unit": 10.0, "tax_percent": 21, "subtotal": 24.2}
    second = {"name": "Cable for lamp 4.50", "qty": 1, "price_unit": 5.0, "tax_percent": 21, "subtotal": 6.05}
    assert answer["lines"] == [first, second]


async def test_a_table_of_numbers_alone_is_read_and_the_next_head_begins_another() -> None:
    text = "No  Width [cm]  Height [cm]\n1   30          40\n2   50          60\n\nNo  Height [cm]  Width [cm]\n3   70           80\n"
    answer = await output_of(text, rows(pos=NUMBER, width=NUMBER, height=NUMBER))
    assert answer["lines"] == [
        {"pos": 1, "width": 30, "height": 40},
        {"pos": 2, "width": 50, "height": 60},
        {"pos": 3, "width": 80, "height": 70},
    ]


async def test_lines_that_number_themselves_are_rows() -> None:
    text = "1. Pears      2 kg\n2. Plums      0.5 kg\n3. Melon 1\n"
    answer = await output_of(text, rows(pos=NUMBER, name=TEXT, qty=NUMBER, unit=TEXT))
    assert answer["lines"] == [
        {"pos": 1, "name": "Pears", "qty": 2, "unit": "kg"},
        {"pos": 2, "name": "Plums", "qty": 0.5, "unit": "kg"},
        {"pos": 3, "name": "Melon", "qty": 1, "unit": None},
    ]


async def test_one_numbered_line_is_no_list() -> None:
    assert (await output_of("1. Introduction\n", rows(pos=NUMBER, name=TEXT)))["lines"] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We met in Lisbon and then drove to South Korea.", ["Lisbon", "South Korea"]),
        ("The shop is on Lower Baker Street now.", ["Lower Baker Street"]),
        ("They sat on the beach near the street.", []),
        ("write to amy@berlin.example", []),
    ],
)
async def test_places_are_known_or_called_one(text: str, found: list[str]) -> None:
    answer = await output_of(text, entity("location"))
    assert [item["text"] for item in answer["lines"]] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I think Brenda should decide.", ["Brenda"]),
        ("Then Mark the place on the map.", []),
        ("hi, my name is hubert", []),
        ("hi, my name is gilbert", ["gilbert"]),
    ],
)
async def test_a_given_name_alone_is_a_person_unless_it_is_a_word(text: str, found: list[str]) -> None:
    answer = await output_of(text, entity("person"))
    assert [item["text"] for item in answer["lines"]] == found


async def test_a_kind_that_the_rules_cannot_see_is_left_out() -> None:
    assert (await output_of("I bought a Kenworth.", entity("product", "creative_work")))["lines"] == []
