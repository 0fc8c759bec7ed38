"""Quotas: set by the operator through the engine's door, counted in the transactions of what they bound.

Called by the actions that start runs, and by `contents`, under tegu_app. Invariant: who finds room has the quota locked until
the transaction ends, so that what is counted is never above the bound.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import exists, func, select, update

from tegu.domain.errors import QuotaError
from tegu.domain.quota import Quota, QuotaLimits
from tegu.storage.rows import cost_of
from tegu.storage.statements import statement
from tegu.storage.tables import blobs, quotas, spend_months
from tegu.storage.transaction import Transaction

_NO_RESET_S = 3600.0
"""Bytes come back when contents are deleted, and not by themselves: who asks again in an hour is early enough."""
_LOCK = "lock table tegu.spend_months in exclusive mode"


async def set_quota(pool: "asyncpg.Pool[asyncpg.Record]", organization_id: UUID, limits: QuotaLimits) -> None:
    """Bound an organization. Nothing is settled meanwhile, so that the ledger's sum is the whole of what it spent."""
    if limits == QuotaLimits():
        await pool.execute(statement("drop_quota"), organization_id)
        return
    bounds = limits.runs_per_day, limits.stored_bytes_max, limits.spend_usd_per_month
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK)
        await connection.execute(statement("set_quota"), organization_id, *bounds)
        if limits.spend_usd_per_month is not None:
            await connection.execute(statement("open_spend_month"), organization_id)


async def find_organization(pool: "asyncpg.Pool[asyncpg.Record]", external_id: str) -> UUID | None:
    """An organization by its external id, for the operator."""
    return await pool.fetchval(statement("find_organization"), external_id)


async def get_quota(connection: Transaction, organization_id: UUID) -> Quota:
    """The bounds, and what was used."""
    row = (await connection.execute(_quota(organization_id))).mappings().first()
    now: datetime = row["now"] if row else await connection.scalar(select(func.clock_timestamp()))
    bounded = row is not None and row["spend_usd_per_month"] is not None
    return Quota(
        runs_per_day=row["runs_per_day"] if row else None,
        stored_bytes_max=row["stored_bytes_max"] if row else None,
        spend_usd_per_month=cost_of(row["spend_usd_per_month"]) if row else None,
        runs_today=_runs_today(row) if row else None,
        stored_bytes=row["stored_bytes"] if row else None,
        spent_usd=(cost_of(row["spent_usd"]) or Decimal(0)) if row and bounded else None,
        day_ends_at=_day_end(now),
        month_ends_at=_month_end(now),
    )


async def take_runs(connection: Transaction, organization_id: UUID, count: int) -> None:
    """Count runs that are about to be inserted. Raises QuotaError, and then nothing is counted."""
    row = (await connection.execute(_quota(organization_id).with_for_update(of=quotas))).mappings().first()
    if row is None:
        return
    now: datetime = row["now"]
    limit, today = row["runs_per_day"], _runs_today(row)
    if limit is not None and today + count > limit:
        raise _full(
            f"the quota has no room for {count} more runs: {today} of {limit} were started today",
            _day_end(now),
            now,
        )
    spend, spent = row["spend_usd_per_month"], row["spent_usd"] or Decimal(0)
    if spend is not None and spent >= spend:
        raise _full(
            f"the quota of this month is spent: ${spent:.4f} of ${spend.normalize():f}", _month_end(now), now
        )
    await connection.execute(
        update(quotas)
        .where(quotas.c.organization_id == organization_id)
        .values(runs_day=_today(), runs_count=today + count)
    )


async def check_bytes(connection: Transaction, organization_id: UUID, sha256: str, size_bytes: int) -> None:
    """Whether there is room for bytes that are about to be stored, if they are not there; storing counts them. Raises
    QuotaError.
    """
    is_there = exists().where(blobs.c.organization_id == organization_id, blobs.c.sha256 == sha256)
    query = (
        select(quotas.c.stored_bytes, quotas.c.stored_bytes_max, is_there.label("is_there"))
        .where(quotas.c.organization_id == organization_id, quotas.c.stored_bytes_max.is_not(None))
        .with_for_update(of=quotas)
    )
    row = (await connection.execute(query)).mappings().first()
    if row is None or row["is_there"] or row["stored_bytes"] + size_bytes <= row["stored_bytes_max"]:
        return
    raise QuotaError(
        f"the quota has no room for {size_bytes:,} bytes: {row['stored_bytes']:,} of {row['stored_bytes_max']:,} are stored",
        retry_after_s=_NO_RESET_S,
        hint="delete contents, or ask the operator for more",
    )


def _full(message: str, resets_at: datetime, now: datetime) -> QuotaError:
    return QuotaError(
        f"{message}; there is room again at {resets_at:%Y-%m-%dT%H:%M:%SZ}",
        retry_after_s=(resets_at - now).total_seconds(),
        hint="wait until then, or ask the operator for more",
    )


def _quota(organization_id: UUID) -> Any:
    month = func.date_trunc("month", func.clock_timestamp(), "UTC")
    spent = (
        select(spend_months.c.spent_usd)
        .where(spend_months.c.organization_id == quotas.c.organization_id, spend_months.c.since == month)
        .scalar_subquery()
    )
    return select(
        quotas, spent.label("spent_usd"), func.clock_timestamp().label("now"), _today().label("today")
    ).where(quotas.c.organization_id == organization_id)


def _today() -> Any:
    return func.date(func.timezone("UTC", func.clock_timestamp()))


def _runs_today(row: Any) -> int:
    return int(row["runs_count"]) if row["runs_day"] == row["today"] else 0


def _day_end(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _month_end(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
