"""The text that a run reads, which its evidence points into: of a content, of a mail thread as it stood when the run was
started, or of the value that a child was given.

Called by `declared.run_sources`. Invariant: it is built as stages build it (`stages.source`), from the same readings, so that offsets
of evidence are offsets of it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from tegu.actions.contents import get_content
from tegu.actions.scope import Scope
from tegu.actions.texts import reading_of
from tegu.actions.threads import get_thread
from tegu.domain.content import Content, InputKind, MailMessage, MailThread
from tegu.domain.errors import NotFoundError, UsageError
from tegu.intake.reply import REPLY, split_reply
from tegu.pipeline.child import RunInput
from tegu.stages.parts import stable_json
from tegu.storage.run_sources import RunAbout, about_run

LENGTH_MAX = 1_000_000
LENGTH_DEFAULT = 200_000
_HEAD_END = "\n\n"


@dataclass(frozen=True, slots=True)
class SourcePart:
    """A stretch [start, end) of the text: a page, an e-mail (with its sender and time), within it its headers, what it quotes
    and its signature.
    """

    kind: str
    start: int
    end: int
    label: str | None = None
    content_id: UUID | None = None
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunSource:
    """A stretch [start, end) of the text that a run reads, which has `characters` in all. `content_id` is there where it is the
    text of one content, whose pages and bytes can be had. Offsets of `parts` and of evidence count characters of the whole.
    """

    run_id: UUID
    content_id: UUID | None
    media_type: str | None
    text: str
    start: int
    end: int
    characters: int
    parts: tuple[SourcePart, ...]


async def source_of(scope: Scope, run_id: UUID, *, start: int = 0, length: int = LENGTH_DEFAULT) -> RunSource:
    """A stretch of what a run reads. Raises NotFoundError, and IntakeError for what cannot be read."""
    async with scope.transaction() as connection:
        about = await about_run(connection, scope.organization_id, run_id, scope.rows)
    if about is None:
        raise NotFoundError(f"there is no run {run_id}", hint="`tegu runs` lists the newest")
    if about.erased_at is not None:
        raise NotFoundError(f"what run {run_id} read was deleted", hint="its costs are kept, nothing else")
    text, parts, content = await _read(scope, about)
    end = min(len(text), start + length)
    return RunSource(
        run_id=run_id,
        content_id=content.id if content is not None else None,
        media_type=content.media_type if content is not None else None,
        text=text[start:end],
        start=start,
        end=max(start, end),
        characters=len(text),
        parts=tuple(part for part in parts if part.start < end and part.end > start),
    )


async def _read(scope: Scope, about: RunAbout) -> tuple[str, Sequence[SourcePart], Content | None]:
    data = RunInput.from_json(about.given).data
    if data is not None:
        return data.value if isinstance(data.value, str) else stable_json(data.value), (), None
    if about.kind is InputKind.MAIL_THREAD:
        messages = await _messages(scope, about)
        thread = MailThread("", messages)
        return thread.text, await asyncio.to_thread(lambda: list(_parts_of(thread))), None
    if about.content_id is None:
        raise UsageError("the run reads no content", hint="its children read what it gave them")
    content = await get_content(scope, about.content_id)
    document = (await reading_of(scope, content)).document
    parts = [SourcePart(part.kind, part.start, part.end, part.label) for part in document.parts]
    return document.text, parts, content


async def _messages(scope: Scope, about: RunAbout) -> tuple[MailMessage, ...]:
    if about.thread_id is not None:
        found = (await get_thread(scope, about.thread_id)).messages
        contents = tuple(each for each in found if each.created_at <= about.pinned_at) or found
    else:
        assert about.content_id is not None
        contents = (await get_content(scope, about.content_id),)
    messages: list[MailMessage] = []
    for content in contents:
        mail = (await reading_of(scope, content)).mail
        if mail is not None:
            messages.append(replace(mail, content_id=content.id))
    return tuple(messages)


def _parts_of(thread: MailThread) -> Iterator[SourcePart]:
    """E-mails, and what is within each: the outer before the inner."""
    text = thread.text
    for part, message in zip(thread.parts, thread.messages, strict=True):
        yield SourcePart("message", part.start, part.end, part.label, message.content_id, message.sent_at)
        body = text.find(_HEAD_END, part.start, part.end) + len(_HEAD_END)
        yield SourcePart("headers", part.start, body - len(_HEAD_END))
        for span in split_reply(text[body : part.end]).spans:
            if span.kind != REPLY:
                yield SourcePart(span.kind, body + span.start, body + span.end)
