"""Usage: read it, and record what a day came to, once, for whoever is told.

Called by the actions under tegu_app, and by the engine's chore. Invariant: a record is written, and owed to the webhooks that want it, by one
statement, which changes nothing where nothing has changed.
"""

from datetime import date
from decimal import Decimal
from uuid import UUID

import asyncpg
from sqlalchemy import select, text

from tegu.domain.actor import Rows
from tegu.domain.usage import DayUsage
from tegu.storage.rows import cost_of
from tegu.storage.statements import statement
from tegu.storage.tables import usage
from tegu.storage.transaction import Transaction


async def list_usage(
    connection: Transaction,
    organization_id: UUID,
    *,
    since: date,
    until: date,
    pipeline: str | None,
    rows: Rows,
    offset: int,
    limit: int,
) -> list[DayUsage]:
    """What the days from `since` to `until`, both included, came to, the newest first."""
    # The planner cannot know how little came since the mark, and would read all of the ledger.
    await connection.execute(text("set local enable_seqscan = off"))
    c = usage.c
    query = select(usage).where(c.organization_id == organization_id, c.day.between(since, until))
    if pipeline is not None:
        query = query.where(c.pipeline == pipeline)
    if rows.pipelines is not None:
        query = query.where(c.pipeline.in_(sorted(rows.pipelines)))
    query = query.order_by(c.day.desc(), c.pipeline, c.provider, c.model).offset(offset).limit(limit)
    return [
        DayUsage(
            day=row["day"],
            pipeline=row["pipeline"],
            provider=row["provider"],
            model=row["model"],
            runs=int(row["runs"]),
            calls=int(row["calls"]),
            input_tokens=int(row["input_tokens"]),
            cached_tokens=int(row["cached_tokens"]),
            output_tokens=int(row["output_tokens"]),
            reasoning_tokens=int(row["reasoning_tokens"]),
            cost_usd=cost_of(row["cost_usd"]) or Decimal(0),
            unknown_costs=int(row["unknown_costs"]),
            contents=int(row["contents"]),
            content_bytes=int(row["content_bytes"]),
        )
        for row in (await connection.execute(query)).mappings()
    ]


async def organizations_to_record(pool: "asyncpg.Pool[asyncpg.Record]") -> list[UUID]:
    """Those of which somebody wants to be told."""
    return [row["organization_id"] for row in await pool.fetch(statement("usage_wanted"))]


async def record_usage(
    pool: "asyncpg.Pool[asyncpg.Record]", organization_id: UUID, *, days: int, grace_s: float
) -> int:
    """Record the days that are over, of the last so many, and owe what is new of them. Returns how many records changed."""
    return await pool.fetchval(statement("record_usage"), organization_id, days, grace_s)
