"""A host application's open transactions, with every driver that Tegu can join."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine

from tegu.actions.runs import StartOptions
from tegu.domain.json import JsonObject
from tegu.storage.database import DatabaseAddress

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}
MAIL = b"""From: Anna Lind <anna@example.com>\r
To: support@shop.example\r
Subject: Charged twice\r
Date: Mon, 02 Nov 2026 09:01:00 +0000\r
Message-ID: <1@example.com>\r
\r
I was charged twice.\r
"""
TABLES = (
    "contents",
    "blobs",
    "texts",
    "mail_threads",
    "mail_references",
    "pipelines",
    "pipeline_versions",
    "runs",
    "idempotency_keys",
)


@dataclass
class Host:
    """A caller's open transaction: the connection that it hands over, and how it runs its own statements."""

    connection: Any
    execute: Callable[[str], Awaitable[Any]]


class Rollback(Exception):  # noqa: N818 (no error: the host changes its mind)
    pass


Open = Callable[[str], AbstractAsyncContextManager[Host]]


@asynccontextmanager
async def with_asyncpg(dsn: str) -> AsyncGenerator[Host]:
    connection = await asyncpg.connect(dsn)
    # A host's own idea of JSON must be neither used nor lost.
    await connection.set_type_codec(
        "jsonb", encoder=lambda v: v, decoder=lambda v: ("host", v), schema="pg_catalog"
    )
    try:
        async with connection.transaction():
            yield Host(connection, connection.fetchval)
            assert (await connection.fetchval("select '1'::jsonb"))[0] == "host"
    finally:
        await connection.close()


@asynccontextmanager
async def with_asyncpg_pool(dsn: str) -> AsyncGenerator[Host]:
    async with (
        asyncpg.create_pool(dsn, min_size=1, max_size=1) as pool,
        pool.acquire() as connection,
        connection.transaction(),
    ):
        yield Host(connection, connection.fetchval)


@asynccontextmanager
async def with_psycopg(dsn: str) -> AsyncGenerator[Host]:
    opened: Any = await psycopg.AsyncConnection.connect(dsn)
    async with opened as connection:
        connection.row_factory = dict_row  # which ours must not depend on

        async def execute(query: str) -> Any:
            cursor = await connection.execute(query.encode())
            row = await cursor.fetchone() if cursor.description else None
            return next(iter(row.values())) if row else None

        yield Host(connection, execute)


@asynccontextmanager
async def with_psycopg_sync(dsn: str) -> AsyncGenerator[Host]:
    with psycopg.connect(dsn) as connection:

        async def execute(query: str) -> Any:
            cursor = connection.execute(query.encode())
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

        yield Host(connection, execute)


def with_sqlalchemy(driver: str) -> Open:
    @asynccontextmanager
    async def opened(dsn: str) -> AsyncGenerator[Host]:
        engine = create_async_engine(dsn.replace("postgresql://", f"postgresql+{driver}://"))
        try:
            async with engine.begin() as connection:
                yield Host(connection, of_sqlalchemy(connection))
        finally:
            await engine.dispose()

    return opened


def of_sqlalchemy(connection: AsyncConnection | AsyncSession) -> Callable[[str], Awaitable[Any]]:
    async def execute(query: str) -> Any:
        result = await connection.execute(text(query))
        return result.scalar() if result.returns_rows else None  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownVariableType]

    return execute


@asynccontextmanager
async def with_session(dsn: str) -> AsyncGenerator[Host]:
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    try:
        async with AsyncSession(engine) as session, session.begin():
            yield Host(session, of_sqlalchemy(session))
    finally:
        await engine.dispose()


@asynccontextmanager
async def with_sqlalchemy_sync(dsn: str) -> AsyncGenerator[Host]:
    engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://"))
    try:
        with engine.begin() as connection:

            async def execute(query: str) -> Any:
                result = connection.execute(text(query))
                return result.scalar() if result.returns_rows else None

            yield Host(connection, execute)
    finally:
        engine.dispose()


DRIVERS: dict[str, Open] = {
    "asyncpg": with_asyncpg,
    "asyncpg pool": with_asyncpg_pool,
    "psycopg": with_psycopg,
    "psycopg sync": with_psycopg_sync,
    "sqlalchemy asyncpg": with_sqlalchemy("asyncpg"),
    "sqlalchemy psycopg": with_sqlalchemy("psycopg"),
    "sqlalchemy session": with_session,
    "sqlalchemy sync": with_sqlalchemy_sync,
}
every_driver = pytest.mark.parametrize("driver", DRIVERS)
KEYED = StartOptions(idempotency_key="ticket-1", metadata={"ticket": 1})


async def counts(address: DatabaseAddress) -> dict[str, int]:
    connection = await asyncpg.connect(address.owner)
    try:
        return {name: await connection.fetchval(f"select count(*) from tegu.{name}") for name in TABLES}
    finally:
        await connection.close()
