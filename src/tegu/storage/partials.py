"""Replies under way, and who is looking: both ephemeral, and nothing is ever decided by them.

Written by the engine (`PartialStore`), a few times a second for all of a process; read by whoever follows runs, inside one
organization's transaction. Invariant: a worker that lost a run changes nothing of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import JsonValue
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from tegu.storage.statements import statement
from tegu.storage.tables import run_watches, stage_partials
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PartialWrite:
    """A reply as it is now. `partial` is JSON text; `version` rises with every write of one attempt."""

    organization_id: UUID
    run_id: UUID
    stage: str
    item: str
    call: int
    epoch: int
    attempt: int
    version: int
    partial: str | None
    text_length: int
    is_truncated: bool


@dataclass(frozen=True, slots=True)
class EndedAttempt:
    """An attempt at a stage that ended: its replies are of no more interest."""

    organization_id: UUID
    run_id: UUID
    stage: str
    item: str
    epoch: int
    attempt: int


@dataclass(frozen=True, slots=True)
class StoredPartial:
    """A reply under way, as a follower reads it."""

    run_id: UUID
    stage: str
    item: str
    call: int
    attempt: int
    version: int
    partial: JsonValue
    text_length: int
    is_truncated: bool
    updated_at: datetime


class PartialStore:
    """The engine's side, on its pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def write(self, writes: Sequence[PartialWrite], ended: Sequence[EndedAttempt]) -> None:
        """One statement for all. Of one reply there must be one write at most."""
        columns = [*_columns(11, writes), *_columns(6, ended)]
        await self._pool.execute(statement("write_partials"), *columns)

    async def is_watched(self, organization_id: UUID, run_id: UUID) -> bool:
        """Whether somebody follows the run."""
        return bool(await self._pool.fetchval(statement("is_watched"), organization_id, run_id))

    async def sweep(self, *, older_than_s: float) -> None:
        """Drop what nobody dropped."""
        await self._pool.execute(statement("sweep_partials"), older_than_s)


async def watch_runs(
    connection: Transaction, organization_id: UUID, run_ids: Iterable[UUID], *, for_s: float
) -> None:
    """Somebody follows these runs for so long from now: their next calls are streamed."""
    until = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, for_s)
    rows = [{"organization_id": organization_id, "run_id": run_id} for run_id in sorted(set(run_ids))]
    if not rows:
        return
    made = insert(run_watches).values([row | {"until": until} for row in rows])
    await connection.execute(
        made.on_conflict_do_update(
            index_elements=["organization_id", "run_id"],
            set_={"until": func.greatest(run_watches.c.until, made.excluded.until)},
        )
    )


async def partials_of(
    connection: Transaction, organization_id: UUID, run_ids: Iterable[UUID], *, limit: int = 1000
) -> list[StoredPartial]:
    """The replies under way of these runs. Whether their attempts still are is for the events to say."""
    columns = stage_partials.c
    query = (
        select(
            columns.run_id,
            columns.stage,
            columns.item,
            columns.call,
            columns.attempt,
            columns.version,
            columns.partial,
            columns.text_length,
            columns.is_truncated,
            columns.updated_at,
        )
        .where(columns.organization_id == organization_id, columns.run_id.in_(list(run_ids)))
        .order_by(columns.run_id, columns.stage, columns.item, columns.call)
        .limit(limit)
    )
    return [StoredPartial(*row) for row in await connection.execute(query)]


def _columns(width: int, rows: Sequence[PartialWrite] | Sequence[EndedAttempt]) -> list[list[object]]:
    found: list[list[object]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(found, astuple(row), strict=True):
            column.append(value)
    return found
