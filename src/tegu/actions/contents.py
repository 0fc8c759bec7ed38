"""Ingest: bytes in, contents and mail threads out, all or nothing.

Called by the app for the library and the command line. Invariant: when it returns, everything is on disk; when it
raises, nothing of this input is.
"""

import asyncio
import hashlib
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.content import Content, SourceType
from tegu.domain.errors import IntakeError, NotFoundError, UsageError
from tegu.domain.json import JsonObject, storable, storable_text
from tegu.intake.documents import PARSER_VERSION
from tegu.intake.mail import ParsedMail, mail_metadata
from tegu.intake.sandbox import open_mail, open_mails, split_mailbox
from tegu.intake.sniff import MAIL, MBOX, SIZE_LIMIT_BYTES, sniff
from tegu.intake.thread import linked_ids
from tegu.stages.reading import Reading, mail_reading
from tegu.storage import contents as store
from tegu.storage.transaction import Transaction

Source = Path | bytes | str
"""A file's path, bytes, or text."""
EXTERNAL_ID_BYTES_MAX = 1000
_SHORT_MAILS_MAX = 50
"""Messages that are stored in about as long as anything else takes."""


@dataclass(frozen=True, slots=True)
class MailThreadFacts:
    """A thread that ingested e-mails belong to."""

    id: UUID
    subject: str
    messages: int


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of one input. `messages` are the e-mails in it (itself, or those of a mailbox)."""

    content: Content
    is_new: bool
    messages: tuple[Content, ...] = ()
    attachments: tuple[Content, ...] = ()
    threads: tuple[MailThreadFacts, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail that was opened, and its text where that was read too."""

    data: bytes
    parsed: ParsedMail
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class ReadInput:
    """An input, read but not stored: all that takes time is done."""

    data: bytes
    media_type: str
    name: str | None
    source_type: SourceType
    mails: tuple[Mail, ...] = ()
    warnings: tuple[str, ...] = ()
    metadata: JsonObject = field(default_factory=JsonObject)
    external_id: str | None = None


@dataclass(slots=True)
class _Stored:
    messages: list[Content] = field(default_factory=list[Content])
    attachments: list[Content] = field(default_factory=list[Content])


async def ingest(
    scope: Scope,
    source: Source,
    *,
    source_type: SourceType | None = None,
    name: str | None = None,
    metadata: JsonObject | None = None,
    external_id: str | None = None,
) -> Ingested:
    """Store a file, bytes or text; an e-mail with its attachments, a mailbox with its messages, threaded.

    Raises IntakeError for what cannot be read, ConflictError when the external id names something else.
    """
    read = await read_input(
        source, source_type=source_type, name=name, metadata=metadata, external_id=external_id
    )
    return await store_input(scope, read)


async def read_input(
    source: Source,
    *,
    source_type: SourceType | None = None,
    name: str | None = None,
    metadata: JsonObject | None = None,
    external_id: str | None = None,
    with_texts: bool = False,
) -> ReadInput:
    """Read what `store_input` will store. `with_texts` reads the e-mails' texts too, so that storing only stores."""
    if external_id is not None:
        check_external_id(external_id)
    read = await _read(source, name)
    mails = read.mails
    if with_texts:
        mails = tuple([replace(mail, reading=await mail_reading(mail.parsed)) for mail in mails])
    return replace(
        read,
        source_type=source_type or read.source_type,
        metadata=metadata or {},
        external_id=external_id,
        mails=mails,
    )


async def store_input(scope: Scope, read: ReadInput) -> Ingested:
    """Store what was read, in one transaction. Raises ConflictError when the external id names something else."""
    # A mailbox of thousands of messages takes seconds; several at once would leave no connection to anybody.
    turn = scope.machinery.database.long_transactions if len(read.mails) > _SHORT_MAILS_MAX else nullcontext()
    async with turn, scope.transaction() as connection:
        content, is_new = await store.store_content(connection, scope.organization_id, _new(read))
        stored = _Stored()
        if read.media_type == MAIL:
            stored.messages.append(content)
            if is_new:
                await _store_parts(connection, content, read.mails[0], stored)
            else:
                stored.attachments += await store.children_of(connection, scope.organization_id, content.id)
        elif read.media_type == MBOX:
            await _store_messages(connection, content, read, stored)
        ids = [message.id for message in stored.messages]
        threads = await store.threads_of(connection, scope.organization_id, ids) if ids else {}
    return Ingested(
        content=content,
        is_new=is_new,
        messages=tuple(stored.messages),
        attachments=tuple(stored.attachments),
        threads=tuple(MailThreadFacts(*facts) for facts in threads.values()),
        warnings=read.warnings,
    )


async def get_content(scope: Scope, content_id: UUID) -> Content:
    """One content. Raises NotFoundError."""
    if scope.rows.contents is not None and content_id not in scope.rows.contents:
        raise NotFoundError(
            f"there is no content {content_id}", hint="the token opens one run or review alone"
        )
    async with scope.transaction() as connection:
        content = await store.get_content(connection, scope.organization_id, content_id)
    if content is None:
        raise NotFoundError(f"there is no content {content_id}", hint="ingest it first: `tegu ingest FILE`")
    return content


async def bytes_of(scope: Scope, content: Content, start: int, size: int) -> bytes:
    """Some of its bytes. Raises NotFoundError where there are none: it was deleted."""
    async with scope.transaction() as connection:
        found = await store.bytes_of(connection, scope.organization_id, content.sha256, start, size)
    if not found:
        raise NotFoundError(f"content {content.id} has no bytes any more", hint="it was deleted")
    return found


async def list_contents(
    scope: Scope,
    *,
    source_type: SourceType | None = None,
    thread_id: UUID | None = None,
    parent_id: UUID | None = None,
    external_id: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
) -> list[Content]:
    """The newest contents, or the oldest, after a row."""
    async with scope.transaction() as connection:
        return await store.list_contents(
            connection,
            scope.organization_id,
            source_type=source_type,
            thread_id=thread_id,
            parent_id=parent_id,
            external_id=external_id,
            after=after,
            limit=limit,
            is_oldest_first=is_oldest_first,
        )


def check_external_id(text: str) -> None:
    """Raises UsageError for an id of the host application's that no database holds, or that is too long."""
    if not text:
        raise UsageError("the external id is empty", hint="leave it out, or name something")
    if storable_text(text) != text:
        raise UsageError(
            "the external id holds a character that cannot be stored (NUL or half a surrogate pair)"
        )
    if len(text.encode()) > EXTERNAL_ID_BYTES_MAX:
        raise UsageError(
            f"the external id has {len(text)} characters; at most {EXTERNAL_ID_BYTES_MAX} bytes are allowed"
        )


async def _read(source: Source, name: str | None) -> ReadInput:
    if isinstance(source, Path):
        name = source.name if name is None else name
        data = await asyncio.to_thread(_file_bytes, source)
    else:
        data = source.encode("utf-8", "replace") if isinstance(source, str) else source
    name = storable_text(name) if name else None
    media_type = await asyncio.to_thread(sniff, data, name)
    source_type = _source_type(source, media_type)
    if media_type == MAIL:
        mail = await open_mail(data)
        return ReadInput(data, media_type, name, source_type, (Mail(data, mail),), mail.defects[:5])
    if media_type == MBOX:
        return await _read_mailbox(data, name)
    return ReadInput(data, media_type, name, source_type)


async def _read_mailbox(data: bytes, name: str | None) -> ReadInput:
    raw = await split_mailbox(data)
    parsed = await open_mails(raw)
    mails = tuple(Mail(d, m) for d, m in zip(raw, parsed, strict=True) if isinstance(m, ParsedMail))
    broken = [f"message {i}: {m.message}" for i, m in enumerate(parsed, 1) if isinstance(m, IntakeError)]
    if not mails:
        raise IntakeError(
            f"{name or 'the mailbox'} has no message that can be read",
            code="undecodable",
            hint=broken[0] if broken else "is it a mailbox?",
        )
    return ReadInput(data, MBOX, name, SourceType.EMAIL, mails, tuple(broken))


def _file_bytes(path: Path) -> bytes:
    with readable(path) as file:
        return file.read(SIZE_LIMIT_BYTES + 1)  # one more than allowed, for `sniff` to refuse


@contextmanager
def readable(path: Path) -> Generator[BinaryIO]:
    """The open file. Raises IntakeError for one that cannot be read."""
    try:
        if path.is_dir():
            raise IntakeError(
                f"{str(path)!r} is a folder", code="not_a_file", hint="name its files: FOLDER/*"
            )
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise IntakeError(
            f"there is no file {str(path)!r}", code="not_found", hint="check the path"
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a name with NUL
        why = error.strerror if isinstance(error, OSError) else error
        raise IntakeError(f"{str(path)!r} cannot be read: {why}", code="unreadable") from error


def _source_type(source: Source, media_type: str) -> SourceType:
    if media_type in {MAIL, MBOX}:
        return SourceType.EMAIL
    return SourceType.FILE if isinstance(source, Path) else SourceType.API


def _new(read: ReadInput) -> store.NewContent:
    clean = storable(read.metadata)
    assert isinstance(clean, dict)
    mail = read.mails[0].parsed if read.media_type == MAIL else None
    return store.NewContent(
        source_type=read.source_type,
        media_type=read.media_type,
        sha256=_sha256(read.data),
        data=read.data,
        name=read.name,
        metadata=clean | (mail_metadata(mail) if mail else {}),
        external_id=read.external_id,
        mail=_facts(mail) if mail else None,
    )


async def _store_messages(
    connection: Transaction, mailbox: Content, read: ReadInput, stored: _Stored
) -> None:
    for position, mail in enumerate(read.mails, 1):
        parsed = mail.parsed
        new = store.NewContent(
            source_type=SourceType.EMAIL,
            media_type=MAIL,
            sha256=_sha256(mail.data),
            data=mail.data,
            name=parsed.subject or None,
            metadata=mail_metadata(parsed),
            parent_id=mailbox.id,
            position=position,
            mail=_facts(parsed),
        )
        message, is_new = await store.store_content(connection, mailbox.organization_id, new)
        stored.messages.append(message)
        if is_new:
            await _store_parts(connection, message, mail, stored)
        elif message.parent_id != mailbox.id:
            await store.link_to_mailbox(connection, message, mailbox.id)


async def _store_parts(connection: Transaction, message: Content, mail: Mail, stored: _Stored) -> None:
    """The attachments, and the text: the e-mail is open already, so that no stage need open it again."""
    reading = mail.reading or await mail_reading(mail.parsed)
    await store.store_text(connection, message, PARSER_VERSION, reading.to_json())
    for position, attachment in enumerate(mail.parsed.attachments, 1):
        new = store.NewContent(
            source_type=SourceType.EMAIL,
            media_type=_attachment_type(attachment.data, attachment.name, attachment.media_type),
            sha256=_sha256(attachment.data),
            data=attachment.data,
            name=attachment.name,
            metadata={"inline": attachment.inline, "declared_type": attachment.media_type},
            parent_id=message.id,
            position=position,
        )
        child, _ = await store.store_content(connection, message.organization_id, new)
        stored.attachments.append(child)


def _attachment_type(data: bytes, name: str | None, declared: str) -> str:
    """What the bytes are; what the sender says where we cannot read them: an attachment is kept in any case."""
    try:
        return sniff(data, name)
    except IntakeError:
        return declared


def _facts(mail: ParsedMail) -> store.MailFacts:
    return store.MailFacts(mail.message_id, linked_ids(mail), mail.subject, mail.sent_at)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
