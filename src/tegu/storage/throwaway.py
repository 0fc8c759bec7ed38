"""Databases that live as long as a test: made by cloning a migrated template, dropped when it ends.

Called by the pytest plugin. Invariant: it only touches databases whose names it is given.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tegu.domain.errors import UsageError
from tegu.storage.database import DatabaseAddress, reaching

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def database_url(server_url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


async def keep_nothing_safe(server_url: str) -> None:
    """Tell a server that is thrown away to wait for no disk. A process of it may still die and nothing committed is lost; with
    the power everything is.
    """
    async with _connected(server_url) as connection:
        await connection.execute("alter system set fsync = off")
        await connection.execute("alter system set full_page_writes = off")
        await connection.execute("select pg_reload_conf()")


async def create_database(server_url: str, name: str, *, template: str | None = None) -> None:
    """Make a database, a copy of `template` where one is named. Raises StorageUnavailableError."""
    async with _connected(server_url) as connection:
        copy = f" template {_checked(template)}" if template else ""
        if template and await connection.fetchval("show fsync") == "off":
            copy += " strategy file_copy"  # half the work where nobody waits for the disk, else three times as long
        await connection.execute(f"create database {_checked(name)}{copy}")


async def drop_database(server_url: str, name: str) -> None:
    """Drop a database, whoever is connected."""
    async with _connected(server_url) as connection:
        await connection.execute(f"drop database if exists {_checked(name)} with (force)")


@asynccontextmanager
async def _connected(server_url: str) -> "AsyncGenerator[asyncpg.Connection[asyncpg.Record]]":
    with reaching(DatabaseAddress(server_url)):
        connection = await asyncpg.connect(server_url, timeout=10)
        try:
            yield connection
        finally:
            await connection.close()


def _checked(name: str) -> str:
    """Names of databases cannot be parameters."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a database", hint="lower case letters, digits and _")
    return name
