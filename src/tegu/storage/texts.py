"""Bytes and extracted text of contents, for whoever reads them outside of a run; `sources` is the same for stages.

Called by the actions, inside one organization's transaction.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from tegu.domain.content import Content
from tegu.domain.errors import ErrorInfo
from tegu.domain.json import JsonObject
from tegu.storage.sources import StoredText
from tegu.storage.tables import blobs, texts
from tegu.storage.transaction import Transaction


async def data_of(connection: Transaction, organization_id: UUID, sha256: str) -> bytes | None:
    """The bytes; None where they were deleted."""
    query = select(blobs.c.data).where(blobs.c.organization_id == organization_id, blobs.c.sha256 == sha256)
    found: bytes | None = await connection.scalar(query)
    return found


async def text_of(connection: Transaction, content: Content, parser_version: str) -> StoredText | None:
    """What reading these bytes gave, if they were read before."""
    c = texts.c
    query = select(c.document, c.error).where(
        c.organization_id == content.organization_id,
        c.sha256 == content.sha256,
        c.media_type == content.media_type,
        c.parser_version == parser_version,
    )
    row = (await connection.execute(query)).first()
    if row is None:
        return None
    return StoredText(row.document, ErrorInfo.from_json(row.error) if row.error else None)


async def store_text(
    connection: Transaction,
    content: Content,
    parser_version: str,
    *,
    document: JsonObject | None = None,
    error: ErrorInfo | None = None,
) -> None:
    """Remember what reading gave, exactly one of the two; the first reading wins."""
    await connection.execute(
        insert(texts)
        .values(
            organization_id=content.organization_id,
            sha256=content.sha256,
            media_type=content.media_type,
            parser_version=parser_version,
            document=document,
            error=error.to_json() if error is not None else None,
            created_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing()
    )
