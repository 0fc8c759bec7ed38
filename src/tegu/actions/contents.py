"""Ingest: bytes in, contents and mail threads out, all or nothing.

Called by the app for the library and the command line. Invariant: when it returns, everything is on disk; when it
raises, nothing of this input is.
"""

import asyncio
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
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
from tegu.stages.reading import mail_reading
from tegu.storage import contents as store
from tegu.storage.database import Transaction

Source = Path | bytes | str
"""A file's path, bytes, or text."""
EXTERNAL_ID_BYTES_MAX = 1000


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
class _Read:
    """An input, read but not stored."""

    data: bytes
    media_type: str
    name: str | None
    mails: tuple[tuple[bytes, ParsedMail], ...] = ()
    warnings: tuple[str, ...] = ()


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
    if external_id is not None:
        _check_external_id(external_id)
    read = await _read(source, name)
    shown = source_type or _source_type(source, read.media_type)
    async with scope.database.transaction(scope.organization_id) as connection:
        new = _new(read, shown, metadata or {}, external_id)
        content, is_new = await store.store_content(connection, scope.organization_id, new)
        stored = _Stored()
        if read.media_type == MAIL:
            stored.messages.append(content)
            if is_new:
                await _store_parts(connection, content, read.mails[0][1], stored)
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
    async with scope.database.transaction(scope.organization_id) as connection:
        content = await store.get_content(connection, scope.organization_id, content_id)
    if content is None:
        raise NotFoundError(f"there is no content {content_id}", hint="ingest it first: `tegu ingest FILE`")
    return content


def _check_external_id(text: str) -> None:
    if storable_text(text) != text:
        raise UsageError(
            "the external id holds a character that cannot be stored (NUL or half a surrogate pair)"
        )
    if len(text.encode()) > EXTERNAL_ID_BYTES_MAX:
        raise UsageError(
            f"the external id has {len(text)} characters; at most {EXTERNAL_ID_BYTES_MAX} bytes are allowed"
        )


async def _read(source: Source, name: str | None) -> _Read:
    if isinstance(source, Path):
        name = name or source.name
        data = await asyncio.to_thread(_file_bytes, source)
    else:
        data = source.encode("utf-8", "replace") if isinstance(source, str) else source
    name = storable_text(name) if name else None
    media_type = await asyncio.to_thread(sniff, data, name)
    if media_type == MAIL:
        mail = await open_mail(data)
        return _Read(data, media_type, name, ((data, mail),), mail.defects[:5])
    if media_type == MBOX:
        return await _read_mailbox(data, name)
    return _Read(data, media_type, name)


async def _read_mailbox(data: bytes, name: str | None) -> _Read:
    raw = await split_mailbox(data)
    parsed = await open_mails(raw)
    mails = tuple((d, m) for d, m in zip(raw, parsed, strict=True) if isinstance(m, ParsedMail))
    broken = [f"message {i}: {m.message}" for i, m in enumerate(parsed, 1) if isinstance(m, IntakeError)]
    if not mails:
        raise IntakeError(
            f"{name or 'the mailbox'} has no message that can be read",
            code="undecodable",
            hint=broken[0] if broken else "is it a mailbox?",
        )
    return _Read(data, MBOX, name, mails, tuple(broken))


def _file_bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise IntakeError(
                f"{str(path)!r} is a folder", code="not_a_file", hint="name its files: FOLDER/*"
            )
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT_BYTES + 1)  # one more than allowed, for `sniff` to refuse
    except FileNotFoundError as error:
        raise IntakeError(
            f"there is no file {str(path)!r}", code="not_found", hint="check the path"
        ) from error
    except OSError as error:
        raise IntakeError(f"{str(path)!r} cannot be read: {error.strerror}", code="unreadable") from error


def _source_type(source: Source, media_type: str) -> SourceType:
    if media_type in {MAIL, MBOX}:
        return SourceType.EMAIL
    return SourceType.FILE if isinstance(source, Path) else SourceType.API


def _new(
    read: _Read, source_type: SourceType, metadata: JsonObject, external_id: str | None
) -> store.NewContent:
    clean = storable(metadata)
    assert isinstance(clean, dict)
    return store.NewContent(
        source_type=source_type,
        media_type=read.media_type,
        sha256=_sha256(read.data),
        data=read.data,
        name=read.name,
        metadata=clean | (mail_metadata(read.mails[0][1]) if read.media_type == MAIL else {}),
        external_id=external_id,
        mail=_facts(read.mails[0][1]) if read.media_type == MAIL else None,
    )


async def _store_messages(connection: Transaction, mailbox: Content, read: _Read, stored: _Stored) -> None:
    for position, (data, mail) in enumerate(read.mails, 1):
        new = store.NewContent(
            source_type=SourceType.EMAIL,
            media_type=MAIL,
            sha256=_sha256(data),
            data=data,
            name=mail.subject or None,
            metadata=mail_metadata(mail),
            parent_id=mailbox.id,
            position=position,
            mail=_facts(mail),
        )
        message, is_new = await store.store_content(connection, mailbox.organization_id, new)
        stored.messages.append(message)
        if is_new:
            await _store_parts(connection, message, mail, stored)


async def _store_parts(connection: Transaction, message: Content, mail: ParsedMail, stored: _Stored) -> None:
    """The attachments, and the text: the e-mail is open already, so that no stage need open it again."""
    reading = await mail_reading(mail)
    await store.store_text(connection, message, PARSER_VERSION, reading.to_json())
    for position, attachment in enumerate(mail.attachments, 1):
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
