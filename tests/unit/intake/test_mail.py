from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake_data import FIXTURES, facts, needs_data, normal, shared

from tegu.intake.mail import ParsedMail, read_headers, read_mail
from tegu.intake.mail_header import addresses, base_name, decode_words, message_ids, sent_date

MAILS = facts("email")
EXCEPTIONS = {
    # A date in the year 3609 is shown as a problem, not as a date that threads are sorted by.
    ("email/raw_email_bad_time.eml", "date_utc"),
}


def found(mail: ParsedMail) -> dict[str, Any]:
    return {
        "subject": normal(mail.subject) or None,
        "from": [mail.sender.casefold()] if mail.sender else [],
        "to": [address.casefold() for address in mail.to],
        "date_utc": mail.sent_at.strftime("%Y-%m-%dT%H:%M:%SZ") if mail.sent_at else None,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "attachment_names": sorted(item.name for item in mail.attachments if item.name),
        "attachment_count": len(mail.attachments),
    }


def differences(fact: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    mine = found(read_mail(shared(fact["file"])))
    wanted = {key: value for key, value in fact.items() if key != "file"}
    wanted["subject"] = normal(wanted["subject"]) or None
    return {
        key: (value, mine[key])
        for key, value in wanted.items()
        if value != mine[key] and (fact["file"], key) not in EXCEPTIONS
    }


@needs_data
@pytest.mark.parametrize("fact", MAILS, ids=lambda fact: fact["file"])
def test_a_real_mail_is_read_as_independent_parsers_read_it(fact: dict[str, Any]) -> None:
    assert differences(fact) == {}


@needs_data
def test_the_score_on_real_mails_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    total = sum(len(fact) - 1 for fact in MAILS)
    wrong = sum(len(differences(fact)) for fact in MAILS)
    with capsys.disabled():
        print(  # noqa: T201 - the score is what one runs this test for
            f"\nmail facts: {total - wrong - len(EXCEPTIONS)} of {total}, {len(EXCEPTIONS)} justified exception"
        )
    assert wrong == 0
    assert total > 300


@needs_data
@pytest.mark.parametrize("fact", MAILS, ids=lambda fact: fact["file"])
def test_headers_alone_say_the_same_as_the_whole_mail(fact: dict[str, Any]) -> None:
    data = shared(fact["file"])
    headers, mail = read_headers(data), read_mail(data)
    assert all(getattr(headers, name) == getattr(mail, name) for name in headers.__slots__)


@needs_data
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("japanese_iso_2022", "すみません。"),
        ("japanese_shift_jis", "あいうえお"),
        ("ks_c_5601-1987", "스티해"),
        ("missing-final-boundary", "Some body"),
        ("mime-html-only", "The first emoticon"),
        ("fake-email-b64", ""),
        ("content_transfer_encoding_with_8bits", "Provantage"),
    ],
)
def test_the_body_of_a_real_mail_is_read_in_its_charset(file: str, words: str) -> None:
    text = read_mail(shared(f"email/{file}.eml")).text
    assert words.casefold() in text.casefold()
    assert text.strip()


@needs_data
def test_an_absurd_date_is_no_date_but_is_shown() -> None:
    mail = read_mail(shared("email/raw_email_bad_time.eml"))
    assert mail.sent_at is None
    assert "3609" in (mail.date_problem or "")


def test_a_mail_is_read_with_all_that_is_in_it() -> None:
    mail = read_mail((FIXTURES / "order.eml").read_bytes())
    assert mail.message_id == "<order-2@example.com>"
    assert mail.in_reply_to == "<order-1@shop.example>"
    assert mail.references == ("<order-0@example.com>", "<order-1@shop.example>")
    assert mail.subject == "Re: Bestellung 4711 (grün)"
    assert (mail.sender_name, mail.sender) == ("Anna Müller", "anna@example.com")
    assert mail.to == ("support@shop.example", "bob@shop.example")
    assert mail.cc == ("archive@example.com",)
    assert mail.sent_at == datetime(2025, 11, 3, 9, 15, tzinfo=UTC)
    assert mail.date_problem is None
    assert mail.reply == "The chair arrived broken. Please refund 89,90 €."
    assert mail.quoted.endswith("> Your order is on its way.\n> Thank you.")
    assert mail.defects == ()


def test_attachments_have_base_names_and_their_exact_bytes() -> None:
    picture, message = read_mail((FIXTURES / "order.eml").read_bytes()).attachments
    assert (picture.name, picture.media_type, picture.inline) == ("chair ✓.png", "image/png", True)
    assert picture.data == b"\x89PNG\r\n\x1a\n"
    assert picture.content_id == "chair@example.com"
    assert (message.name, message.media_type) == ("first.eml", "message/rfc822")
    assert message.data == b"From: support@shop.example\nSubject: Your order\n\nThank you."


def test_a_mail_that_is_only_html_is_read_as_text_and_its_blockquote_is_quoted() -> None:
    mail = read_mail(
        b"From: a@b\nContent-Type: text/html\n\n<p>Yes, please.</p><p>On 3 Nov 2025 at 9:00, Bob wrote:</p>"
        b"<blockquote><p>Shall I?</p></blockquote>"
    )
    assert mail.reply == "Yes, please."
    assert "> Shall I?" in mail.quoted


def test_one_broken_part_does_not_lose_the_others() -> None:
    mail = read_mail(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: no type\nContent-Transfer-Encoding: rot\n\n"
        b"first\n--b\nContent-Transfer-Encoding: base64\n\n*** not base64 **=\n--b\n\nthird\n--b\n"
        b"Content-Type: multipart/mixed\n\nfourth\n--b--\n"
    )
    assert all(word in mail.text for word in ("first", "third", "fourth"))
    assert any("rot" in defect for defect in mail.defects)


def test_a_nul_and_a_lone_surrogate_do_not_reach_the_database() -> None:
    mail = read_mail(b"From: a@b\nSubject: x\x00y =?utf-16-be?q?=D8=00?= z\n\nbody\x00")
    assert mail.subject.startswith("x\ufffdy")
    assert mail.subject.encode()
    assert mail.text == "body\ufffd"


def test_a_forwarded_message_is_marked_as_such() -> None:
    mail = read_mail(
        b"From: a@b\n\nPlease see below.\n\n---------- Forwarded message ----------\nFrom: c@d\n\nInvoice"
    )
    assert (mail.reply, mail.is_forward) == ("Please see below.", True)
    assert mail.quoted.endswith("Invoice")


def test_plain_text_goes_before_html_only_inside_an_alternative() -> None:
    mail = read_mail(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>Body</p>\n"
        b"--b\nContent-Type: text/plain\n\nlist footer\n--b--\n"
    )
    assert mail.text == "Body\n\nlist footer"


@pytest.mark.parametrize(
    ("date", "problem"),
    [
        (None, "no date"),
        (" ", "no date"),
        ("yesterday", "cannot be read"),
        ("1 Jan 1900 00:00 +0000", "absurd"),
    ],
)
def test_a_date_that_is_none_says_why(date: str | None, problem: str) -> None:
    value, reason = sent_date(date)
    assert value is None
    assert problem in (reason or "")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/etc/passwd", "passwd"),
        ("..\\..\\evil.exe", "evil.exe"),
        ("..", None),
        ("a\u202egpj.exe", "agpj.exe"),
        ("=?utf-8?q?caf=C3=A9.txt?=", "café.txt"),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
        (" ", None),
    ],
)
def test_a_name_is_a_base_name(name: str, expected: str | None) -> None:
    assert base_name(name) == expected


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ('"Shop, Support" <s@x.y>, b@x.y', [("Shop, Support", "s@x.y"), ("", "b@x.y")]),
        ("MAILER@x.y (Mail System)", [("Mail System", "MAILER@x.y")]),
        ("team: a@x.y, B <b@x.y>;", [("", "a@x.y"), ("B", "b@x.y")]),
        ("undisclosed-recipients:;", []),
        ("=?utf-8?q?M=C3=BCller=2C_Anna?= <a@x.y>", [("Müller, Anna", "a@x.y")]),
        ('"A \\"B\\" C" <a@x.y>', [('A "B" C', "a@x.y")]),
    ],
)
def test_addresses_are_split_where_they_end(field: str, expected: list[tuple[str, str]]) -> None:
    assert addresses(field) == expected


def test_encoded_words_may_share_a_character() -> None:
    assert decode_words("=?utf-8?b?44E=?= =?utf-8?b?vg==?= tail") == "ま tail"


def test_message_ids_are_taken_out_of_what_surrounds_them() -> None:
    assert message_ids("Your mail of Monday <a@b> and <c @d>") == ("<a@b>", "<c@d>")
    assert len(message_ids("".join(f"<{at}@x>" for at in range(900)))) == 200


@given(st.binary(max_size=600))
def test_reading_never_raises_on_arbitrary_bytes(data: bytes) -> None:
    assert read_mail(data).text.encode() is not None
    assert read_headers(data).subject.encode() is not None


@given(
    st.lists(
        st.sampled_from(
            [
                b"From: a@b\n",
                b"Subject: =?utf-8?q?x",
                b"Content-Type: multipart/mixed; boundary=b\n",
                b"\n",
                b"--b\n",
                b"--b--\n",
                b"Content-Type: text/html\n",
                b"Content-Transfer-Encoding: base64\n",
                b"<p>\x00\xff",
                b"; ",
                b"Content-Disposition: attachment; filename*0*=x''%",
                b"Date: 1\n",
                b"To: <<(\n",
                b"Content-Type: ",
                b"=?",
            ]
        ),
        max_size=30,
    )
)
def test_reading_never_raises_on_what_looks_like_mail(pieces: list[bytes]) -> None:
    mail = read_mail(b"".join(pieces))
    assert mail.subject.encode() is not None
    assert all(item.name is None or item.name.encode() for item in mail.attachments)
