"""Mail threads: list and read them."""

from dataclasses import dataclass
from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.content import Content, ThreadEntry
from tegu.domain.errors import NotFoundError
from tegu.storage import threads as store


@dataclass(frozen=True, slots=True)
class ThreadMessages:
    """A mail thread and its e-mails, oldest first, at most 1,000."""

    thread: ThreadEntry
    messages: tuple[Content, ...]


async def list_threads(
    scope: Scope,
    *,
    subject: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
) -> list[ThreadEntry]:
    """The threads that were begun last, or first, after a row."""
    async with scope.transaction() as connection:
        return await store.list_threads(
            connection,
            scope.organization_id,
            subject=subject,
            after=after,
            limit=limit,
            is_oldest_first=is_oldest_first,
        )


async def get_thread(scope: Scope, thread_id: UUID) -> ThreadMessages:
    """One thread, wherever it was merged into. Raises NotFoundError."""
    async with scope.transaction() as connection:
        found = await store.get_thread(connection, scope.organization_id, thread_id)
    if found is None:
        raise NotFoundError(f"there is no mail thread {thread_id}", hint="ingest its e-mails first")
    return ThreadMessages(*found)
