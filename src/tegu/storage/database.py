"""Connections: who connects as which role, and the two doors into the database.

Called by `app`, which opens one Database per process. Invariant: user-facing SQL runs as tegu_app inside
`transaction(organization_id)`, the engine's as tegu_engine; neither role owns a table or bypasses row security.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionInTimeError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from tegu.domain.errors import ConfigurationError, StorageUnavailableError, UsageError
from tegu.storage import embedded
from tegu.storage.outages import passes
from tegu.storage.transaction import bind

APP_ROLE = "tegu_app"
ENGINE_ROLE = "tegu_engine"

# For the engine's batch statements: joins with unnest must stay nested loops over the key, whatever the statistics say.
_ENGINE_SETTINGS = {
    "enable_seqscan": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
    "statement_timeout": "30000",
    "idle_in_transaction_session_timeout": "15000",
    "application_name": "tegu engine",
}
_APP_SETTINGS = {
    "statement_timeout": "30000",
    "idle_in_transaction_session_timeout": "60000",
    "application_name": "tegu app",
    "jit": "off",
}
_CONNECT_TIMEOUT_S = 10.0
_LONG_TRANSACTIONS_MAX = 2
DRIVER_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is. `owner` migrates; `app` and `engine` override how the two roles connect.

    Without an override the embedded server is reached as the role itself, an own server as the owner's login with the
    role set for the whole session.
    """

    owner: str
    is_embedded: bool = False
    app: str | None = None
    engine: str | None = None
    answer_s: float = 35.0
    """How long an answer may take: a little more than the server's own limit, for one that does not answer at all."""
    connection_class: "type[asyncpg.Connection[asyncpg.Record]] | None" = None
    """Instead of the driver's own: for tests of faults."""

    def role_arguments(self, role: str, settings: dict[str, str]) -> dict[str, Any]:
        """Arguments for asyncpg's connect and create_pool."""
        more: dict[str, Any] = {"command_timeout": self.answer_s}
        if self.connection_class is not None:
            more["connection_class"] = self.connection_class
        own = self.app if role == APP_ROLE else self.engine
        if own is not None:
            return {"dsn": own, "server_settings": settings, **more}
        if self.is_embedded:
            return {"dsn": self.owner, "user": role, "server_settings": settings, **more}
        return {"dsn": self.owner, "server_settings": settings | {"role": role}, **more}


async def resolve(
    *, database_url: str | None, home: Path, app_url: str | None = None, engine_url: str | None = None
) -> DatabaseAddress:
    """The address of DATABASE_URL, or of the embedded server, which is started."""
    if database_url:
        dsn = database_url.replace("postgresql+asyncpg://", "postgresql://", 1)
        for name, url in (
            ("DATABASE_URL", dsn),
            ("TEGU_APP_DATABASE_URL", app_url),
            ("TEGU_ENGINE_DATABASE_URL", engine_url),
        ):
            _check_url(name, url)
        return DatabaseAddress(dsn, app=app_url, engine=engine_url)
    return DatabaseAddress(await embedded.start(home), is_embedded=True)


def _check_url(name: str, url: str | None) -> None:
    """The driver's own errors about a malformed URL quote pieces of it, which may be the password."""
    if url is None:
        return
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"postgresql", "postgres"} and "#" not in url
        # Several hosts are allowed; each has its port.
        hosts = parts.netloc.rpartition("@")[2].split(",")
        is_good = is_good and all(re.fullmatch(r"(\[[^\]]*\]|[^:]*)(:\d{0,5})?", host) for host in hosts)
    except ValueError:
        is_good = False
    if not is_good:
        raise ConfigurationError(
            f"{name} is no PostgreSQL URL",
            hint="postgresql://user:password@host:5432/database; in the password write / as %2F, # as %23, @ as %40",
        ) from None


class Database:
    """The two doors. Open it in the event loop that uses it; `close` it there."""

    def __init__(
        self, address: DatabaseAddress, *, engine_connections: int = 8, app_connections: int = 8
    ) -> None:
        self.address = address
        self._engine_connections = engine_connections
        self._app: AsyncEngine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=self._connect_app,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=app_connections,
            max_overflow=0,
            pool_timeout=10,
            hide_parameters=True,  # an error must not quote what people stored
        )
        event.listen(self._app.sync_engine, "checkin", _forget_read_only)
        self._engine: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()
        self._is_closed = False
        self.long_transactions = asyncio.Semaphore(_LONG_TRANSACTIONS_MAX)
        """To be held around a transaction that takes seconds: most connections stay for the short ones."""

    async def _connect_app(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await connect(self.address, APP_ROLE)

    async def engine(self) -> "asyncpg.Pool[asyncpg.Record]":
        """The pool under tegu_engine."""
        async with self._opening:  # two callers at once must not open two pools
            self._check_open()
            if self._engine is None:
                with reaching(self.address):
                    self._engine = await asyncpg.create_pool(
                        **self.address.role_arguments(ENGINE_ROLE, _ENGINE_SETTINGS),
                        min_size=1,
                        max_size=self._engine_connections,
                        timeout=min(_CONNECT_TIMEOUT_S, self.address.answer_s),
                        max_inactive_connection_lifetime=0,
                        reset=_leave,
                    )
        return self._engine

    @asynccontextmanager
    async def transaction(self, organization_id: UUID) -> AsyncGenerator[AsyncConnection]:
        """One transaction of one organization, under tegu_app. Make no model call inside."""
        self._check_open()
        with reaching(self.address):
            async with AsyncExitStack() as transaction:
                yield await self._begun(transaction, organization_id)

    async def _begun(self, transaction: AsyncExitStack, organization_id: UUID) -> AsyncConnection:
        """A connection whose transaction is bound. When the server restarts, every connection in the pool dies: that is
        noticed here, where nothing was done yet, and costs one more try, because the pool is renewed as a whole.
        """
        for is_last in (False, True):
            try:
                async with AsyncExitStack() as begun:
                    connection = await begun.enter_async_context(self._app.begin())
                    await bind(connection, organization_id)
                    transaction.push_async_exit(begun.pop_all())
                    return connection
            except (DBAPIError, asyncpg.InternalClientError) as error:
                if is_last or (isinstance(error, DBAPIError) and not error.connection_invalidated):
                    raise
        raise AssertionError("the last try returns or raises")

    async def check(self) -> None:
        """Raises StorageUnavailableError when the database does not answer."""
        with reaching(self.address):
            await (await self.engine()).fetchval("select 1")

    async def close(self) -> None:
        """Close every connection; whoever still polls is told, and opens none anew."""
        self._is_closed = True
        await self._app.dispose()
        if self._engine is not None:
            await self._engine.close()
            self._engine = None

    def _check_open(self) -> None:
        if self._is_closed:
            raise UsageError(
                "this Tegu was closed while it was used",
                hint="end what uses it before `async with Tegu()` ends",
            )


async def _leave(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """The driver would run a statement at each release to undo what a session changed: the engine changes nothing, and
    its ledger alone takes two connections a model call. An open transaction is ended by the driver all the same.
    """
    if _is_read_only(connection):
        asyncio.get_running_loop().call_soon(connection.terminate)  # when the pool has it back


def _forget_read_only(connection: Any, record: ConnectionPoolEntry) -> None:
    if connection is not None and _is_read_only(connection.driver_connection):
        record.invalidate(soft=True)


def _is_read_only(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Whether the server takes no writes on it: a standby by now, or switched so; then no pool may keep it, since it would
    refuse writes long after others do not. The server says so by itself (PostgreSQL 14 or newer); nothing is asked.
    """
    said = connection.get_settings()
    return "on" in {
        getattr(said, name, "off") for name in ("in_hot_standby", "default_transaction_read_only")
    }


async def connect(address: DatabaseAddress, role: str) -> "asyncpg.Connection[asyncpg.Record]":
    """One connection of its own under a role. Raises StorageUnavailableError."""
    settings = _ENGINE_SETTINGS if role == ENGINE_ROLE else _APP_SETTINGS
    with reaching(address):
        return await asyncpg.connect(
            **address.role_arguments(role, settings), timeout=min(_CONNECT_TIMEOUT_S, address.answer_s)
        )


@contextmanager
def reaching(address: DatabaseAddress) -> Generator[None]:
    """Say in one sentence that the database is not there, instead of a driver's exception."""
    try:
        yield
    except NoConnectionInTimeError as error:
        raise StorageUnavailableError(
            "every connection to the database is in use", hint="try again in a moment"
        ) from error
    except (DBAPIError, *DRIVER_ERRORS) as error:
        cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
        if cause is not None and is_unreachable(cause):
            raise unavailable(address, cause) from error
        if isinstance(cause, asyncpg.DataError | UnicodeEncodeError):
            raise UsageError(
                "a value cannot be stored or looked for: it is out of range, or holds NUL or half a surrogate pair",
                hint="plain text, and numbers that a database holds",
            ) from error
        raise


def is_unreachable(error: BaseException) -> bool:
    """Whether an exception says that the server, the login or the database is not there, or takes nothing now, rather
    than a bad statement.
    """
    missing = isinstance(error, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError)
    return missing or passes(error) or _sqlstate(error)[:2] in {"28", "3D"}


def _sqlstate(error: BaseException) -> str:
    return str(error.sqlstate or "") if isinstance(error, asyncpg.PostgresError) else ""


def unavailable(address: DatabaseAddress, error: BaseException) -> StorageUnavailableError:
    """The sentence for people. Never quotes the DSN, which may hold a password."""
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
        return StorageUnavailableError("the database has no tables of Tegu yet", hint="run `tegu migrate`")
    where = "the embedded database" if address.is_embedded else "the database at DATABASE_URL"
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if _sqlstate(error)[:2] in {"25", "40", "53", "55", "58"}:
        return StorageUnavailableError(
            f"{where} refuses it for now: {reason}", hint="try again; `tegu doctor` looks at the database"
        )
    hint = (
        "look at TEGU_HOME/postgres/log"
        if address.is_embedded
        else "check DATABASE_URL, and that the server runs"
    )
    return StorageUnavailableError(f"{where} cannot be reached: {reason}", hint=hint)
