"""One e-mail from its bytes: who, when, what was written anew, what is quoted, which files came with it.

Called in a child process through `sandbox.open_mail`, and directly for the header fields alone, which ingest needs to
find the thread. Invariant: neither function raises, whatever the bytes; what is wrong with a message is in `defects`.
"""

import re
from dataclasses import dataclass
from datetime import datetime

from tegu.domain.content import Document, TextPart
from tegu.domain.json import JsonObject
from tegu.intake.mail_header import Fields, addresses, message_ids, sent_date, split_fields
from tegu.intake.mail_part import MailParts, ParsedAttachment, read_parts
from tegu.intake.reply import ReplySplit, split_reply

_LEADING_BLANK = re.compile(rb"(?:[ \t]{0,1000}\r?\n){1,100}")
_SUBJECT_CHARS = 2_000


@dataclass(frozen=True, slots=True)
class MailHeaders:
    """What threading needs of a message."""

    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    subject: str
    sender: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """One e-mail. `sent_at` is in UTC, or None with `date_problem` saying why; `text` is the whole body, `reply` what
    the sender wrote anew, `quoted` what was quoted or forwarded (`is_forward`).
    """

    message_id: str | None
    in_reply_to: str | None
    references: tuple[str, ...]
    subject: str
    sender: str
    sender_name: str | None
    to: tuple[str, ...]
    cc: tuple[str, ...]
    sent_at: datetime | None
    date_problem: str | None
    text: str
    reply: str
    quoted: str
    is_forward: bool
    attachments: tuple[ParsedAttachment, ...]
    defects: tuple[str, ...]


def read_headers(data: bytes) -> MailHeaders:
    """Only the header block; cheap enough for the event loop (at most 256 KiB are looked at)."""
    fields, _ = _fields(data)
    _, sender = _sender(fields)
    references, in_reply_to = _links(fields)
    return MailHeaders(
        message_id=_first_id(fields, "message-id"),
        in_reply_to=in_reply_to,
        references=references,
        subject=_subject(fields),
        sender=sender,
        sent_at=sent_date(fields.text("date"))[0],
    )


def read_mail(data: bytes) -> ParsedMail:
    """Read a whole message. Native code and untrusted bytes: call it through `sandbox.open_mail`."""
    fields, start = _fields(data)
    content = _parts(fields, data[start:])
    split = split_reply(content.text)
    sender_name, sender = _sender(fields)
    references, in_reply_to = _links(fields)
    sent_at, date_problem = sent_date(fields.text("date"))
    return ParsedMail(
        message_id=_first_id(fields, "message-id"),
        in_reply_to=in_reply_to,
        references=references,
        subject=_subject(fields),
        sender=sender,
        sender_name=sender_name,
        to=_recipients(fields, "to"),
        cc=_recipients(fields, "cc"),
        sent_at=sent_at,
        date_problem=date_problem,
        text=content.text,
        reply=split.reply,
        quoted=split.quoted,
        is_forward=split.is_forward,
        attachments=content.attachments,
        defects=content.defects if fields.items else ("the message has no header fields", *content.defects),
    )


def mail_document(mail: ParsedMail, name: str | None = None) -> Document:
    """A mail as one text: its header block, then its body with parts for reply, quoted text and signature."""
    head = _head(mail)
    split: ReplySplit = split_reply(mail.text)
    start = len(head)
    parts = [TextPart("headers", 0, start - 2)]
    parts += [TextPart(span.kind, start + span.start, start + span.end) for span in split.spans]
    metadata: JsonObject = {
        "subject": mail.subject,
        "sender": mail.sender,
        "to": list(mail.to),
        "sent_at": mail.sent_at.isoformat() if mail.sent_at else None,
        "message_id": mail.message_id,
        "attachment_names": [attachment.name for attachment in mail.attachments if attachment.name],
    }
    return Document(head + mail.text, "message/rfc822", name, tuple(parts), metadata)


def mail_metadata(mail: ParsedMail) -> JsonObject:
    """What is kept of an e-mail's headers as the metadata of its content."""
    return {
        "subject": mail.subject,
        "sender": mail.sender,
        "to": list(mail.to),
        "cc": list(mail.cc),
        "sent_at": mail.sent_at.isoformat() if mail.sent_at else None,
        "date_problem": mail.date_problem,
        "defects": list(mail.defects),
    }


def _head(mail: ParsedMail) -> str:
    sent = mail.sent_at.isoformat(sep=" ", timespec="minutes") if mail.sent_at else "date unknown"
    sender = f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender
    lines = [f"From: {sender}", f"Date: {sent}", f"Subject: {mail.subject}"]
    if mail.to:
        lines.insert(1, f"To: {', '.join(mail.to)}")
    names = [attachment.name or attachment.media_type for attachment in mail.attachments]
    if names:
        lines.append(f"Attachments: {', '.join(names)}")
    return "\n".join(lines) + "\n\n"


def _fields(data: bytes) -> tuple[Fields, int]:
    """The header block; blank lines before it, which some archives leave, are skipped."""
    blank = _LEADING_BLANK.match(data)
    skipped = blank.end() if blank else 0
    fields, start = split_fields(data[skipped:])
    return fields, skipped + start


def _parts(fields: Fields, body: bytes) -> MailParts:
    try:
        return read_parts(fields, body)
    except (ValueError, LookupError, RecursionError) as error:
        # Not reached by any mail we know. Header fields are worth keeping when the body is beyond us.
        return MailParts("", False, (), (f"the body cannot be read: {error}"[:200],))


def _subject(fields: Fields) -> str:
    return (fields.text("subject") or "")[:_SUBJECT_CHARS]


def _sender(fields: Fields) -> tuple[str | None, str]:
    """Display name and address; the raw field where it holds no address."""
    for name in ("from", "sender"):
        found = addresses(fields.undecoded(name))
        if found:
            return found[0][0] or None, found[0][1]
    return None, (fields.text("from") or "")[:_SUBJECT_CHARS]


def _recipients(fields: Fields, name: str) -> tuple[str, ...]:
    return tuple(address for _, address in addresses(fields.undecoded(name)))


def _first_id(fields: Fields, name: str) -> str | None:
    return next(iter(message_ids(fields.text(name))), None)


def _links(fields: Fields) -> tuple[tuple[str, ...], str | None]:
    references = message_ids(fields.undecoded("references"))
    return references, _first_id(fields, "in-reply-to")
