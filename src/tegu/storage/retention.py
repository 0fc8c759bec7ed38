"""Dropping what was kept long enough: events and runs that ended, bodies of calls, idempotency keys.

Called by the engine's chore and by `tegu prune`. Invariants: only what ended goes; a ledger row never does; every
statement takes a bounded number of rows, so that nobody waits for it; one process prunes at a time.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from tegu.domain.retention import Pruned, Retention
from tegu.storage.statements import statement

_LOCK = 0x7E60_5072
_RUNS = 500
_CALLS = 1000
_BODIES = 1000
_KEYS = 5000
_UPLOADS = 100
_KEYS_KEPT_S = 2 * 86_400.0
_DAY_S = 86_400.0
_LIMITS_KEPT_S = 86_400.0
_NIL = UUID(int=0)


@asynccontextmanager
async def pruning(
    pool: "asyncpg.Pool[asyncpg.Record]", *, dry_run: bool = False
) -> AsyncGenerator["Pruner | None"]:
    """The right to prune, for as long as the block lasts; None while another process has it. With `dry_run` all is one
    transaction that is rolled back.
    """
    async with pool.acquire() as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK):
            yield None
            return
        transaction = connection.transaction() if dry_run else None
        try:
            if transaction is not None:
                await transaction.start()
            yield Pruner(connection)
        finally:
            if transaction is not None:
                await transaction.rollback()
            await connection.execute("select pg_advisory_unlock($1)", _LOCK)


class Pruner:
    """Prunes on one connection of the engine's role."""

    def __init__(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        self._connection = connection

    async def organizations(self) -> list[UUID]:
        """Every organization."""
        rows = await self._connection.fetch("select id from tegu.organizations order by id")
        return [row["id"] for row in rows]

    async def prune_limits(self) -> None:
        """Forget limits of providers that nobody uses: anybody's name for a model makes one."""
        await self._connection.execute(statement("prune_limits"), _LIMITS_KEPT_S)

    async def prune(self, organization_id: UUID, keep: Retention) -> Pruned:
        """Drop all that one organization has kept long enough."""
        pruned = Pruned(
            keys=await self._batches("prune_keys", organization_id, _KEYS_KEPT_S, limit=_KEYS),
            uploads=await self._batches("prune_uploads", organization_id, limit=_UPLOADS),
        )
        if keep.runs_days is not None:
            runs = await self._walk("prune_runs", organization_id, keep.runs_days * _DAY_S, _RUNS)
            pruned += Pruned(runs=runs)
        if keep.events_days is not None:
            events = await self._walk("prune_events", organization_id, keep.events_days * _DAY_S, _RUNS)
            pruned += Pruned(events=events)
        days = [each for each in (keep.replies_days, keep.runs_days) if each is not None]
        if keep.replies_days is not None:
            age_s = keep.replies_days * _DAY_S
            pruned += Pruned(replies=await self._walk("prune_replies", organization_id, age_s, _CALLS))
        if days:
            age_s = min(days) * _DAY_S
            pruned += Pruned(
                requests=await self._batches("prune_requests", organization_id, age_s, limit=_BODIES)
            )
        return pruned

    async def _walk(self, name: str, organization_id: UUID, age_s: float, limit: int) -> int:
        """In the order of ids, until none is old enough."""
        upto: UUID | None = _NIL
        total = 0
        while upto is not None:
            row = await self._connection.fetchrow(statement(name), organization_id, age_s, upto, limit)
            assert row is not None
            total += row["rows"]
            upto = row["upto"]
        return total

    async def _batches(self, name: str, organization_id: UUID, *arguments: float, limit: int) -> int:
        """Until a batch is not full."""
        total, found = 0, limit
        while found == limit:
            found = int(await self._connection.fetchval(statement(name), organization_id, *arguments, limit))
            total += found
        return total
