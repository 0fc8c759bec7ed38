"""The call ledger as people and programs read it.

Called by the actions, inside one organization's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tegu.domain.call import AnsweredBy, CallStatus, LlmCall, Usage
from tegu.domain.json import JsonObject
from tegu.storage.rows import cost_of
from tegu.storage.tables import llm_calls, llm_requests
from tegu.storage.transaction import Transaction


async def list_calls(
    connection: Transaction, organization_id: UUID, *, run_id: UUID | None = None, limit: int = 50
) -> list[LlmCall]:
    """Calls, newest first; those of one run oldest first."""
    query = select(llm_calls).where(llm_calls.c.organization_id == organization_id)
    if run_id is not None:
        query = query.where(llm_calls.c.run_id == run_id).order_by(llm_calls.c.created_at)
    else:
        query = query.order_by(llm_calls.c.created_at.desc())
    return [_call(row) for row in (await connection.execute(query.limit(limit))).mappings()]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was sent in a call, and what came back, where something did."""

    request: JsonObject | None
    reply: JsonObject | None


async def exchanges_of(
    connection: Transaction, organization_id: UUID, call_ids: Sequence[UUID]
) -> dict[UUID, Exchange]:
    """Request and reply by call, as rendered and as journalled."""
    query = (
        select(llm_calls.c.id, llm_calls.c.reply, llm_requests.c.body)
        .outerjoin_from(
            llm_calls,
            llm_requests,
            (llm_requests.c.organization_id == llm_calls.c.organization_id)
            & (llm_requests.c.request_hash == llm_calls.c.request_hash),
        )
        .where(llm_calls.c.organization_id == organization_id, llm_calls.c.id.in_(call_ids))
    )
    return {row.id: Exchange(row.body, row.reply) for row in await connection.execute(query)}


def _call(row: Mapping[Any, Any]) -> LlmCall:
    return LlmCall(
        id=row["id"],
        organization_id=row["organization_id"],
        provider=row["provider"],
        model=row["model"],
        status=CallStatus(row["status"]),
        answered_by=AnsweredBy(row["answered_by"]),
        ordinal=row["ordinal"],
        attempt=row["attempt"],
        usage=Usage(
            row["input_tokens"],
            row["cached_tokens"],
            row["output_tokens"],
            row["reasoning_tokens"],
            row["usage"] or {},
        ),
        cost_usd=cost_of(row["cost_usd"]),
        latency_ms=row["latency_ms"],
        finish_reason=row["finish_reason"],
        request_hash=row["request_hash"],
        error=row["error"],
        created_at=row["created_at"],
        run_id=row["run_id"],
        stage=row["stage"],
        metadata=row["metadata"],
    )
