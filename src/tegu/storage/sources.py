"""What a run is about, for the stages that read it: contents, their bytes, and extracted text.

Called by the stages under the engine's role.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic_core import from_json, to_json

from tegu.domain.content import Content
from tegu.domain.errors import ErrorInfo, NotFoundError
from tegu.domain.json import JsonObject
from tegu.storage.outages import PatientPool
from tegu.storage.rows import content_of
from tegu.storage.statements import statement


@dataclass(frozen=True, slots=True)
class StoredText:
    """Extracted text as a document's JSON, or the error that reading ends in, every time."""

    document: JsonObject | None
    error: ErrorInfo | None


class SourceStore:
    """Reads on the engine's pool; one write, of extracted text."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = PatientPool(pool)

    async def content(self, organization_id: UUID, content_id: UUID) -> Content:
        """Raises NotFoundError when it was deleted."""
        row = await self._pool.fetchrow(statement("load_content"), organization_id, content_id)
        if row is None:
            raise NotFoundError(f"content {content_id} is not there", hint="it was deleted, perhaps")
        return content_of(dict(row))

    async def thread(self, organization_id: UUID, thread_id: UUID) -> tuple[str, tuple[Content, ...]]:
        """Subject and e-mails, oldest first, at most 1,000. Raises NotFoundError when none is left."""
        rows = await self._pool.fetch(statement("load_thread"), organization_id, thread_id)
        if not rows:
            raise NotFoundError(f"mail thread {thread_id} has no e-mails", hint="they were deleted, perhaps")
        return rows[0]["thread_subject"], tuple(content_of(dict(row)) for row in rows)

    async def data(self, organization_id: UUID, sha256: str) -> bytes:
        """The bytes. Raises NotFoundError when they were deleted."""
        data = await self._pool.fetchval(statement("load_data"), organization_id, sha256)
        if data is None:
            raise NotFoundError(f"the bytes {sha256[:12]} are not there", hint="they were deleted, perhaps")
        return data

    async def text(
        self, organization_id: UUID, sha256: str, media_type: str, parser_version: str
    ) -> StoredText | None:
        """What reading these bytes gave, if they were read before."""
        row = await self._pool.fetchrow(
            statement("load_text"), organization_id, sha256, media_type, parser_version
        )
        if row is None:
            return None
        error = row["error"]
        return StoredText(
            from_json(row["document"]) if row["document"] else None,
            ErrorInfo.from_json(from_json(error)) if error else None,
        )

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
        await self._pool.execute(
            statement("store_text"),
            organization_id,
            sha256,
            media_type,
            parser_version,
            to_json(document).decode() if document is not None else None,
            to_json(error.to_json()).decode() if error is not None else None,
        )
