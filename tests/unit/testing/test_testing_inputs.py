"""`tegu.testing.document` and `mail_thread`: what stages see, from what a test has at hand."""

from pathlib import Path

import pytest

from tegu import IntakeError, MailMessage, UsageError, testing

MAIL = b"""\
From: Maria Lopez <maria@customer.example>
To: support@shop.example
Subject: Refund for order A-1001
Date: Mon, 2 Mar 2026 08:15:00 +0000
Message-ID: <one@customer.example>

My kettle arrived broken.
"""
ANSWER = b"""\
From: support@shop.example
To: maria@customer.example
Subject: Re: Refund for order A-1001
Date: Mon, 2 Mar 2026 09:30:00 +0000
Message-ID: <two@shop.example>
In-Reply-To: <one@customer.example>

We are sorry.
"""


def test_a_text_is_a_document_as_it_stands() -> None:
    document = testing.document("Total: 12 EUR", name="bill.txt", metadata={"from": "post"})
    assert (document.text, document.name, document.metadata) == (
        "Total: 12 EUR",
        "bill.txt",
        {"from": "post"},
    )


def test_a_file_is_read_by_what_its_bytes_are(tmp_path: Path) -> None:
    (tmp_path / "page.bin").write_bytes(
        b"<!doctype html><html><body><p>Total: <b>12 EUR</b></p></body></html>"
    )
    document = testing.document(tmp_path / "page.bin")
    assert (document.text.strip(), document.media_type) == ("Total: 12 EUR", "text/html")


def test_plain_texts_become_a_thread_of_customer_and_support() -> None:
    thread = testing.mail_thread("Where is it?", "On its way.", "Thanks!", subject="Order A-1")
    assert [message.subject for message in thread.messages] == ["Order A-1", "Re: Order A-1", "Re: Order A-1"]
    assert [message.sender.partition("@")[0] for message in thread.messages] == [
        "customer",
        "support",
        "customer",
    ]
    assert thread.text.index("Where is it?") < thread.text.index("On its way.") < thread.text.index("Thanks!")


def test_mails_are_read_and_ordered_as_in_production(tmp_path: Path) -> None:
    (tmp_path / "answer.eml").write_bytes(ANSWER)
    thread = testing.mail_thread(tmp_path / "answer.eml", MAIL)
    assert thread.subject == "Refund for order A-1001"
    assert [message.reply.strip() for message in thread.messages] == [
        "My kettle arrived broken.",
        "We are sorry.",
    ]
    box = b"".join(b"From x@y.example Mon Mar  2 08:15:00 2026\n" + mail + b"\n" for mail in (MAIL, ANSWER))
    (tmp_path / "thread.mbox").write_bytes(box)
    assert testing.mail_thread(tmp_path / "thread.mbox") == thread


def test_a_message_made_by_hand_is_taken_as_it_is() -> None:
    message = MailMessage("Hello", "a@b.example", (), None, "body", "body")
    assert testing.mail_thread(message).messages == (message,)


def test_what_is_no_mail_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("just notes", "utf-8")
    with pytest.raises(IntakeError, match=r"notes\.txt is text/plain, and no e-mail"):
        testing.mail_thread(tmp_path / "notes.txt")
    with pytest.raises(IntakeError, match="cannot be read"):
        testing.mail_thread(tmp_path / "missing.eml")
    with pytest.raises(UsageError, match="at least one e-mail"):
        testing.mail_thread()
