"""What runs are applied to: the contents and mail threads that inputs make.

Called by whoever starts runs. Invariant: an id is one of this organization, or there is no such thing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from tegu.actions.contents import Ingested
from tegu.actions.scope import Scope
from tegu.domain.content import Content, InputKind
from tegu.domain.errors import NotFoundError, UsageError
from tegu.intake.sniff import MBOX
from tegu.storage import contents as store
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class RunInput:
    """What one run is applied to: exactly one of the two, and how people call it."""

    name: str
    content_id: UUID | None = None
    thread_id: UUID | None = None


def inputs_of(version: PipelineVersion, ingested: Iterable[Ingested]) -> tuple[RunInput, ...]:
    """The runs that these inputs make: one per mail thread, or one per content (per message of a mailbox).

    Raises UsageError for a file that is no e-mail given to a pipeline over mail threads.
    """
    found: dict[UUID, RunInput] = {}
    for item in ingested:
        name = item.content.name or str(item.content.id)
        if version.definition.input is InputKind.MAIL_THREAD:
            if not item.threads:
                raise UsageError(
                    f"pipeline {version.name!r} takes mail threads, and {name!r} is {item.content.media_type}",
                    hint="give it an .eml or .mbox file, or use a pipeline with `input: content`",
                )
            for thread in item.threads:
                found[thread.id] = RunInput(thread.subject or name, thread_id=thread.id)
        elif item.content.media_type == MBOX:
            for message in item.messages:
                found[message.id] = RunInput(message.name or name, content_id=message.id)
        else:
            found[item.content.id] = RunInput(name, content_id=item.content.id)
    return tuple(found.values())


async def inputs_by_id(
    scope: Scope, version: PipelineVersion, content_ids: Sequence[UUID], thread_ids: Sequence[UUID]
) -> tuple[RunInput, ...]:
    """The runs that stored contents and threads make. Raises NotFoundError for one that is not of this organization,
    UsageError for one that the pipeline does not take.
    """
    if not content_ids and not thread_ids:
        raise UsageError("there is nothing to run over", hint="give `content_ids` or `thread_ids`")
    if thread_ids and version.definition.input is not InputKind.MAIL_THREAD:
        raise UsageError(f"pipeline {version.name!r} takes contents", hint="give `content_ids`")
    async with scope.transaction() as connection:
        contents = await _stored(scope, connection, content_ids)
        subjects = await store.subjects_of(connection, scope.organization_id, thread_ids)
        if missing := [each for each in thread_ids if each not in subjects]:
            raise NotFoundError(f"there is no mail thread {missing[0]}")
        found: dict[RunInput, None] = {}
        for content in contents:
            for each in await _made_by(scope, connection, version, content):
                found[each] = None
    for thread_id in thread_ids:
        found[RunInput(subjects[thread_id], thread_id=thread_id)] = None
    return tuple(found)


async def _stored(scope: Scope, connection: Transaction, content_ids: Sequence[UUID]) -> list[Content]:
    there = await store.get_contents(connection, scope.organization_id, content_ids)
    if missing := [each for each in content_ids if each not in there]:
        raise NotFoundError(f"there is no content {missing[0]}", hint="ingest it first")
    return [there[each] for each in content_ids]


async def _made_by(
    scope: Scope, connection: Transaction, version: PipelineVersion, content: Content
) -> tuple[RunInput, ...]:
    """The runs of one stored content: those that it would make where it is ingested."""
    messages = [content]
    if content.media_type == MBOX:
        messages = await store.children_of(connection, scope.organization_id, content.id)
    if version.definition.input is not InputKind.MAIL_THREAD:
        return tuple(RunInput(each.name or str(each.id), content_id=each.id) for each in messages)
    ids = [each.id for each in messages]
    threads = await store.threads_of(connection, scope.organization_id, ids)
    if not threads:
        raise UsageError(
            f"pipeline {version.name!r} takes mail threads, and content {content.id} is {content.media_type}",
            hint="give it an e-mail or a mailbox, or use a pipeline with `input: content`",
        )
    return tuple(RunInput(subject, thread_id=thread_id) for thread_id, subject, _ in threads.values())
