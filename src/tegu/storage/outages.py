"""What passes by itself, and waiting for it: a connection that was cut, a server that restarts, is full or read-only.

Called around the statements that a stage needs while it is performed (an outage is no fault of the stage, and a reply that
was paid for is stored when the database is back), and by whoever waits for runs. Sorted by SQLSTATE, not by class of exception. Invariant: only what may
be asked twice is asked here.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from time import monotonic
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg

from tegu.domain.errors import StorageUnavailableError

log = logging.getLogger("tegu.storage")

T = TypeVar("T")
P = ParamSpec("P")

OUTAGE_S = 60.0
"""How long a stage under way puts up with it, before it is postponed, and who waits for runs, before that is given up."""
_PAUSE_S, _PAUSE_S_MAX = 0.05, 2.0

# Connection; read-only, idle for too long in a transaction; serialization and deadlock; resources; operator's
# intervention; the system's own input and output; a lock not had in time; a plan that a migration made stale.
_PASSING = ("08", "25006", "25P03", "40", "53", "57", "58", "55P03", "0A000")


def passes(error: BaseException) -> bool:
    """Whether asking again may help: by SQLSTATE for what the server says, always for what the connection says."""
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(_PASSING)
    if isinstance(error, asyncpg.DataError):
        return False
    # InternalClientError: the server has said goodbye on a connection that was idle, and the driver has not closed it yet.
    return isinstance(
        error, OSError | asyncpg.InterfaceError | asyncpg.InternalClientError | StorageUnavailableError
    )


class PatientPool:
    """A pool's statements, asked again until they are answered. Raises StorageUnavailableError after OUTAGE_S of trying."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def execute(self, query: str, *arguments: object) -> str:
        """As the pool's."""
        return await through_outages(self._pool.execute, query, *arguments)

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """As the pool's."""
        return await through_outages(self._pool.fetch, query, *arguments)

    async def fetchrow(self, query: str, *arguments: object) -> asyncpg.Record | None:
        """As the pool's."""
        return await through_outages(self._pool.fetchrow, query, *arguments)

    async def fetchval(self, query: str, *arguments: object) -> Any:
        """As the pool's."""
        return await through_outages(self._pool.fetchval, query, *arguments)

    async def ask(
        self,
        what: "Callable[Concatenate[asyncpg.Pool[asyncpg.Record], P], Awaitable[T]]",
        *arguments: P.args,
        **options: P.kwargs,
    ) -> T:
        """Several statements of the same transaction."""
        return await through_outages(partial(what, self._pool, *arguments, **options))


async def through_outages(ask: Callable[..., Awaitable[T]], *arguments: object) -> T:
    """What the database answers, once it does. Raises StorageUnavailableError after OUTAGE_S of trying."""
    until, pause_s = monotonic() + OUTAGE_S, _PAUSE_S
    while True:
        try:
            return await ask(*arguments)
        except Exception as error:
            if not passes(error):
                raise
            reason = f"{type(error).__name__}: {error}".rstrip(": ")
            if monotonic() + pause_s > until:
                raise StorageUnavailableError(
                    f"the database did not answer for {OUTAGE_S:g} s: {reason.splitlines()[0]}",
                    hint="what waits for it goes on by itself",
                ) from error
            log.info("asked again in %g s: %s", pause_s, reason)
        await asyncio.sleep(pause_s)
        pause_s = min(_PAUSE_S_MAX, pause_s * 2)
