"""One attempt to call a model, and what it used."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from tegu.domain.json import JsonObject


class CallStatus(StrEnum):
    """How an attempt ended. A call that stays `sent` may have been paid: its worker died before the reply was stored."""

    SENT = "sent"
    COMPLETED = "completed"
    REJECTED = "rejected"  # a reply came, and is no valid output
    FAILED = "failed"  # no usable reply came


class AnsweredBy(StrEnum):
    """Where the reply came from."""

    PROVIDER = "provider"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call. None means unknown, which is not zero. `raw` is the provider's own record."""

    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    raw: JsonObject = field(default_factory=JsonObject)


@dataclass(frozen=True, slots=True)
class LlmCall:
    """One row of the ledger. `cost_usd` is None when unknown, never a false zero."""

    id: UUID
    organization_id: UUID
    provider: str
    model: str
    status: CallStatus
    answered_by: AnsweredBy
    ordinal: int
    attempt: int
    usage: Usage
    cost_usd: Decimal | None
    latency_ms: int | None
    finish_reason: str | None
    request_hash: str
    error: JsonObject | None
    created_at: datetime
    run_id: UUID | None = None
    stage: str | None = None
    metadata: JsonObject = field(default_factory=JsonObject)
