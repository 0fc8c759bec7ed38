"""Bring a database to this version's schema. Safe from several processes at once: one advisory lock, forward only.

Called by `tegu migrate`, the demo and the tests. Alembic keeps its version table in the schema `tegu`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from tegu.domain.errors import ConfigurationError
from tegu.storage.database import DatabaseAddress, reaching

if TYPE_CHECKING:
    # And where it is used: a command that asks for none of it would start a tenth later.
    from alembic.config import Config

_LOCK = 0x7465_6775  # "tegu"
_MIN_SERVER_VERSION = 150000


async def migrate(address: DatabaseAddress) -> tuple[str | None, str]:
    """Run what is missing. Returns the revision before (None: a new database) and after."""
    engine = _owner_engine(address)
    try:
        with reaching(address):
            async with engine.connect() as connection:
                await connection.run_sync(_check_server)
                await connection.execute(text("select pg_advisory_lock(:key)"), {"key": _LOCK})
                await connection.commit()
                try:
                    before = await connection.run_sync(_revision)
                    if before != head():
                        await connection.run_sync(_upgrade)
                    after = await connection.run_sync(_revision)
                finally:
                    await connection.rollback()
                    await connection.execute(text("select pg_advisory_unlock(:key)"), {"key": _LOCK})
                    await connection.commit()
    finally:
        await engine.dispose()
    return before, after or head()


async def current_revision(address: DatabaseAddress) -> str | None:
    """The revision that the database is at; None before the first migration."""
    engine = _owner_engine(address)
    try:
        with reaching(address):
            async with engine.connect() as connection:
                return await connection.run_sync(_revision)
    finally:
        await engine.dispose()


def head() -> str:
    """The revision of this version of Tegu."""
    from alembic.script import ScriptDirectory

    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None
    return revision


def _owner_engine(address: DatabaseAddress) -> AsyncEngine:
    async def creator() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(address.owner, timeout=10)

    return create_async_engine("postgresql+asyncpg://", async_creator=creator, poolclass=NullPool)


def _config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _check_server(connection: Connection) -> None:
    version = int(connection.execute(text("show server_version_num")).scalar_one())
    if version < _MIN_SERVER_VERSION:
        raise ConfigurationError(
            f"PostgreSQL {version // 10000} is too old", hint="Tegu needs PostgreSQL 15 or newer"
        )


def _revision(connection: Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"version_table_schema": "tegu"})
    return context.get_current_revision()


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(_config(connection), "head")
    # After whatever a migration made: a new table cannot be forgotten when an organization is deleted.
    connection.exec_driver_sql(
        Path(__file__).with_name("migrations").joinpath("erasure_rights.sql").read_text("utf-8")
    )
    connection.commit()
