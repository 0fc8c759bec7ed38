"""Contents and mail threads as they are stored and read by people and programs.

Called by the actions, inside one organization's transaction. Invariants: the same bytes (with the same external id) and
the same e-mail are stored once; an e-mail belongs to the thread that its references name, whichever came first.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tegu.domain.content import Content, SourceType
from tegu.domain.errors import ConflictError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.webhook import WebhookEvent
from tegu.storage.quotas import check_bytes
from tegu.storage.rows import content_of, paged
from tegu.storage.tables import blobs, contents, mail_references, mail_threads, mailbox_messages, texts
from tegu.storage.transaction import Transaction
from tegu.storage.webhooks import tell

_KEY_BYTES = 1000
"""Longer ids are kept as their hash: an entry of a btree has at most 2,704 bytes, and the sender chooses the id."""


@dataclass(frozen=True, slots=True)
class MailFacts:
    """What threading and deduplication need of an e-mail. `links` are all ids that tie it to its thread."""

    message_id: str | None
    links: tuple[str, ...]
    subject: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewContent:
    """A content to be stored."""

    source_type: SourceType
    media_type: str
    sha256: str
    data: bytes
    name: str | None = None
    metadata: JsonObject = field(default_factory=JsonObject)
    external_id: str | None = None
    parent_id: UUID | None = None
    position: int | None = None
    mail: MailFacts | None = None


async def store_content(
    connection: Transaction, organization_id: UUID, new: NewContent
) -> tuple[Content, bool]:
    """Store it, or find the equal one that is there; the flag says whether it is new.

    Raises ConflictError when the external id names other bytes.
    """
    await hold_bytes(connection, organization_id, new.sha256)
    found = await _equal(connection, organization_id, new)
    if found is not None:
        return found, False
    await check_bytes(connection, organization_id, new.sha256, len(new.data))
    await connection.execute(
        insert(blobs)
        .values(
            organization_id=organization_id,
            sha256=new.sha256,
            data=new.data,
            created_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing()
    )
    thread_id = await _thread_of(connection, organization_id, new.mail) if new.mail else None
    inserted = await connection.scalar(
        insert(contents)
        .values(
            organization_id=organization_id,
            id=new_id(),
            source_type=new.source_type.value,
            media_type=new.media_type,
            sha256=new.sha256,
            size_bytes=len(new.data),
            name=new.name,
            metadata=new.metadata,
            external_id=new.external_id,
            parent_id=new.parent_id,
            position=new.position,
            thread_id=thread_id,
            message_id=new.mail.message_id if new.mail else None,
            mail_key=_mail_key(new),
            sent_at=new.mail.sent_at if new.mail else None,
            created_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing()
        .returning(contents.c.id)
    )
    if inserted is not None:
        stored = await get_content(connection, organization_id, inserted)
        assert stored is not None
        await _tell(connection, stored)
        return stored, True
    # Another transaction stored the same meanwhile; it is committed now, or the insert would still wait.
    found = await _equal(connection, organization_id, new)
    if found is None:
        raise ConflictError(
            "the same content is being stored and deleted at once", hint="try again in a moment"
        )
    return found, False


async def hold_bytes(connection: Transaction, organization_id: UUID, sha256: str) -> None:
    """Until the transaction ends nobody erases these bytes, which it is about to find or to store."""
    await connection.execute(
        text("select pg_advisory_xact_lock_shared(hashtextextended(:key, 0))"),
        {"key": f"bytes {organization_id} {sha256}"},
    )


async def link_to_mailbox(connection: Transaction, message: Content, mailbox_id: UUID) -> None:
    """Note that a mailbox's bytes hold an e-mail that was there before: erasing one takes the other's bytes."""
    await connection.execute(
        insert(mailbox_messages)
        .values(organization_id=message.organization_id, message_id=message.id, mailbox_id=mailbox_id)
        .on_conflict_do_nothing()
    )


async def _tell(connection: Transaction, stored: Content) -> None:
    """Whoever wants to hear of new contents will: of what they are, and nothing of what is in them."""
    data: JsonObject = {
        "content_id": str(stored.id),
        "external_id": stored.external_id,
        "source_type": stored.source_type.value,
        "media_type": stored.media_type,
        "size_bytes": stored.size_bytes,
        "parent_id": str(stored.parent_id) if stored.parent_id else None,
        "thread_id": str(stored.thread_id) if stored.thread_id else None,
    }
    event, organization_id = WebhookEvent.CONTENT_CREATED, stored.organization_id
    await tell(connection, organization_id, event, subject=str(stored.id), data=data, content_id=stored.id)


async def store_text(
    connection: Transaction, content: Content, parser_version: str, document: JsonObject
) -> None:
    """Remember the text of a content whose bytes were read when they came in; the first reading wins."""
    await connection.execute(
        insert(texts)
        .values(
            organization_id=content.organization_id,
            sha256=content.sha256,
            media_type=content.media_type,
            parser_version=parser_version,
            document=document,
            created_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing()
    )


async def get_content(connection: Transaction, organization_id: UUID, content_id: UUID) -> Content | None:
    """One content."""
    return await _first(connection, organization_id, contents.c.id == content_id)


async def bytes_of(
    connection: Transaction, organization_id: UUID, sha256: str, start: int, size: int
) -> bytes | None:
    """`size` bytes from `start` on, fewer at the end. Blobs are not compressed, so that only these are read."""
    query = select(func.substr(blobs.c.data, start + 1, size)).where(
        blobs.c.organization_id == organization_id, blobs.c.sha256 == sha256
    )
    return await connection.scalar(query)


async def list_contents(
    connection: Transaction,
    organization_id: UUID,
    *,
    source_type: SourceType | None = None,
    thread_id: UUID | None = None,
    parent_id: UUID | None = None,
    external_id: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
) -> list[Content]:
    """The newest contents, or the oldest, those that are deleted left out."""
    query = select(contents).where(
        contents.c.organization_id == organization_id, contents.c.deleted_at.is_(None)
    )
    for column, wanted in (
        (contents.c.source_type, source_type and source_type.value),
        (contents.c.thread_id, thread_id),
        (contents.c.parent_id, parent_id),
        (contents.c.external_id, external_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    query = paged(query, contents.c.id, after=after, limit=limit, is_oldest_first=is_oldest_first)
    return [content_of(row) for row in (await connection.execute(query)).mappings()]


async def get_contents(
    connection: Transaction, organization_id: UUID, content_ids: Sequence[UUID]
) -> dict[UUID, Content]:
    """Contents by id; those that are not there, or deleted, are missing."""
    query = select(contents).where(
        contents.c.organization_id == organization_id,
        contents.c.id.in_(content_ids),
        contents.c.deleted_at.is_(None),
    )
    rows = (await connection.execute(query)).mappings()
    return {row["id"]: content_of(row) for row in rows}


async def subjects_of(
    connection: Transaction, organization_id: UUID, thread_ids: Sequence[UUID]
) -> dict[UUID, str]:
    """Subjects of mail threads; those that are not there are missing."""
    if not thread_ids:
        return {}
    query = select(mail_threads.c.id, mail_threads.c.subject).where(
        mail_threads.c.organization_id == organization_id, mail_threads.c.id.in_(thread_ids)
    )
    return {row.id: row.subject for row in await connection.execute(query)}


async def find_content(connection: Transaction, organization_id: UUID, external_id: str) -> Content | None:
    """The content that the host application calls so."""
    return await _first(connection, organization_id, contents.c.external_id == external_id)


async def children_of(connection: Transaction, organization_id: UUID, content_id: UUID) -> list[Content]:
    """Attachments of an e-mail, or messages of a mailbox, in their order."""
    query = (
        select(contents)
        .where(
            contents.c.organization_id == organization_id,
            contents.c.parent_id == content_id,
            contents.c.deleted_at.is_(None),
        )
        .order_by(contents.c.position)
        .limit(10_000)
    )
    return [content_of(row) for row in (await connection.execute(query)).mappings()]


async def threads_of(
    connection: Transaction, organization_id: UUID, content_ids: Sequence[UUID]
) -> dict[UUID, tuple[UUID, str, int]]:
    """The threads that these e-mails belong to: per thread its id, subject and number of e-mails, oldest thread first."""
    mine = contents.alias("mine")
    query = (
        select(mail_threads.c.id, mail_threads.c.subject, func.count().label("mails"))
        .join_from(
            mail_threads,
            contents,
            (contents.c.organization_id == mail_threads.c.organization_id)
            & (contents.c.thread_id == mail_threads.c.id),
        )
        .where(
            mail_threads.c.organization_id == organization_id,
            contents.c.deleted_at.is_(None),
            mail_threads.c.id.in_(
                select(mine.c.thread_id).where(
                    mine.c.organization_id == organization_id, mine.c.id.in_(content_ids)
                )
            ),
        )
        .group_by(mail_threads.c.id, mail_threads.c.subject)
        .order_by(func.min(contents.c.sent_at), mail_threads.c.id)
    )
    return {row.id: (row.id, row.subject, row.mails) for row in await connection.execute(query)}


async def _equal(connection: Transaction, organization_id: UUID, new: NewContent) -> Content | None:
    """What is there already: by external id, e-mail identity, place under its parent, or bytes."""
    if new.external_id is not None:
        found = await find_content(connection, organization_id, new.external_id)
        if found is not None and found.sha256 != new.sha256:
            raise ConflictError(
                f"external id {new.external_id!r} already names another content",
                hint="content is immutable: give the new version an external id of its own",
            )
        if found is not None:
            return found
    mail_key = _mail_key(new)
    if mail_key is not None:
        return await _first(connection, organization_id, contents.c.mail_key == mail_key)
    if new.parent_id is not None:
        return await _first(
            connection,
            organization_id,
            (contents.c.parent_id == new.parent_id) & (contents.c.position == new.position),
        )
    return await _first(
        connection,
        organization_id,
        (contents.c.sha256 == new.sha256)
        & contents.c.parent_id.is_(None)
        & contents.c.mail_key.is_(None)
        & (func.coalesce(contents.c.external_id, "") == (new.external_id or "")),
    )


def _mail_key(new: NewContent) -> str | None:
    """What makes an e-mail the same e-mail: its Message-ID, and its date and subject, since ids are forged and reused.

    The bytes are no part of it: each route adds its own trace headers.
    """
    mail = new.mail
    if mail is None or mail.message_id is None:
        return None
    sent = mail.sent_at.isoformat() if mail.sent_at else ""
    return _indexable(f"{mail.message_id}|{sent}|{mail.subject}")


def _indexable(key: str) -> str:
    raw = key.encode("utf-8", "replace")
    return key if len(raw) <= _KEY_BYTES else f"sha256:{hashlib.sha256(raw).hexdigest()}"


async def _thread_of(connection: Transaction, organization_id: UUID, mail: MailFacts) -> UUID:
    """The thread that the e-mail's ids name: joined, founded, or merged from several."""
    # One e-mail of an organization is threaded at a time, so that two that meet cannot found two threads.
    await connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"thread {organization_id}"}
    )
    mine = mail_references.c.organization_id == organization_id
    links = tuple(dict.fromkeys(_indexable(link) for link in mail.links))
    query = (
        select(mail_references.c.thread_id)
        .where(mine, mail_references.c.message_id.in_(links))
        .distinct()
        .order_by(mail_references.c.thread_id)
    )
    known = list((await connection.scalars(query)).all())
    thread_id = known[0] if known else await _found_thread(connection, organization_id, mail.subject)
    for other in known[1:]:
        await _merge(connection, organization_id, other, into=thread_id)
    if links:
        rows = [
            {"organization_id": organization_id, "message_id": link, "thread_id": thread_id} for link in links
        ]
        await connection.execute(insert(mail_references).values(rows).on_conflict_do_nothing())
    return thread_id


async def _found_thread(connection: Transaction, organization_id: UUID, subject: str) -> UUID:
    thread_id = new_id()
    await connection.execute(
        insert(mail_threads).values(
            organization_id=organization_id, id=thread_id, subject=subject, created_at=func.clock_timestamp()
        )
    )
    return thread_id


async def _merge(connection: Transaction, organization_id: UUID, other: UUID, *, into: UUID) -> None:
    """A message joined two threads: the younger becomes part of the older; its runs follow it there."""
    for table in (mail_references, contents):
        await connection.execute(
            update(table)
            .where(table.c.organization_id == organization_id, table.c.thread_id == other)
            .values(thread_id=into)
        )
    await connection.execute(
        update(mail_threads)
        .where(mail_threads.c.organization_id == organization_id, mail_threads.c.id == other)
        .values(merged_into=into)
    )


async def _first(connection: Transaction, organization_id: UUID, condition: Any) -> Content | None:
    query = select(contents).where(
        contents.c.organization_id == organization_id, contents.c.deleted_at.is_(None), condition
    )
    row = (await connection.execute(query.limit(1))).mappings().first()
    return content_of(row) if row is not None else None
