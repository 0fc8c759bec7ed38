"""A caller's connection, of whatever driver, as a `Transaction`: our statements are compiled for it and run on it.

Called by `joined`. There is one text of every statement, SQLAlchemy's; a driver's own connection is given what SQLAlchemy
compiles for that driver, and what comes back becomes SQLAlchemy's rows. Invariants: nothing is set on the caller's connection
(no codec, no adapter, no row factory), nothing begins, commits, rolls back or closes; on a synchronous connection no
`await` ever suspends, so that `run_now` can run the same coroutines without an event loop.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import Connection, Dialect, Executable, Result, ScalarResult
from sqlalchemy.engine import make_url
from sqlalchemy.engine.result import IteratorResult, SimpleResultMetaData
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from tegu.domain.errors import UsageError
from tegu.storage.transaction import Transaction

Rows = Result[*tuple[Any, ...]]
_T = TypeVar("_T")

# What Django and others replace on their connections: our cursors take psycopg's own again.
_PSYCOPG_TYPES = ("uuid", "timestamptz", "text", "varchar", "bytea", "int4", "int8", "bool", "float8")


@dataclass(frozen=True, slots=True)
class Loan:
    """A caller's connection as a transaction. `bottom` is the same object whatever wraps the connection."""

    transaction: Transaction
    bottom: object
    is_synchronous: bool


async def borrow(connection: object) -> Loan:
    """The caller's connection as a transaction. Raises UsageError for what is no connection that we know, and for one of
    another event loop.
    """
    match connection:
        case AsyncConnection():
            _check_postgresql(connection.dialect)
            driver = (await connection.get_raw_connection()).driver_connection
            if isinstance(driver, asyncpg.Connection):
                _check_loop(driver)
            return Loan(connection, connection.sync_connection, is_synchronous=False)
        case AsyncSession():
            return await borrow(await connection.connection())
        case Connection():
            _check_postgresql(connection.dialect)
            return Loan(BorrowedSqlalchemy(connection), connection, is_synchronous=True)
        case Session():
            return await borrow(connection.connection())
        case PoolConnectionProxy():
            inner: Any = getattr(connection, "_con", None)  # None once it was released
            if inner is not None:
                _check_loop(inner)
            return Loan(BorrowedAsyncpg(connection), inner or connection, is_synchronous=False)
        case asyncpg.Connection():
            _check_loop(connection)
            return Loan(BorrowedAsyncpg(connection), connection, is_synchronous=False)
        case _:
            return _borrow_psycopg(connection)


def _check_loop(connection: Any) -> None:
    """A connection of asyncpg's that is used in another loop than its own is lost to its owner as well."""
    if getattr(connection, "_loop", None) is not asyncio.get_running_loop():
        raise UsageError(
            "the connection belongs to another event loop",
            hint="open it in the loop that calls Tegu: one that is made at import, or by another `asyncio.run`, is none of it",
        )


def check_synchronous(connection: object) -> None:
    """Raises UsageError for a connection that has to be awaited."""
    kind = _kind(connection)
    is_known = isinstance(
        connection, AsyncConnection | AsyncSession | asyncpg.Connection | PoolConnectionProxy
    )
    psycopg = sys.modules.get("psycopg")
    if is_known or (psycopg is not None and isinstance(connection, psycopg.AsyncConnection)):
        raise UsageError(
            f"a {kind} must be awaited, and SyncTegu cannot",
            hint="give it a synchronous connection (psycopg, SQLAlchemy, Django), or use `Tegu` in the event loop",
        )


def run_now(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that only ever awaits a borrowed synchronous connection, in this thread, without an event loop."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise AssertionError("a transaction on a synchronous connection waited for something else")


class _Borrowed(Protocol):
    """What every borrowed connection can do, once it can `execute`."""

    async def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None, /
    ) -> Rows: ...

    async def scalar(self, statement: Executable, /) -> Any:
        return (await self.execute(statement)).scalar()

    async def scalars(self, statement: Executable, /) -> ScalarResult[Any]:
        return (await self.execute(statement)).scalars()


class BorrowedSqlalchemy(_Borrowed):
    """A synchronous connection of SQLAlchemy's."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None, /) -> Rows:
        """See Transaction."""
        return self._connection.execute(statement, parameters)


class BorrowedAsyncpg(_Borrowed):
    """A connection of asyncpg's, its own or one from its pool."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None, /) -> Rows:
        """See Transaction."""
        query, values, order = _rendered(statement, parameters, "asyncpg")
        rows = await self._connection.fetch(query, *(values[name] for name in order))
        keys = list(rows[0].keys()) if rows else _names(statement)
        return _result(statement, "asyncpg", keys, [tuple(row.values()) for row in rows])


class BorrowedPsycopg(_Borrowed):
    """A connection of psycopg's, async or not."""

    def __init__(
        self,
        cursor: Callable[[], Any],
        *,
        is_async: bool,
        errors: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ) -> None:
        self._cursor = cursor
        self._is_async = is_async
        self._errors = errors

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None, /) -> Rows:
        """See Transaction."""
        query, values, _ = _rendered(statement, parameters, "psycopg")
        with self._errors():
            cursor, keys, rows = self._own_cursor(), list[str](), list[Sequence[Any]]()
            if self._is_async:
                async with cursor:
                    await cursor.execute(query, values)
                    if cursor.description:
                        keys, rows = _columns(cursor), await cursor.fetchall()
            else:
                with cursor:
                    cursor.execute(query, values)
                    if cursor.description:
                        keys, rows = _columns(cursor), cursor.fetchall()
        return _result(statement, "psycopg", keys, rows)

    def _own_cursor(self) -> Any:
        from psycopg import adapters
        from psycopg.pq import Format

        cursor = self._cursor()
        for name in _PSYCOPG_TYPES:
            oid = adapters.types[name].oid
            loader = adapters.get_loader(oid, Format.TEXT)
            if loader is not None:
                cursor.adapters.register_loader(oid, loader)
        return cursor


def _borrow_psycopg(connection: object) -> Loan:
    psycopg = sys.modules.get("psycopg")
    if psycopg is not None and isinstance(connection, psycopg.AsyncConnection):
        awaited = BorrowedPsycopg(
            lambda: psycopg.AsyncCursor(connection, row_factory=psycopg.rows.tuple_row), is_async=True
        )
        return Loan(awaited, connection, is_synchronous=False)
    if psycopg is not None and isinstance(connection, psycopg.Connection):
        blocking = BorrowedPsycopg(
            lambda: psycopg.Cursor(connection, row_factory=psycopg.rows.tuple_row), is_async=False
        )
        return Loan(blocking, connection, is_synchronous=True)
    if psycopg is not None and _is_django(connection):
        django: Any = connection
        django.ensure_connection()
        inner = django.connection
        if isinstance(inner, psycopg.Connection):
            # Its own exceptions, as the code around us expects them.
            wrapped = BorrowedPsycopg(
                lambda: psycopg.Cursor(inner, row_factory=psycopg.rows.tuple_row),
                is_async=False,
                errors=lambda: django.wrap_database_errors,
            )
            return Loan(wrapped, inner, is_synchronous=True)
    raise UsageError(
        f"a {_kind(connection)} is no connection that Tegu can join",
        hint="give it SQLAlchemy's AsyncConnection, AsyncSession, Connection or Session on PostgreSQL, a connection of"
        " asyncpg or psycopg 3, or django.db.connection on psycopg 3",
    )


def _kind(connection: object) -> str:
    return f"{type(connection).__module__}.{type(connection).__qualname__}"


def _is_django(connection: object) -> bool:
    return hasattr(connection, "ensure_connection") and hasattr(connection, "wrap_database_errors")


def _check_postgresql(dialect: Dialect) -> None:
    if dialect.name != "postgresql":
        raise UsageError(
            f"the connection is to {dialect.name}, and Tegu lives in PostgreSQL",
            hint="give it a connection to the database of DATABASE_URL",
        )


@cache
def _dialect(driver: str) -> Dialect:
    made: Any = make_url(f"postgresql+{driver}://").get_dialect()
    return made(dbapi=made.import_dbapi())


def _rendered(
    statement: Executable, parameters: Mapping[str, Any] | None, driver: str
) -> tuple[str, dict[str, Any], Sequence[str]]:
    """A statement as the driver takes it: its text, its values by name as the driver sends them, and their order."""
    assert isinstance(statement, ClauseElement)
    dialect = _dialect(driver)
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    state = compiled.construct_expanded_state(parameters)
    writers: dict[str, Any] = {
        name: parameter.type.dialect_impl(dialect).bind_processor(dialect)
        for parameter, name in compiled.bind_names.items()
        if name not in state.parameter_expansion
    }
    writers.update(state.processors)  # of the values of an IN, each by itself
    values = {
        name: write(value) if (write := writers.get(name)) else value
        for name, value in dict(state.parameters).items()
    }
    return state.statement, values, state.positiontup or ()


def _columns(cursor: Any) -> list[str]:
    return [column.name for column in cursor.description]


def _names(statement: Any) -> list[str]:
    columns = getattr(statement, "exported_columns", ())
    return [column.key or column.name for column in columns]


_NUMERIC_OID = 1700
"""Asked for by numeric columns alone, which are all of this type: floats have a type of their own."""


def _result(statement: Any, driver: str, keys: Sequence[str], rows: Sequence[Sequence[Any]]) -> Rows:
    """Driver's rows as SQLAlchemy's, their values read as the statement's columns say."""
    dialect = _dialect(driver)
    readers = [
        column.type.dialect_impl(dialect).result_processor(dialect, _NUMERIC_OID)
        for column in getattr(statement, "exported_columns", ())
    ]
    if any(readers):
        rows = [
            tuple(read(value) if read else value for read, value in zip(readers, row, strict=True))
            for row in rows
        ]
    return IteratorResult(SimpleResultMetaData(list(keys)), iter(rows))
