"""Mail threads: list and read them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import threads
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import Name, SortedPageInput
from tegu.actions.scope import Scope
from tegu.actions.threads import ThreadMessages
from tegu.domain.actor import Permission
from tegu.domain.content import ThreadEntry
from tegu.domain.page import Page, id_of, page_of


class ListThreads(SortedPageInput):
    """Which mail threads."""

    subject: Annotated[Name | None, Field(description="Words that the subject holds.")] = None


class ThreadId(ActionInput):
    """Which mail thread."""

    thread_id: UUID


@action("threads.list", effect=Effect.READ, permission=Permission.CONTENTS_READ)
async def list_threads(scope: Scope, asked: ListThreads) -> Page[ThreadEntry]:
    """List mail threads: e-mails that answer each other, the thread begun last first."""
    found = await threads.list_threads(
        scope,
        subject=asked.subject,
        after=id_of(asked.cursor),
        limit=asked.limit + 1,
        is_oldest_first=asked.is_oldest_first,
    )
    return page_of(found, asked.limit, lambda thread: thread.id)


@action("threads.get", effect=Effect.READ, permission=Permission.CONTENTS_READ, key="thread_id")
async def get_thread(scope: Scope, asked: ThreadId) -> ThreadMessages:
    """Read a mail thread with its e-mails, oldest first; their texts are `contents.text`."""
    return await threads.get_thread(scope, asked.thread_id)
