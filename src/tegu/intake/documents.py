"""Bytes of a known media type to a Document: the one table of readers.

Called in a child process through `sandbox.read_document`, never on the event loop. Invariant: same bytes, same media
type and same PARSER_VERSION give the same text, which is why that text may be kept.
"""

from collections.abc import Mapping
from typing import Protocol

from tegu.domain.content import Document, TextPart
from tegu.domain.errors import IntakeError
from tegu.intake.mail import mail_document, read_mail
from tegu.intake.mbox import split_mbox
from tegu.intake.read_html import read_html
from tegu.intake.read_markdown import read_markdown
from tegu.intake.read_pdf import read_pdf
from tegu.intake.read_text import read_text

PARSER_VERSION = "1"
"""Part of the key of stored text: raise it when a reader gives other text for the same bytes."""

_MAILBOX_GAP = "\n\n"


class Reader(Protocol):
    """Reads one format. Raises IntakeError when the bytes cannot be read."""

    def __call__(self, data: bytes, name: str | None = None) -> Document: ...


def read(data: bytes, media_type: str, name: str | None = None) -> Document:
    """Read bytes as a media type that `sniff` names. Raises IntakeError."""
    reader = READERS.get(media_type)
    if reader is None:
        raise IntakeError(
            f"there is no reader for {media_type!r}",
            code="unknown_type",
            hint=f"there are readers for {', '.join(sorted(READERS))}",
        )
    return reader(data, name)


def _read_mail_document(data: bytes, name: str | None = None) -> Document:
    return mail_document(read_mail(data), name)


def _read_mailbox(data: bytes, name: str | None = None) -> Document:
    """All messages one after another, each a part; ingest makes children of them instead."""
    pieces: list[str] = []
    parts: list[TextPart] = []
    start = 0
    for message in split_mbox(data):
        mail = read_mail(message)
        text = mail_document(mail).text
        pieces.append(text)
        parts.append(TextPart("message", start, start + len(text), mail.subject[:200] or None))
        start += len(text) + len(_MAILBOX_GAP)
    return Document(
        _MAILBOX_GAP.join(pieces), "application/mbox", name, tuple(parts), {"messages": len(pieces)}
    )


READERS: Mapping[str, Reader] = {
    "text/plain": read_text,
    "text/markdown": read_markdown,
    "text/html": read_html,
    "application/pdf": read_pdf,
    "message/rfc822": _read_mail_document,
    "application/mbox": _read_mailbox,
}
