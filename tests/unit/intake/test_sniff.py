import pytest
from intake_data import DATA, FIXTURES, needs_data

from tegu.domain.errors import IntakeError
from tegu.intake.sniff import SUPPORTED, sniff

SHARED = {
    "doc/README.md": "text/markdown",
    "doc/fake-html-cp1252.html": "text/html",
    "doc/factbook.xml": "text/plain",
    "doc/fake-memo.pdf": "application/pdf",
    "doc/fake-text-utf-16.txt": "text/plain",
    "doc/fake-text-utf-32.txt": "text/plain",
    "doc/test.json": "text/plain",
    "doc/test_mskanji.csv": "text/plain",
    "mbox/simple.mbox.txt": "application/mbox",
    "mbox/thread.mbox": "application/mbox",
    "mbox/tika-commits-600.mbox": "application/mbox",
    "mbox/thread.imaptest.txt": "text/plain",
}
REFUSED = (
    "doc/random.bin",
    "doc/test.docx",
    "doc/fake.doc",
    "doc/fake-doc.rtf",
    "email/test_outlook_msg.msg",
)


def refused(data: bytes, name: str | None = None, **limits: int) -> IntakeError:
    with pytest.raises(IntakeError) as caught:
        sniff(data, name, **limits)
    return caught.value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order.eml", "message/rfc822"),
        ("page.html", "text/html"),
        ("notes.md", "text/markdown"),
        ("two.mbox", "application/mbox"),
    ],
)
def test_a_file_is_known_by_its_bytes_with_a_wrong_name_too(name: str, expected: str) -> None:
    data = (FIXTURES / name).read_bytes()
    assert sniff(data, name) == expected
    if expected != "text/markdown":
        assert sniff(data, "photo.png") == expected
        assert sniff(data) == expected


@needs_data
@pytest.mark.parametrize("file", SHARED)
def test_a_shared_file_is_what_it_is(file: str) -> None:
    assert sniff((DATA / file).read_bytes(), file) == SHARED[file]


@needs_data
def test_every_shared_mail_is_known_without_its_name() -> None:
    wrong = [p.name for p in (DATA / "email").glob("*.eml") if sniff(p.read_bytes()) != "message/rfc822"]
    assert wrong == []


@needs_data
@pytest.mark.parametrize("file", REFUSED)
def test_a_format_without_reader_is_refused_and_the_hint_says_what_is_read(file: str) -> None:
    error = refused((DATA / file).read_bytes(), file)
    assert error.code == "unknown_type"
    assert file in error.message
    assert "PDF" in (error.hint or "")


def test_no_bytes_are_empty() -> None:
    assert refused(b"", "a.txt").code == "empty"


def test_more_bytes_than_the_limit_are_too_large() -> None:
    error = refused(b"x" * 11, "a.txt", size_limit_bytes=10)
    assert error.code == "too_large"
    assert "11 bytes" in error.message


def test_control_characters_are_no_text() -> None:
    assert refused(bytes(range(32)) * 20).code == "unknown_type"


def test_a_zip_is_named_in_the_refusal_whatever_its_extension() -> None:
    error = refused(b"PK\x03\x04rest", "letter.txt")
    assert "ZIP" in error.message


def test_the_name_decides_between_text_and_markdown() -> None:
    assert sniff(b"a line", "a.md") == "text/markdown"
    assert sniff(b"# a\n\n```\nb\n```", "a.txt") == "text/plain"


def test_one_message_with_a_from_line_is_a_mail_unless_its_name_says_mailbox() -> None:
    data = b"From a@b Mon Nov  3 10:15:00 2025\nFrom: a@b\nSubject: x\n\nbody"
    assert sniff(data) == "message/rfc822"
    assert sniff(data, "a.eml") == "message/rfc822"
    assert sniff(data, "a.mbox") == "application/mbox"


def test_a_mail_with_a_nul_in_its_subject_is_a_mail() -> None:
    assert sniff(b"From: a@b\nSubject: x\x00y\n\nbody") == "message/rfc822"


def test_prose_with_colons_is_text() -> None:
    assert sniff(b"Name: Anna\nCity: Bern\nDate: today\n\nhello") == "text/plain"


@pytest.mark.parametrize("charset", ["utf-16-le", "utf-16-be", "utf-16", "utf-32"])
def test_wide_text_is_text(charset: str) -> None:
    assert sniff(("Grüße aus Köln, " * 20).encode(charset)) == "text/plain"


def test_a_pdf_is_found_behind_junk() -> None:
    assert sniff(b"junk\n%PDF-1.4\n1 0 obj\nendobj\n%%EOF\n", "a.txt") == "application/pdf"


def test_every_type_is_one_of_the_supported() -> None:
    assert {sniff(path.read_bytes()) for path in FIXTURES.iterdir()} <= set(SUPPORTED)
