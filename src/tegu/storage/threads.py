"""Mail threads as people and programs read them.

Called by the actions, inside one organization's transaction. Invariant: a thread that was merged into another is found there.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from tegu.domain.content import Content, ThreadEntry
from tegu.storage.rows import content_of, paged
from tegu.storage.tables import contents, mail_threads
from tegu.storage.transaction import Transaction

MESSAGES_MAX = 1000
_MERGES_MAX = 100


async def list_threads(
    connection: Transaction,
    organization_id: UUID,
    *,
    subject: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
) -> list[ThreadEntry]:
    """The threads that were begun last, or first, after a row. `subject`: words that it holds."""
    query = _threads(organization_id).where(mail_threads.c.merged_into.is_(None))
    if subject is not None:
        query = query.where(mail_threads.c.subject.icontains(subject, autoescape=True))
    query = paged(query, mail_threads.c.id, after=after, limit=limit, is_oldest_first=is_oldest_first)
    return [_entry(row) for row in (await connection.execute(query)).mappings()]


async def get_thread(
    connection: Transaction, organization_id: UUID, thread_id: UUID
) -> tuple[ThreadEntry, tuple[Content, ...]] | None:
    """A thread, or the one that it was merged into, and its e-mails, oldest first; undated ones last."""
    home: UUID | None = thread_id
    row: Mapping[Any, Any] | None = None
    for _ in range(_MERGES_MAX):
        query = _threads(organization_id).where(mail_threads.c.id == home)
        row = (await connection.execute(query)).mappings().first()
        home = row["merged_into"] if row is not None else None
        if home is None:
            break
    if row is None:
        return None
    c = contents.c
    query = (
        select(contents)
        .where(c.organization_id == organization_id, c.thread_id == row["id"], c.deleted_at.is_(None))
        .order_by(c.sent_at.nulls_last(), c.created_at, c.id)
        .limit(MESSAGES_MAX)
    )
    return _entry(row), tuple(content_of(each) for each in (await connection.execute(query)).mappings())


def _threads(organization_id: UUID) -> Select[Any]:
    mails = (
        select(func.count())
        .where(
            contents.c.organization_id == organization_id,
            contents.c.thread_id == mail_threads.c.id,
            contents.c.deleted_at.is_(None),
        )
        .scalar_subquery()
    )
    return select(mail_threads, mails.label("mails")).where(mail_threads.c.organization_id == organization_id)


def _entry(row: Mapping[Any, Any]) -> ThreadEntry:
    return ThreadEntry(row["id"], row["subject"], row["mails"], row["created_at"])
