"""Whether a word is anywhere in the database: in any column of any row of any table, as text or as bytes."""

from uuid import UUID

import asyncpg

from tegu.storage.database import DatabaseAddress

_TABLES = """select c.relname as name, array_agg(a.attname::text) filter (where a.atttypid = 'bytea'::regtype) as bytes,
    bool_or(a.attname = 'organization_id') as is_bound
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'tegu'::regnamespace and c.relkind = 'r' group by c.relname order by c.relname"""


async def places_of(address: DatabaseAddress, word: str) -> list[str]:
    """The tables that have it."""
    connection = await asyncpg.connect(address.owner)
    try:
        found: list[str] = []
        for table in await connection.fetch(_TABLES):
            like = " or ".join(
                [
                    "t::text ilike '%' || $1 || '%'",
                    *(f"position($1::text::bytea in t.{c}) > 0" for c in table["bytes"] or ()),
                ]
            )
            if await connection.fetchval(
                f"select exists (select 1 from tegu.{table['name']} t where {like})", word
            ):
                found.append(table["name"])
        return found
    finally:
        await connection.close()


async def rows_of(address: DatabaseAddress, organization_id: UUID) -> dict[str, int]:
    """How many rows each table has of an organization; those that have none are left out."""
    connection = await asyncpg.connect(address.owner)
    try:
        counts = {
            table["name"]: await connection.fetchval(
                f"select count(*) from tegu.{table['name']} where organization_id = $1", organization_id
            )
            for table in await connection.fetch(_TABLES)
            if table["is_bound"]
        }
        return {name: count for name, count in counts.items() if count}
    finally:
        await connection.close()
