"""Mails that answer each other, as threads.

Called by ingest and by whoever builds a MailThread from parsed mails. Messages are tied by References and In-Reply-To,
as in RFC 5256 (REFERENCES) without its last step: never by subject. Invariants: every message is in exactly one
thread, loops are cut, a message that is referred to and missing is a ghost that still ties its answers together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from tegu.domain.content import MailMessage, MailThread
from tegu.intake.mail import ParsedMail

_ANCESTORS = 10_000  # a longer chain than this is a loop or an attack
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class Linked(Protocol):
    """What threading looks at; MailHeaders and ParsedMail have it."""

    @property
    def message_id(self) -> str | None: ...
    @property
    def in_reply_to(self) -> str | None: ...
    @property
    def references(self) -> tuple[str, ...]: ...
    @property
    def sent_at(self) -> datetime | None: ...


Message = TypeVar("Message", bound=Linked)


@dataclass(frozen=True, slots=True)
class Thread(Generic[Message]):
    """Messages oldest first; `root_id` is the id that all descend from, also when that message is missing."""

    root_id: str
    messages: tuple[Message, ...]


@dataclass(slots=True)
class _Node:
    parent: str | None = None
    index: int | None = None  # None: a ghost
    children: list[str] = field(default_factory=list[str])


def linked_ids(message: Linked) -> tuple[str, ...]:
    """The ids that tie a message to a thread: its own, and those that it answers."""
    own = [message.message_id] if message.message_id else []
    answered = [message.in_reply_to] if message.in_reply_to else []
    return tuple(dict.fromkeys([*own, *message.references, *answered]))


def threads(messages: Sequence[Message]) -> tuple[Thread[Message], ...]:
    """Group messages into threads; the threads in the order of their oldest message."""
    nodes = _linked(messages)
    found: list[tuple[datetime, int, Thread[Message]]] = []
    for key, node in nodes.items():
        if node.parent is None and (order := _oldest_first(nodes, key, messages)):
            started = messages[order[0]].sent_at or _EARLIEST
            found.append((started, order[0], Thread(key, tuple(messages[at] for at in order))))
    return tuple(thread for _, _, thread in sorted(found, key=lambda item: item[:2]))


def mail_message(mail: ParsedMail, content_id: UUID | None = None) -> MailMessage:
    """A parsed mail as stages see it. A forwarded message is new to the thread, so it counts as written."""
    return MailMessage(
        subject=mail.subject,
        sender=f"{mail.sender_name} <{mail.sender}>" if mail.sender_name else mail.sender,
        recipients=mail.to + mail.cc,
        sent_at=mail.sent_at,
        text=mail.text,
        reply=mail.reply if mail.reply and not mail.is_forward else mail.text,
        message_id=mail.message_id,
        attachment_names=tuple(item.name or item.media_type for item in mail.attachments),
        content_id=content_id,
    )


def mail_thread(
    mails: Sequence[ParsedMail], content_ids: Sequence[UUID | None] = (), *, thread_id: UUID | None = None
) -> MailThread:
    """One thread of these mails, oldest first, whether or not they refer to each other."""
    ids = content_ids or [None] * len(mails)
    of = {id(mail): content_id for mail, content_id in zip(mails, ids, strict=True)}
    ordered = [mail for thread in threads(mails) for mail in thread.messages]
    ordered.sort(key=lambda mail: mail.sent_at or _EARLIEST)
    subject = next((mail.subject for mail in ordered if mail.subject), "")
    return MailThread(subject, tuple(mail_message(mail, of[id(mail)]) for mail in ordered), thread_id)


def _linked(messages: Sequence[Linked]) -> dict[str, _Node]:
    """Every id that is mentioned, with its parent. A second message of the same id stands alone."""
    nodes: dict[str, _Node] = {}
    for index, message in enumerate(messages):
        key = message.message_id
        if key is None or ((known := nodes.get(key)) is not None and known.index is not None):
            key = f"{key or ''}#{index}"
        chain = list(message.references) or ([message.in_reply_to] if message.in_reply_to else [])
        chain = [link for link in chain if link != key]
        for parent, child in pairwise(chain):
            if nodes.setdefault(child, _Node()).parent is None:
                _attach(nodes, child, parent)
        node = nodes.setdefault(key, _Node())
        node.index = index
        # What a message says of its own parent goes before what others said of it.
        node.parent = None
        if chain:
            _attach(nodes, key, chain[-1])
    for key, node in nodes.items():
        if node.parent is not None:
            nodes[node.parent].children.append(key)
    return nodes


def _attach(nodes: dict[str, _Node], child: str, parent: str) -> None:
    """Make it the parent, unless that closes a loop."""
    nodes.setdefault(child, _Node())
    nodes.setdefault(parent, _Node())
    above: str | None = parent
    for _ in range(_ANCESTORS):
        if above is None:
            nodes[child].parent = parent
            return
        if above == child:
            return
        above = nodes[above].parent


def _oldest_first(nodes: dict[str, _Node], root: str, messages: Sequence[Linked]) -> list[int]:
    """The messages under a root by date; an answer never stands before what it answers."""
    dated: list[tuple[datetime, int, int]] = []
    stack = [(root, _EARLIEST, 0)]
    while stack:
        key, not_before, depth = stack.pop()
        node = nodes[key]
        date = not_before
        if node.index is not None:
            date = max(messages[node.index].sent_at or not_before, not_before)
            dated.append((date, depth, node.index))
        stack.extend((child, date, depth + 1) for child in node.children)
    return [index for _, _, index in sorted(dated)]
