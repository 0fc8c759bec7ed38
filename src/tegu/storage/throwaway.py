"""Databases that live as long as a test: made by cloning a migrated template, dropped when it ends.

Called by the pytest plugin. Invariant: it only touches databases whose names it is given.
"""

import re
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tegu.domain.errors import UsageError
from tegu.storage.database import DatabaseAddress, reaching

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def database_url(server_url: str, name: str) -> str:
    """The URL of another database on the same server."""
    return urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))


async def create_database(server_url: str, name: str, *, template: str | None = None) -> None:
    """Make a database, a copy of `template` where one is named. Raises StorageUnavailableError."""
    copy = f" template {_checked(template)}" if template else ""
    await _execute(server_url, f"create database {_checked(name)}{copy}")


async def drop_database(server_url: str, name: str) -> None:
    """Drop a database, whoever is connected."""
    await _execute(server_url, f"drop database if exists {_checked(name)} with (force)")


async def _execute(server_url: str, command: str) -> None:
    with reaching(DatabaseAddress(server_url)):
        connection = await asyncpg.connect(server_url, timeout=10)
        try:
            await connection.execute(command)
        finally:
            await connection.close()


def _checked(name: str) -> str:
    """Names of databases cannot be parameters."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name of a database", hint="lower case letters, digits and _")
    return name
