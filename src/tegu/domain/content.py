"""Content and mail: what comes in, and how stages see it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tegu.domain.json import JsonObject


class SourceType(StrEnum):
    """How a content reached us."""

    FILE = "file"
    EMAIL = "email"
    API = "api"
    MANUAL = "manual"


class InputKind(StrEnum):
    """What a pipeline is applied to."""

    CONTENT = "content"
    MAIL_THREAD = "mail_thread"


@dataclass(frozen=True, slots=True)
class Content:
    """One piece of input. Immutable, not undeletable."""

    id: UUID
    organization_id: UUID
    source_type: SourceType
    media_type: str
    sha256: str
    size_bytes: int
    name: str | None
    metadata: JsonObject
    created_at: datetime
    parent_id: UUID | None = None
    thread_id: UUID | None = None
    message_id: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, slots=True)
class ThreadEntry:
    """A mail thread as it stands in a list: how many e-mails it has, and when its first was stored."""

    id: UUID
    subject: str
    messages: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class TextPart:
    """A named stretch [start, end) of a document's text: a page, a header block, a body, a quoted reply."""

    kind: str
    start: int
    end: int
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The text of one content, as stages see it. Offsets of `parts` count characters of `text`."""

    text: str
    media_type: str = "text/plain"
    name: str | None = None
    parts: tuple[TextPart, ...] = ()
    metadata: JsonObject = field(default_factory=JsonObject)
    content_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class MailMessage:
    """One e-mail, as stages see it. `text` is the body; `reply` is the part of it that the sender wrote anew."""

    subject: str
    sender: str
    recipients: tuple[str, ...]
    sent_at: datetime | None
    text: str
    reply: str
    message_id: str | None = None
    attachment_names: tuple[str, ...] = ()
    content_id: UUID | None = None


_BETWEEN_MESSAGES = "\n\n"


@dataclass(frozen=True, slots=True)
class MailThread:
    """E-mails that answer each other, oldest first."""

    subject: str
    messages: tuple[MailMessage, ...]
    id: UUID | None = None

    @property
    def text(self) -> str:
        """The thread as one text, which is what models read and evidence spans point into.

        What a message quotes is left out where the thread has it; what the oldest one quotes is nowhere else.
        """
        return _BETWEEN_MESSAGES.join(self._texts())

    @property
    def parts(self) -> tuple[TextPart, ...]:
        """Where each message stands in `text`, under its sender."""
        found: list[TextPart] = []
        start = 0
        for message, text in zip(self.messages, self._texts(), strict=True):
            found.append(TextPart("message", start, start + len(text), message.sender))
            start += len(text) + len(_BETWEEN_MESSAGES)
        return tuple(found)

    def _texts(self) -> list[str]:
        texts = (message.reply if index else message.text for index, message in enumerate(self.messages))
        return [_render(message, text) for message, text in zip(self.messages, texts, strict=True)]


def _render(message: MailMessage, text: str) -> str:
    sent = message.sent_at.isoformat(sep=" ", timespec="minutes") if message.sent_at else "date unknown"
    lines = [f"From: {message.sender}", f"Date: {sent}", f"Subject: {message.subject}"]
    if message.recipients:
        lines.insert(1, f"To: {', '.join(message.recipients)}")
    if message.attachment_names:
        lines.append(f"Attachments: {', '.join(message.attachment_names)}")
    return "\n".join(lines) + "\n\n" + text.strip()
