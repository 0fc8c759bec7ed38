"""Databases on the test server."""

import asyncpg


def dsn_of(server_dsn: str, database: str) -> str:
    """The DSN of another database on the same server."""
    return server_dsn.replace("/postgres?", f"/{database}?", 1)


async def administer(dsn: str, statement: str) -> None:
    """Run one statement as the owner."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
