"""Deletions of contents: asked for by the app's role, carried out by the engine's in bounded transactions.

Called by `actions.erasures`, which repeats `step` until there is nothing to do. Invariants: every step may be repeated and may be
cut off anywhere; a content is a tombstone only after its runs are; what ended is not touched again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import asyncpg
from sqlalchemy import RowMapping, func, insert, select

from tegu.domain.content import Content
from tegu.domain.ids import new_id
from tegu.domain.privacy import Erasure
from tegu.storage.rows import paged
from tegu.storage.statements import statement
from tegu.storage.tables import erasures
from tegu.storage.transaction import Transaction

_NIL = UUID(int=0)
_MARKED = 200
_LOOKED = 2000
_RUNS = 100
_PURGED = 50
UNDER_WAY_MAX = 100

EraseKey = tuple[UUID, UUID]
"""Organization and erasure."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done."""

    contents: int = 0
    runs: int = 0
    calls: int = 0
    size_bytes: int = 0

    def __add__(self, other: "Progress") -> "Progress":
        return Progress(
            self.contents + other.contents,
            self.runs + other.runs,
            self.calls + other.calls,
            self.size_bytes + other.size_bytes,
        )


async def insert_erasure(
    connection: Transaction,
    organization_id: UUID,
    *,
    content: Content | None = None,
    address: str | None = None,
) -> UUID:
    """Ask for the deletion of one content with all that came with it, or of all e-mails from and to an address."""
    erasure_id = new_id()
    await connection.execute(
        insert(erasures).values(
            organization_id=organization_id,
            id=erasure_id,
            content_id=content.id if content else None,
            address=address,
            created_at=func.clock_timestamp(),
        )
    )
    return erasure_id


async def get_erasure(connection: Transaction, organization_id: UUID, erasure_id: UUID) -> Erasure | None:
    """One, as far as it is."""
    query = select(erasures).where(erasures.c.organization_id == organization_id, erasures.c.id == erasure_id)
    row = (await connection.execute(query)).mappings().first()
    return _erasure(row) if row is not None else None


async def list_erasures(
    connection: Transaction, organization_id: UUID, *, after: UUID | None, limit: int
) -> list[Erasure]:
    """The newest, after a row."""
    query = select(erasures).where(erasures.c.organization_id == organization_id)
    query = paged(query, erasures.c.id, after=after, limit=limit)
    return [_erasure(row) for row in (await connection.execute(query)).mappings()]


async def under_way(pool: "asyncpg.Pool[asyncpg.Record]") -> list[EraseKey]:
    """Those of all organizations that have not ended, the oldest first."""
    rows = await pool.fetch(statement("erasures_under_way"), UNDER_WAY_MAX)
    return [(row["organization_id"], row["id"]) for row in rows]


class Eraser:
    """Carries out one erasure, for as long as it is called. `settle_s`: after which time whatever was being written when the
    last content was deleted has ended.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", key: EraseKey, *, settle_s: float) -> None:
        self._pool = pool
        self._organization_id, self._id = key
        self._settle_s = settle_s

    async def step(self) -> bool:
        """Do a bounded piece of it. False: there is nothing to do, now (until it has settled) or for good."""
        row = await self._pool.fetchrow(statement("find_erasure"), self._organization_id, self._id)
        if row is None or row["ended_at"] is not None:
            return False
        if row["erased_at"] is None:
            has_more = await self._mark(row)
            done = await self._erase(row["created_at"])
            is_over = not has_more and done == Progress()
            await self._note(done, is_erased=is_over)
            return not is_over
        if (row["now"] - row["erased_at"]).total_seconds() < self._settle_s:
            return False
        await self._look_again(row["created_at"])
        return False

    async def _mark(self, row: asyncpg.Record) -> bool:
        """Whether there is more to mark."""
        if row["address"] is not None:
            marked = await self._pool.fetchrow(
                statement("mark_subject"), self._organization_id, self._id, _LOOKED
            )
            assert marked is not None
            return bool(marked["has_more"])
        found = await self._pool.fetchval(
            statement("mark_content"), self._organization_id, row["content_id"], _MARKED
        )
        return int(found) == _MARKED

    async def _erase(self, since: object) -> Progress:
        """Some runs over what is marked; when there are none, some of the contents."""
        runs = await self._runs(since)
        if runs:
            calls = await self._erase_runs(runs)
            return Progress(runs=len(runs), calls=calls)
        return await self._purge()

    async def _runs(self, since: object) -> list[UUID]:
        rows = await self._pool.fetch(statement("runs_to_erase"), self._organization_id, since, _RUNS)
        return [row["id"] for row in rows]

    async def _erase_runs(self, runs: Sequence[UUID]) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(statement("cut_runs"), self._organization_id, runs)
            # A statement of its own: it sees what owners had written until they were cut off.
            return int(await connection.fetchval(statement("clear_runs"), self._organization_id, runs))

    async def _purge(self) -> Progress:
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(statement("contents_to_purge"), self._organization_id, _PURGED)
            ids = [row["id"] for row in rows]
            gone = await connection.fetchrow(statement("purge_contents"), self._organization_id, ids)
            assert gone is not None
            return Progress(contents=gone["contents"], size_bytes=gone["size_bytes"])

    async def _look_again(self, since: object) -> None:
        """What was written by statements that were under way when the runs and contents were marked."""
        done = Progress()
        upto = _NIL
        while rows := await self._pool.fetch(
            statement("erased_runs"), self._organization_id, since, upto, _RUNS
        ):
            upto = rows[-1]["id"]
            cleared = await self._erase_runs([row["id"] for row in rows])
            done = replace(done, calls=done.calls + cleared)
        while (more := await self._erase(since)) != Progress():
            done += more
        await self._pool.fetchval(statement("drop_orphans"), self._organization_id, since)
        await self._note(done, is_erased=True, has_ended=True)

    async def _note(self, done: Progress, *, is_erased: bool, has_ended: bool = False) -> None:
        await self._pool.execute(
            statement("note_erasure"),
            self._organization_id,
            self._id,
            done.contents,
            done.runs,
            done.calls,
            done.size_bytes,
            is_erased,
            has_ended,
        )


def _erasure(row: RowMapping) -> Erasure:
    names = (
        "id",
        "content_id",
        "contents",
        "runs",
        "calls",
        "size_bytes",
        "created_at",
        "erased_at",
        "ended_at",
    )
    return Erasure(**{name: row[name] for name in names})
