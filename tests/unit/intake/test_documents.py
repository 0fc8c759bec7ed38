import pytest
from intake_data import DATA, FIXTURES, facts, needs_data, normal, shared
from pdf_bytes import pdf

from tegu.domain.content import Document, TextPart
from tegu.domain.errors import IntakeError
from tegu.intake.documents import READERS, read
from tegu.intake.sniff import SUPPORTED, sniff

READABLE = [fact for fact in facts("doc") if fact["file"].endswith((".html", ".pdf", ".txt", ".md"))]


def fixture(name: str) -> Document:
    data = (FIXTURES / name).read_bytes()
    return read(data, sniff(data, name), name)


def pieces(document: Document, kind: str) -> dict[str | None, str]:
    return {part.label: document.text[part.start : part.end] for part in document.parts if part.kind == kind}


@needs_data
@pytest.mark.parametrize("fact", READABLE, ids=lambda fact: fact["file"])
def test_a_real_document_has_the_text_that_other_extractors_find(fact: dict[str, list[str]]) -> None:
    file = str(fact["file"])
    document = read(shared(file), sniff(shared(file), file), file)
    found = normal(document.text)
    assert [wanted for wanted in fact["text_contains"] if normal(wanted) not in found] == []
    assert all(0 <= part.start <= part.end <= len(document.text) for part in document.parts)


def test_there_is_a_reader_for_every_type_that_is_sniffed() -> None:
    assert set(READERS) == set(SUPPORTED)


def test_a_type_without_reader_is_refused() -> None:
    with pytest.raises(IntakeError) as caught:
        read(b"x", "image/png")
    assert caught.value.code == "unknown_type"


def test_text_keeps_everything_but_the_shape_of_line_ends() -> None:
    document = read(b"a\r\nb\rc\n d ", "text/plain", "a.txt")
    assert document.text == "a\nb\nc\n d "
    assert document.parts == (TextPart("body", 0, 9),)
    assert document.name == "a.txt"


def test_markdown_is_kept_and_its_headings_outside_code_make_sections() -> None:
    document = fixture("notes.md")
    assert document.text == (FIXTURES / "notes.md").read_text()
    found = pieces(document, "section")
    assert list(found) == [None, "Order *4711*", "Details"]
    assert "# not a heading" in found["Order *4711*"]
    assert "".join(found.values()) == document.text


def test_html_keeps_its_blocks_and_drops_what_is_not_seen() -> None:
    document = fixture("page.html")
    assert document.metadata == {"title": "Terms of Sale"}
    assert document.text == (
        "Terms\n\nFirst rule: pay.\n\n- One\n- Two\n\nPrices\n\nItem | Price\nChair | 89,90\n\n"
        "> quoted words\n\na  b\n  c"
    )
    assert list(pieces(document, "section")) == ["Terms", "Prices"]


def test_a_paragraph_in_a_list_item_stands_beside_its_mark() -> None:
    assert read(b"<ul><li><p>one</p></li><li></li><li>two</li></ul>", "text/html").text == "- one\n\n-\n- two"


@needs_data
def test_html_in_windows_1252_is_read_by_its_own_declaration() -> None:
    assert "4,25 €" in normal(read(shared("doc/fake-html-cp1252.html"), "text/html").text)


def test_pdf_parts_are_its_pages() -> None:
    document = read(pdf(["First page", "Second page"]), "application/pdf", "a.pdf")
    assert pieces(document, "page") == {"1": "First page", "2": "Second page"}
    assert document.metadata == {"pages": 2}


def test_a_pdf_without_text_says_so_and_is_no_error() -> None:
    document = read(pdf([""]), "application/pdf")
    assert document.metadata == {"pages": 1, "no_text": True}
    assert document.text == ""


@needs_data
def test_an_encrypted_pdf_says_what_to_do() -> None:
    with pytest.raises(IntakeError) as caught:
        read(shared("doc/password.pdf"), "application/pdf")
    assert caught.value.code == "encrypted"
    assert "password" in (caught.value.hint or "")


def test_a_pdf_with_an_empty_password_opens() -> None:
    from io import BytesIO

    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf(["Secret"]))))
    writer.encrypt("", "owner", algorithm="RC4-128")
    locked = BytesIO()
    writer.write(locked)
    assert read(locked.getvalue(), "application/pdf").text == "Secret"


@pytest.mark.parametrize("data", [b"%PDF-1.7\ngarbage", b"%PDF-1.4\n" + bytes(range(256)) * 40])
def test_a_pdf_that_is_garbage_is_undecodable(data: bytes) -> None:
    with pytest.raises(IntakeError) as caught:
        read(data, "application/pdf")
    assert caught.value.code == "undecodable"


def test_a_mail_is_a_document_with_headers_reply_signature_and_quote() -> None:
    document = fixture("order.eml")
    by_kind = {part.kind: document.text[part.start : part.end].strip() for part in document.parts}
    assert by_kind["headers"].startswith("From: Anna Müller <anna@example.com>\nTo: support@shop.example")
    assert by_kind["reply"] == "The chair arrived broken. Please refund 89,90 €."
    assert by_kind["signature"].startswith("--")
    assert by_kind["quoted"].endswith("> Thank you.")


def test_a_mailbox_is_a_document_with_a_part_for_each_message() -> None:
    document = fixture("two.mbox")
    assert list(pieces(document, "message")) == ["Question", "Re: Question"]
    assert document.metadata == {"messages": 2}


def test_the_shared_folder_is_where_the_tests_look() -> None:
    assert DATA.parts[-2:] == ("shared", "data")
