"""Deleting an organization: every row of every table, in bounded transactions, under the engine's role.

Called by `actions.organization_erasure`. Invariants: the tables are those of the catalog, so that a new one is not forgotten; only
what is marked as deleted is touched (row security says so as well); in the end a row with no name stays, which refuses whoever
still knows the id.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import func, update

from tegu.domain.invariant import BrokenRow, InvariantCheck
from tegu.storage.statements import statement
from tegu.storage.tables import organizations
from tegu.storage.transaction import Transaction

_ROWS = 1000
_NOTHING_LEFT = "deleted organizations left nothing"
_CLAIM = "Of an organization that is deleted there is no row in any table"


async def mark_deleted(connection: Transaction, organization_id: UUID, name: str) -> bool:
    """From the commit on every transaction that is bound to it is refused. False: it is not called so."""
    marked = (
        update(organizations)
        .where(organizations.c.id == organization_id, organizations.c.name == name)
        .values(deleted_at=func.clock_timestamp())
    )
    return await connection.scalar(marked.returning(organizations.c.id)) is not None


async def deleted_organizations(pool: "asyncpg.Pool[asyncpg.Record]") -> list[UUID]:
    """Those that are marked, and of which something may be left."""
    return [row["id"] for row in await pool.fetch(statement("deleted_organizations"))]


class OrganizationEraser:
    """Carries out one deletion, for as long as it is called."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", organization_id: UUID, *, settle_s: float
    ) -> None:
        self._pool = pool
        self._id = organization_id
        self._settle_s = settle_s

    async def erase(self) -> int:
        """Until no table has a row of it. How many rows went."""
        total, found = 0, 1
        tables = await bound_tables(self._pool)
        while found:
            found = sum([await self._erase_table(table) for table in tables])
            total += found
        await self._entomb(is_over=False)
        # What was under way when it was marked has ended by then; and this time nothing was found.
        if total == 0:
            await self._entomb(is_over=True)
        return total

    async def _erase_table(self, table: str) -> int:
        total, limit, found = 0, _ROWS, _ROWS
        while found == limit:
            try:
                found = await self._pool.fetchval(_DELETE.format(table=table), self._id, limit)
            except asyncpg.ForeignKeyViolationError:  # another table first: it comes again
                return total
            except asyncpg.QueryCanceledError:  # large rows
                if limit == 1:
                    raise
                limit = found = max(1, limit // 10)
            else:
                total += found
        return total

    async def _entomb(self, *, is_over: bool) -> None:
        async with self._pool.acquire() as connection, connection.transaction():
            times = await connection.fetchrow(statement("drop_organization"), self._id)
            if times is not None:
                await connection.execute(
                    statement("entomb_organization"),
                    self._id,
                    times["created_at"],
                    times["deleted_at"],
                    is_over,
                    self._settle_s,
                )


async def bound_tables(
    pool: "asyncpg.Pool[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]",
) -> Sequence[str]:
    """Every table whose rows belong to organizations, quoted; runs first, so that whoever drives one is fenced off."""
    return [row["name"] for row in await pool.fetch(statement("bound_tables"))]


async def check_nothing_is_left(
    connection: "asyncpg.Connection[asyncpg.Record]", *, rows_max: int
) -> InvariantCheck:
    """For `tegu doctor`: every table is asked."""
    broken: list[BrokenRow] = []
    for table in await bound_tables(connection):
        rows = await connection.fetch(_LEFT.format(table=table), rows_max - len(broken))
        broken.extend(
            BrokenRow(row["organization_id"], None, f"{row['rows']} rows of {table} are left") for row in rows
        )
        if len(broken) >= rows_max:
            break
    return InvariantCheck(_NOTHING_LEFT, _CLAIM, tuple(broken))


# The name of a table comes from the catalog, quoted by the server; nothing that a user wrote is put in here.
_DELETE = """with gone as (
    delete from tegu.{table} where ctid = any (array (select ctid from tegu.{table} where organization_id = $1 limit $2))
    returning 1
) select count(*)::int from gone"""
_LEFT = """select organization_id, count(*) as rows from tegu.{table}
    where organization_id in (select id from tegu.organizations where erased_at is not null)
    group by organization_id limit $1"""
