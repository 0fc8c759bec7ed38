"""Databases on the test server."""

import asyncpg

from tegu.storage.throwaway import database_url as dsn_of

__all__ = ["administer", "dsn_of"]


async def administer(dsn: str, statement: str) -> None:
    """Run one statement as the owner."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
