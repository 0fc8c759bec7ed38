"""One attempt to call a model, and what it used."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.json import JsonObject

RULES = "rules"
"""The embedded provider, which is no model: it finds values by rules, vouches for its own quotes, and costs nothing."""
RULES_VERSION = 1
"""Of what the rules know. Raise it when they find something else in the same text: it is part of fingerprints."""

DEMO = "demo"
"""The other embedded provider, which is none either: canned answers to the samples that ship with Tegu."""
EMBEDDED = (DEMO, RULES)
"""What answers within the process: it costs nothing, counts no tokens, and sends nothing anywhere."""


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
class Fallback:
    """Why another model was asked: how the one before it ended."""

    from_model: str
    to_model: str
    code: str
    message: str

    def to_json(self) -> JsonObject:
        """As stored in events."""
        return {"from": self.from_model, "to": self.to_model, "code": self.code, "message": self.message}

    @classmethod
    def from_json(cls, value: JsonValue) -> "Fallback | None":
        """The inverse of `to_json`; None for anything else."""
        if not isinstance(value, dict):
            return None
        parts = [value.get(key) for key in ("from", "to", "code", "message")]
        texts = [part for part in parts if isinstance(part, str)]
        return cls(*texts) if len(texts) == len(parts) else None


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

    @property
    def fallback(self) -> Fallback | None:
        """Why this model was asked, where another was to answer."""
        return Fallback.from_json(self.metadata.get("fallback"))
