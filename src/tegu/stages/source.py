"""What a run is about, as its stages see it: a Document or a MailThread, read once and remembered.

Called by the performer for every stage that has `source` among its inputs. Invariants: bytes are only read in intake's
sandbox; the same (sha256, media type, parser version) is read once and its text stored, also when it cannot be read
for good; a thread is seen as it stood when the run was started, whatever arrives later.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID
from weakref import WeakValueDictionary

from tegu.domain.content import Content, Document, MailMessage, MailThread
from tegu.domain.errors import ErrorInfo, IntakeError, StageError
from tegu.domain.json import JsonObject, json_hash
from tegu.intake.documents import PARSER_VERSION
from tegu.intake.sandbox import Limits
from tegu.pipeline.task import StageTask
from tegu.stages.reading import MAIL, Reading, ReadingCache, read_content, read_mails, remembered
from tegu.storage.sources import StoredText
from tegu.turns import Asker, on_behalf

CACHE_CHARACTERS_MAX = 64_000_000
PASSING_CODES = frozenset({"timeout"})
"""Reading that took too long may do better on an idle machine; everything else fails the same way each time."""
_TOGETHER_BYTES_MAX = 32_000_000
_Key = tuple[UUID, str, str, str]


class ContentStore(Protocol):
    """Where contents, their bytes and their stored text are. Implemented by `storage.sources.SourceStore`."""

    async def content(self, organization_id: UUID, content_id: UUID) -> Content:
        """Raises NotFoundError."""
        ...

    async def thread(self, organization_id: UUID, thread_id: UUID) -> tuple[str, tuple[Content, ...]]:
        """Subject and e-mails, oldest first. Raises NotFoundError."""
        ...

    async def data(self, organization_id: UUID, sha256: str) -> bytes:
        """The bytes. Raises NotFoundError."""
        ...

    async def text(
        self, organization_id: UUID, sha256: str, media_type: str, parser_version: str
    ) -> StoredText | None:
        """What reading these bytes gave, if they were read before."""
        ...

    async def store_text(
        self,
        organization_id: UUID,
        sha256: str,
        media_type: str,
        parser_version: str,
        *,
        document: JsonObject | None,
        error: ErrorInfo | None,
    ) -> None:
        """Remember what reading gave: exactly one of document and error."""
        ...


@dataclass(frozen=True, slots=True)
class SourceText:
    """What a run is about, read. Evidence points into `text`; `hash` names the bytes and the reader of it."""

    value: Document | MailThread
    text: str
    hash: str
    content: Content | None = None


class Sources:
    """Reads what runs are about. One for the process: it holds the texts that were used last."""

    def __init__(
        self,
        store: ContentStore,
        *,
        limits: Limits | None = None,
        cache_characters_max: int = CACHE_CHARACTERS_MAX,
        parser_version: str = PARSER_VERSION,
    ) -> None:
        self._store = store
        self._limits = limits or Limits()
        self._cache = ReadingCache(cache_characters_max)
        self._parser_version = parser_version
        self._locks: WeakValueDictionary[tuple[object, ...], asyncio.Lock] = WeakValueDictionary()

    async def document(self, task: StageTask) -> Document:
        """The text of the run's content. Raises IntakeError, NotFoundError, StageError."""
        content = await self._content(task)
        return _document(await self._reading(content), content)

    async def mail_thread(self, task: StageTask) -> MailThread:
        """The run's e-mails; a content that is one e-mail is a thread of one. Raises as `document` does."""
        return (await self._thread(task))[0]

    async def document_text(self, task: StageTask) -> SourceText:
        """`document`, with its text and hash."""
        content = await self._content(task)
        document = _document(await self._reading(content), content)
        return SourceText(document, document.text, self._hash((content,)), content)

    async def thread_text(self, task: StageTask) -> SourceText:
        """`mail_thread`, with its text and hash."""
        thread, contents = await self._thread(task)
        return SourceText(thread, thread.text, self._hash(contents))

    async def _content(self, task: StageTask) -> Content:
        if task.content_id is None:
            raise StageError(
                f"pipeline {task.definition.name!r} reads one content, and the run is about a mail thread",
                code="wrong_input",
                hint="start it with a content, or say `input: mail_thread` in the pipeline",
            )
        return await self._store.content(task.organization_id, task.content_id)

    async def _thread(self, task: StageTask) -> tuple[MailThread, tuple[Content, ...]]:
        if task.thread_id is None:
            contents = (await self._content(task),)
            _require_mail(contents[0])
            subject = None
        else:
            subject, found = await self._store.thread(task.organization_id, task.thread_id)
            contents = tuple(item for item in found if item.created_at <= task.pinned_at) or found
        async with self._lock((task.organization_id, task.thread_id or task.content_id)):
            messages = await self._messages(contents)
        title = subject if subject is not None else messages[0].subject
        return MailThread(title, messages, task.thread_id), contents

    async def _messages(self, contents: Sequence[Content]) -> tuple[MailMessage, ...]:
        """The mails; those that nobody has read yet are read together, in few child processes."""
        waiting: list[Content] = []
        size_bytes = 0
        for content in contents:
            _require_mail(content)
            if await self._is_unread(content):
                waiting.append(content)
                size_bytes += content.size_bytes
            if size_bytes > _TOGETHER_BYTES_MAX:
                await self._read_together(waiting)
                waiting, size_bytes = [], 0
        if len(waiting) > 1:
            await self._read_together(waiting)
        return tuple([await self._message(content) for content in contents])

    async def _is_unread(self, content: Content) -> bool:
        try:
            return await self._remembered(content) is None
        except IntakeError:
            return False

    async def _message(self, content: Content) -> MailMessage:
        try:
            reading = await self._reading(content)
        except IntakeError as error:
            raise IntakeError(
                f"e-mail {content.message_id or content.name or content.id} of the thread cannot be read: "
                f"{error.message}",
                code=error.code,
                hint=error.hint,
            ) from error
        if reading.mail is None:
            raise _wrong_input(content)
        return replace(reading.mail, content_id=content.id)

    async def _read_together(self, contents: Sequence[Content]) -> None:
        data = [await self._store.data(item.organization_id, item.sha256) for item in contents]
        with on_behalf(Asker(contents[0].organization_id)):
            readings = await read_mails(data, self._limits)
        for content, reading in zip(contents, readings, strict=True):
            await self._remember(content, reading)

    async def _reading(self, content: Content) -> Reading:
        """Memory, then the store, then the sandbox. Stages that ask at once wait for one reading."""
        async with self._lock(self._key(content)):
            found = await self._remembered(content)
            if found is not None:
                return found
            data = await self._store.data(content.organization_id, content.sha256)
            try:
                with on_behalf(Asker(content.organization_id)):
                    reading = await read_content(data, content.media_type, self._limits)
            except IntakeError as error:
                await self._remember(content, error)
                raise
            await self._remember(content, reading)
            return reading

    async def _remembered(self, content: Content) -> Reading | None:
        """Raises the IntakeError that reading it ended in before."""
        key = self._key(content)
        found = self._cache.get(key)
        if found is not None:
            return found
        stored = await self._store.text(*key)
        reading = remembered(stored) if stored is not None else None
        if reading is not None:
            self._cache.put(key, reading)
        return reading

    async def _remember(self, content: Content, found: Reading | IntakeError) -> None:
        key = self._key(content)
        if isinstance(found, IntakeError):
            if found.code not in PASSING_CODES:
                await self._store.store_text(*key, document=None, error=ErrorInfo.of(found))
            return
        await self._store.store_text(*key, document=found.to_json(), error=None)
        self._cache.put(key, found)

    def _lock(self, key: tuple[object, ...]) -> asyncio.Lock:
        return self._locks.setdefault(key, asyncio.Lock())

    def _key(self, content: Content) -> _Key:
        return (content.organization_id, content.sha256, content.media_type, self._parser_version)

    def _hash(self, contents: Sequence[Content]) -> str:
        return json_hash([self._parser_version, *([item.sha256, item.media_type] for item in contents)])


def _document(reading: Reading, content: Content) -> Document:
    """Under the name of the content that is asked for: equal bytes may have many."""
    return replace(reading.document, name=content.name, content_id=content.id)


def _require_mail(content: Content) -> None:
    if content.media_type != MAIL:
        raise _wrong_input(content)


def _wrong_input(content: Content) -> StageError:
    return StageError(
        f"content {content.name or content.id} is {content.media_type}, and the pipeline reads e-mails",
        code="wrong_input",
        hint="start it with an e-mail or a mail thread, or say `input: content` in the pipeline",
    )
