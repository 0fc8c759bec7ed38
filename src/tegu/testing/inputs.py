"""Inputs for tests: documents, mail threads and whole contents, from texts, files and objects, without a database.

Called by users' tests and by `running`. Invariant: bytes are read by the same readers as in production, but in this
process and without its limits: they are for a test's own data, which is trusted.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from tegu.domain.content import Content, Document, InputKind, MailMessage, MailThread, SourceType
from tegu.domain.errors import ErrorInfo, IntakeError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.intake.mail import ParsedMail, mail_metadata, read_mail
from tegu.intake.sniff import MAIL, MBOX, sniff
from tegu.intake.thread import mail_message, threads
from tegu.intake.thread import mail_thread as thread_of
from tegu.stages.reading import Reading, mail_reading, settled
from tegu.storage.sources import StoredText
from tegu.testing.memory import NOW, ORGANIZATION, MemoryContents

RunSource = Path | bytes | str | Document | MailThread
"""A file's path, bytes, text, or what stages see."""
SENDER = "customer@example.com"
RECIPIENT = "support@example.com"


def document(
    source: Path | bytes | str, *, name: str | None = None, metadata: JsonObject | None = None
) -> Document:
    """A document as stages see it, of a text, or of a file that is read by what its bytes are. Raises IntakeError."""
    if isinstance(source, str):
        return Document(source, name=name, metadata=metadata or {})
    data, name = _bytes(source, name)
    found = read_document(data, sniff(data, name), name)
    return replace(found, metadata=found.metadata | (metadata or {}))


def mail_thread(*mails: Path | bytes | str | MailMessage, subject: str = "A question") -> MailThread:
    """A thread as stages see it: of .eml and .mbox files, of bytes, of messages, or of plain texts.

    A plain text becomes an e-mail about `subject`: the first, third, ... from the customer, the others from support.
    Raises IntakeError for what is no e-mail.
    """
    if not mails:
        raise UsageError("a mail thread has at least one e-mail", hint="mail_thread('My order is late.')")
    messages: list[MailMessage] = []
    parsed: list[ParsedMail] = []
    for number, mail in enumerate(mails):
        if isinstance(mail, MailMessage):
            messages.append(mail)
        elif isinstance(mail, str) and not _is_mail(mail):
            messages.append(_written(mail, subject, number))
        else:
            parsed += _parsed(mail)
    if not messages:
        return thread_of(parsed)
    messages += [mail_message(mail) for mail in parsed]
    return MailThread(messages[0].subject or subject, tuple(messages))


def read_document(data: bytes, media_type: str, name: str | None = None) -> Document:
    """Read bytes in this process. Raises IntakeError."""
    from tegu.intake.documents import read  # which imports the readers of every format

    return read(data, media_type, name)


@dataclass(frozen=True, slots=True)
class RunSubject:
    """What one run in memory is about."""

    contents: MemoryContents
    name: str
    content_id: UUID | None = None
    thread_id: UUID | None = None


@dataclass(slots=True)
class _Store:
    """Contents while they are put together."""

    metadata: JsonObject
    contents: MemoryContents = field(default_factory=MemoryContents)

    def add(
        self,
        media_type: str,
        found: Reading | IntakeError,
        *,
        data: bytes,
        name: str | None,
        source_type: SourceType,
        metadata: JsonObject | None = None,
        message_id: str | None = None,
    ) -> UUID:
        content = Content(
            id=new_id(),
            organization_id=ORGANIZATION,
            source_type=source_type,
            media_type=media_type,
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            name=name,
            metadata=self.metadata | (metadata or {}),
            created_at=NOW,
            message_id=message_id,
        )
        self.contents.contents[content.id] = content
        is_error = isinstance(found, IntakeError)
        self.contents.texts[content.sha256, media_type] = StoredText(
            None if is_error else found.to_json(), ErrorInfo.of(found) if is_error else None
        )
        return content.id

    def thread(self, subject: str, ids: Sequence[UUID]) -> UUID:
        thread_id = new_id()
        self.contents.threads[thread_id] = (subject, tuple(ids))
        return thread_id


async def subjects_of(
    source: RunSource, kind: InputKind, *, name: str | None = None, metadata: JsonObject | None = None
) -> tuple[RunSubject, ...]:
    """The runs that an input makes, as ingest and `inputs_of` do it. Raises IntakeError, UsageError."""
    store = _Store(metadata or {})
    match source:
        case Document():
            if kind is InputKind.MAIL_THREAD:
                raise _wrong(source.name or "the document", source.media_type)
            return (_of_document(store, source),)
        case MailThread():
            return _of_messages(store, source, kind)
        case _:
            data, name = _bytes(source, name)
            return await _of_bytes(store, data, name, kind, is_file=isinstance(source, Path))


async def _of_bytes(
    store: _Store, data: bytes, name: str | None, kind: InputKind, *, is_file: bool
) -> tuple[RunSubject, ...]:
    media_type = sniff(data, name)
    if media_type not in {MAIL, MBOX}:
        if kind is InputKind.MAIL_THREAD:
            raise _wrong(name or "the input", media_type)
        content_id = store.add(
            media_type,
            _read(data, media_type),
            data=data,
            name=name,
            source_type=SourceType.FILE if is_file else SourceType.API,
        )
        return (RunSubject(store.contents, name or str(content_id), content_id),)
    raw = _messages(data, media_type)
    mails = [read_mail(message) for message in raw]
    ids: dict[int, UUID] = {}
    for message, mail in zip(raw, mails, strict=True):
        ids[id(mail)] = store.add(
            MAIL,
            await mail_reading(mail),
            data=message,
            name=name if media_type == MAIL else mail.subject or None,
            source_type=SourceType.EMAIL,
            metadata=mail_metadata(mail),
            message_id=mail.message_id,
        )
    if kind is InputKind.CONTENT:
        return tuple(RunSubject(store.contents, mail.subject, ids[id(mail)]) for mail in mails)
    found: list[RunSubject] = []
    for thread in threads(mails):
        subject = next((mail.subject for mail in thread.messages if mail.subject), "")
        thread_id = store.thread(subject, [ids[id(mail)] for mail in thread.messages])
        found.append(RunSubject(store.contents, subject or name or "the input", thread_id=thread_id))
    return tuple(found)


def _of_document(store: _Store, source: Document) -> RunSubject:
    content_id = store.add(
        source.media_type,
        settled(Reading(source)),
        data=source.text.encode("utf-8", "replace"),
        name=source.name,
        source_type=SourceType.API,
        metadata=source.metadata,
    )
    return RunSubject(store.contents, source.name or str(content_id), content_id)


def _of_messages(store: _Store, thread: MailThread, kind: InputKind) -> tuple[RunSubject, ...]:
    ids: list[UUID] = []
    for number, message in enumerate(thread.messages):
        text = MailThread(message.subject, (message,)).text
        reading = Reading(Document(text, MAIL), message)
        ids.append(
            store.add(
                MAIL,
                settled(reading),
                data=f"{number}\n{text}".encode("utf-8", "replace"),
                name=message.subject or None,
                source_type=SourceType.EMAIL,
                metadata={"subject": message.subject, "sender": message.sender},
                message_id=message.message_id,
            )
        )
    if kind is InputKind.CONTENT:
        subjects = zip(thread.messages, ids, strict=True)
        return tuple(RunSubject(store.contents, message.subject, each) for message, each in subjects)
    return (RunSubject(store.contents, thread.subject, thread_id=store.thread(thread.subject, ids)),)


def _read(data: bytes, media_type: str) -> Reading | IntakeError:
    """What cannot be read fails the run's stages, not its start."""
    try:
        return settled(Reading(read_document(data, media_type)))
    except IntakeError as error:
        return error


def _parsed(source: Path | bytes | str) -> list[ParsedMail]:
    data, name = _bytes(source, None)
    media_type = sniff(data, name)
    if media_type not in {MAIL, MBOX}:
        raise IntakeError(
            f"{name or 'the input'} is {media_type}, and no e-mail",
            code="unknown_type",
            hint="give an .eml or .mbox file, or a plain text as str",
        )
    return [read_mail(message) for message in _messages(data, media_type)]


def _messages(data: bytes, media_type: str) -> tuple[bytes, ...]:
    if media_type == MAIL:
        return (data,)
    from tegu.intake.mbox import split_mbox

    return split_mbox(data)


def _written(text: str, subject: str, number: int) -> MailMessage:
    is_answer = number % 2 == 1
    return MailMessage(
        subject=f"Re: {subject}" if number else subject,
        sender=RECIPIENT if is_answer else SENDER,
        recipients=(SENDER if is_answer else RECIPIENT,),
        sent_at=datetime(2026, 1, 15, 9, 0, tzinfo=UTC) + timedelta(hours=number),
        text=text,
        reply=text,
        message_id=f"<{number + 1}@example.com>",
    )


def _is_mail(text: str) -> bool:
    try:
        return sniff(text.encode("utf-8", "replace"), None) in {MAIL, MBOX}
    except IntakeError:
        return False


def _bytes(source: Path | bytes | str, name: str | None) -> tuple[bytes, str | None]:
    match source:
        case Path():
            try:
                return source.read_bytes(), name or source.name
            except OSError as error:
                raise IntakeError(
                    f"{str(source)!r} cannot be read: {error.strerror}",
                    code="unreadable",
                    hint="check the path",
                ) from error
        case str():
            return source.encode("utf-8", "replace"), name
        case _:
            return source, name


def _wrong(name: str, media_type: str) -> UsageError:
    return UsageError(
        f"the pipeline takes mail threads, and {name!r} is {media_type}",
        hint="give it an .eml or .mbox file or testing.mail_thread(...), or say `input: content` in the pipeline",
    )
