"""Completion hooks and their deliveries; the checkpoint makes them, in the statement that ends the run.

Called by the engine's deliverer, under tegu_engine, and (`list_deliveries`) by the actions. Invariant: a delivery is
removed only by whoever holds its token, after the hook returned, or for its age.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic_core import from_json
from sqlalchemy import select

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.errors import ErrorInfo
from tegu.domain.hook import HookDelivery, RunEnded
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.storage.rows import paged_by
from tegu.storage.statements import statement
from tegu.storage.tables import hook_deliveries
from tegu.storage.transaction import Transaction
from tegu.storage.visible import runs_seen

PRUNE_MAX = 1000


@dataclass(frozen=True, slots=True)
class Subscription:
    """A hook that a process has; `pipeline` None means all of them."""

    name: str
    event: str
    pipeline: str | None


@dataclass(frozen=True, slots=True)
class Room:
    """How many calls of a hook may begin in this process, where so many are under way."""

    hook: str
    limit: int
    under_way: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that is ours for a while."""

    organization_id: UUID
    hook: str
    ended: RunEnded

    @property
    def key(self) -> tuple[UUID, UUID, str]:
        """(organization, run, hook)."""
        return self.organization_id, self.ended.run_id, self.hook


class Deliveries:
    """The statements, on the engine's pool. `token` names whoever holds what it claims."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", token: UUID) -> None:
        self._pool = pool
        self._token = token

    async def subscribe(self, hooks: Sequence[Subscription]) -> None:
        """Say that these hooks exist, and that they still do."""
        columns = [h.name for h in hooks], [h.event for h in hooks], [h.pipeline for h in hooks]
        await self._pool.execute(statement("subscribe_hooks"), *columns)

    async def claim(self, rooms: Sequence[Room], *, limit: int, lease_s: float) -> list[Delivery]:
        """Take up to `limit` due deliveries for these hooks, in turn."""
        columns = [r.hook for r in rooms], [r.limit for r in rooms], [r.under_way for r in rooms]
        rows = await self._pool.fetch(statement("claim_deliveries"), *columns, limit, lease_s, self._token)
        return [_delivery(row) for row in rows]

    async def renew(self, held: Sequence[Delivery], *, lease_s: float) -> None:
        """Keep what is under way."""
        keys = [delivery.key for delivery in held]
        columns = [[key[i] for key in keys] for i in range(3)]
        await self._pool.execute(statement("renew_deliveries"), *columns, self._token, lease_s)

    async def end(self, delivery: Delivery) -> None:
        """The hook returned."""
        await self._pool.execute(statement("end_delivery"), *delivery.key, self._token)

    async def put_off(self, delivery: Delivery, *, delay_s: float | None, error: str | None) -> None:
        """The hook raised `error` (JSON): try again after `delay_s`, or never (None). Without an error it is handed back
        as if it had not been tried.
        """
        arguments = (*delivery.key, self._token, delay_s, error, error is not None)
        await self._pool.execute(statement("put_off_delivery"), *arguments)

    async def prune(self, *, age_s: float) -> list[str]:
        """Forget what is too old, a batch of it, and hooks that no process has; the hooks that lost a waiting delivery."""
        rows = await self._pool.fetch(statement("prune_deliveries"), age_s, PRUNE_MAX)
        await self._pool.execute(statement("forget_hooks"), age_s)
        return sorted({row["hook"] for row in rows if row["was_waiting"]})


async def list_deliveries(
    transaction: Transaction,
    organization_id: UUID,
    *,
    failed: bool | None = None,
    after: tuple[UUID, str] | None = None,
    limit: int = 50,
    rows: Rows = ALL_ROWS,
) -> list[HookDelivery]:
    """Deliveries that did not go well yet, of the newest runs first: all of them, the failed, or the others; after that of
    a run to a hook.
    """
    columns = hook_deliveries.c
    query = select(hook_deliveries).where(
        columns.organization_id == organization_id, runs_seen(organization_id, rows, columns.run_id)
    )
    if failed is not None:
        query = query.where(columns.failed_at.is_not(None) if failed else columns.failed_at.is_(None))
    query = paged_by(query, (columns.run_id, columns.hook), after=after, limit=limit)
    return [
        HookDelivery(
            run_id=row["run_id"],
            hook=row["hook"],
            attempt=row["attempt"],
            due_at=row["due_at"],
            error=ErrorInfo.from_json(row["error"]) if row["error"] else None,
            created_at=row["created_at"],
            failed_at=row["failed_at"],
        )
        for row in (await transaction.execute(query)).mappings()
    ]


def _delivery(row: asyncpg.Record) -> Delivery:
    metadata: JsonObject = from_json(row["metadata"])
    ended = RunEnded(
        delivery_id=f"{row['run_id']}:{row['hook']}",
        attempt=row["attempt"],
        organization=row["external_id"] or "",
        run_id=row["run_id"],
        pipeline=row["pipeline"],
        status=RunStatus(row["status"]),
        metadata=metadata,
        error=ErrorInfo.from_json(from_json(row["error"])) if row["error"] else None,
        ended_at=row["ended_at"],
    )
    return Delivery(row["organization_id"], row["hook"], ended)
