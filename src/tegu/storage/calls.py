"""The call ledger as people and programs read it.

Called by the actions, inside one organization's transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.call import AnsweredBy, CallStatus, LlmCall, Usage
from tegu.domain.json import JsonObject
from tegu.storage.rows import cost_of, paged
from tegu.storage.tables import llm_calls, llm_requests
from tegu.storage.transaction import Transaction
from tegu.storage.visible import runs_seen


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls; None is no restriction. `is_priced` False: those whose cost is not known."""

    run_id: UUID | None = None
    stage: str | None = None
    provider: str | None = None
    model: str | None = None
    status: CallStatus | None = None
    answered_by: AnsweredBy | None = None
    is_priced: bool | None = None


async def list_calls(
    connection: Transaction,
    organization_id: UUID,
    wanted: CallFilter,
    *,
    after: UUID | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
    rows: Rows = ALL_ROWS,
) -> list[LlmCall]:
    """Calls, newest first, or oldest, after a row."""
    query = select(llm_calls).where(
        llm_calls.c.organization_id == organization_id, runs_seen(organization_id, rows, llm_calls.c.run_id)
    )
    for column, value in (
        (llm_calls.c.run_id, wanted.run_id),
        (llm_calls.c.stage, wanted.stage),
        (llm_calls.c.provider, wanted.provider),
        (llm_calls.c.model, wanted.model),
        (llm_calls.c.status, wanted.status and wanted.status.value),
        (llm_calls.c.answered_by, wanted.answered_by and wanted.answered_by.value),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.is_priced is not None:
        cost = llm_calls.c.cost_usd
        query = query.where(cost.is_not(None) if wanted.is_priced else cost.is_(None))
    query = paged(query, llm_calls.c.id, after=after, limit=limit, is_oldest_first=is_oldest_first)
    return [_call(row) for row in (await connection.execute(query)).mappings()]


async def get_call(
    connection: Transaction, organization_id: UUID, call_id: UUID, rows: Rows = ALL_ROWS
) -> LlmCall | None:
    """One call."""
    query = select(llm_calls).where(
        llm_calls.c.organization_id == organization_id,
        llm_calls.c.id == call_id,
        runs_seen(organization_id, rows, llm_calls.c.run_id),
    )
    row = (await connection.execute(query)).mappings().first()
    return _call(row) if row is not None else None


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
