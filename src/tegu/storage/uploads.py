"""Uploads that come in parts: how far each is, and its bytes until it is finished.

Called by `actions.uploads`, inside one organization's transaction. Invariants: the offset and the bytes before it are
committed together; a part is stored only where the one before it ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, literal, select, text, update

from tegu.domain.content import SourceType
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.upload import Upload
from tegu.storage.tables import upload_parts, uploads
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Held:
    """What an organization's unfinished uploads hold, by the lengths that they announced."""

    uploads: int
    size_bytes: int
    first_expires_in_s: float


class NotTaken(Exception):  # noqa: N818 (a turn of the protocol, no error of ours)
    """What comes does not begin at the offset, or is too much, or the upload is gone."""


async def held(connection: Transaction, organization_id: UUID) -> Held:
    """What is held now. Until the transaction ends nobody else adds to it."""
    await connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": f"uploads {organization_id}"}
    )
    c = uploads.c
    left_s = func.extract("epoch", func.min(c.expires_at) - func.clock_timestamp())
    query = select(func.count(), func.coalesce(func.sum(c.length_bytes), 0), func.coalesce(left_s, 0)).where(
        c.organization_id == organization_id, c.content_id.is_(None), c.expires_at > func.clock_timestamp()
    )
    count, size, seconds = (await connection.execute(query)).one()
    return Held(int(count), int(size), float(seconds))


async def create(
    connection: Transaction,
    organization_id: UUID,
    *,
    length_bytes: int,
    lives_s: float,
    name: str | None,
    source_type: SourceType | None,
    external_id: str | None,
    metadata: JsonObject | None,
) -> Upload:
    """A new one, of which nothing is there."""
    inserted = await connection.execute(
        insert(uploads)
        .values(
            organization_id=organization_id,
            id=new_id(),
            length_bytes=length_bytes,
            offset_bytes=0,
            name=name,
            source_type=source_type and source_type.value,
            external_id=external_id,
            metadata=metadata,
            created_at=func.clock_timestamp(),
            expires_at=_in(lives_s),
        )
        .returning(uploads)
    )
    return _upload(inserted.mappings().one())


async def find(connection: Transaction, organization_id: UUID, upload_id: UUID) -> Upload | None:
    """One that has not expired."""
    query = select(uploads).where(_is_living(organization_id, upload_id))
    row = (await connection.execute(query)).mappings().first()
    return _upload(row) if row is not None else None


async def add_part(
    connection: Transaction, organization_id: UUID, upload_id: UUID, *, start: int, data: bytes
) -> None:
    """Store what begins at `start`. Raises NotTaken."""
    c = uploads.c
    moved = await connection.scalar(
        update(uploads)
        .where(
            _is_living(organization_id, upload_id),
            c.offset_bytes == start,
            c.length_bytes >= start + len(data),
            c.content_id.is_(None),
        )
        .values(offset_bytes=start + len(data))
        .returning(c.id)
    )
    if moved is None:
        raise NotTaken
    await connection.execute(
        insert(upload_parts).values(
            organization_id=organization_id, upload_id=upload_id, start_byte=start, data=data
        )
    )


async def count_parts(connection: Transaction, organization_id: UUID, upload_id: UUID) -> int:
    """How many parts are there."""
    c = upload_parts.c
    query = select(func.count()).where(c.organization_id == organization_id, c.upload_id == upload_id)
    return int(await connection.scalar(query))


async def part_from(
    connection: Transaction, organization_id: UUID, upload_id: UUID, start: int
) -> bytes | None:
    """The part that begins there."""
    c = upload_parts.c
    query = select(c.data).where(
        c.organization_id == organization_id, c.upload_id == upload_id, c.start_byte == start
    )
    return await connection.scalar(query)


async def finish(
    connection: Transaction, organization_id: UUID, upload_id: UUID, content_id: UUID
) -> datetime | None:
    """Note what it became, and drop all else of it; None where it is gone. Returns when that too is forgotten."""
    await connection.execute(
        delete(upload_parts).where(
            upload_parts.c.organization_id == organization_id, upload_parts.c.upload_id == upload_id
        )
    )
    return await connection.scalar(
        update(uploads)
        .where(uploads.c.organization_id == organization_id, uploads.c.id == upload_id)
        .values(content_id=content_id, name=None, source_type=None, external_id=None, metadata=None)
        .returning(uploads.c.expires_at)
    )


async def remove(connection: Transaction, organization_id: UUID, upload_id: UUID) -> bool:
    """Drop it and its parts; False where there is none."""
    gone = await connection.scalar(
        delete(uploads).where(_is_living(organization_id, upload_id)).returning(uploads.c.id)
    )
    return gone is not None


def _is_living(organization_id: UUID, upload_id: UUID) -> Any:
    c = uploads.c
    return (
        (c.organization_id == organization_id) & (c.id == upload_id) & (c.expires_at > func.clock_timestamp())
    )


def _in(seconds: float) -> Any:
    return func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, literal(seconds))


def _upload(row: Mapping[Any, Any]) -> Upload:
    source_type = row["source_type"]
    return Upload(
        id=row["id"],
        length_bytes=row["length_bytes"],
        offset_bytes=row["offset_bytes"],
        expires_at=row["expires_at"],
        name=row["name"],
        source_type=SourceType(source_type) if source_type is not None else None,
        external_id=row["external_id"],
        metadata=row["metadata"],
        content_id=row["content_id"],
    )
