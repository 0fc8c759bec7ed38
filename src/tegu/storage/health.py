"""How the database is: what `tegu doctor` shows of it.

Called by the action `doctor`. Invariant: it only reads, and shows nothing of an
organization but how many of its runs wait.
"""

from dataclasses import dataclass

import asyncpg

from tegu.domain.worker import LivingWorker, UnservedRuns
from tegu.storage.database import APP_ROLE, ENGINE_ROLE, DatabaseAddress, connect, reaching
from tegu.storage.workers import Workers

_TABLES = """
    select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as is_protected
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'tegu' and c.relkind in ('r', 'p') and c.relname <> 'alembic_version'
    order by c.relname"""
_SNAPSHOT = """
    select extract(epoch from clock_timestamp() - min(xact_start))::float8 from pg_stat_activity
    where datname = current_database() and backend_xmin is not null and pid <> pg_backend_pid()"""
_IDENTITY = "select current_user::text as name, rolsuper or rolbypassrls as is_above from pg_roles where rolname = current_user"


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role that Tegu works under. `is_above_row_security`: row security would not hold it back."""

    name: str
    is_above_row_security: bool


@dataclass(frozen=True, slots=True)
class DatabaseHealth:
    """Facts, without a verdict. `oldest_snapshot_s` is the age of the oldest open transaction; None where none is."""

    server_version: str
    server_version_number: int
    size_bytes: int
    tables: int
    unprotected_tables: tuple[str, ...]
    roles: tuple[RoleFacts, ...]
    oldest_snapshot_s: float | None


async def health(address: DatabaseAddress) -> DatabaseHealth:
    """Look. Raises StorageUnavailableError."""
    with reaching(address):
        connection = await asyncpg.connect(address.owner, timeout=10)
        try:
            tables = await connection.fetch(_TABLES)
            facts = DatabaseHealth(
                server_version=str(await connection.fetchval("show server_version")).split(" ", maxsplit=1)[
                    0
                ],
                server_version_number=int(await connection.fetchval("show server_version_num")),
                size_bytes=await connection.fetchval("select pg_database_size(current_database())"),
                tables=len(tables),
                unprotected_tables=tuple(row["name"] for row in tables if not row["is_protected"]),
                roles=await _roles(address) if tables else (),
                oldest_snapshot_s=await connection.fetchval(_SNAPSHOT),
            )
        finally:
            await connection.close()
    return facts


async def workers_and_unserved(
    address: DatabaseAddress,
) -> tuple[tuple[LivingWorker, ...], tuple[UnservedRuns, ...]]:
    """Who is alive, and how many due runs nobody of them can take. Raises StorageUnavailableError."""
    with reaching(address):
        connection = await connect(address, ENGINE_ROLE)
        try:
            workers = Workers(connection)
            return await workers.living(), await workers.unserved()
        finally:
            await connection.close()


async def _roles(address: DatabaseAddress) -> tuple[RoleFacts, ...]:
    """As whom the two doors really act, which an override of their address may have changed."""
    found: list[RoleFacts] = []
    for role in (APP_ROLE, ENGINE_ROLE):
        connection = await connect(address, role)
        try:
            row = await connection.fetchrow(_IDENTITY)
        finally:
            await connection.close()
        assert row is not None
        found.append(RoleFacts(row["name"], row["is_above"]))
    return tuple(found)
