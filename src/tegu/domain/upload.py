"""An upload that comes in parts."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tegu.domain.content import SourceType
from tegu.domain.json import JsonObject


@dataclass(frozen=True, slots=True)
class Upload:
    """`offset_bytes` of `length_bytes` are there. A finished one has the content that it became, and no fields any more."""

    id: UUID
    length_bytes: int
    offset_bytes: int
    expires_at: datetime
    name: str | None = None
    source_type: SourceType | None = None
    external_id: str | None = None
    metadata: JsonObject | None = None
    content_id: UUID | None = None
