"""Health: whether this process can do its work, and how the whole installation is.

Called by the runtime, for `tegu.health()`, `/health`, `/metrics` and `tegu status`. Invariants: it answers within seconds
whatever the database does; however many ask, the database is looked at by one at a time, and for 2 % of the time at most.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic
from typing import Generic, TypeVar

from tegu.domain.errors import StorageUnavailableError
from tegu.domain.installation import Health, Installation
from tegu.storage.database import Database, reaching
from tegu.storage.installation import look
from tegu.storage.migrate import current_revision

log = logging.getLogger("tegu.health")

ANSWER_S = 5.0
"""How long the database may take to answer at all; the same again for the look around."""
AGE_MAX_S = 5.0
"""How old the figures may be that somebody gets who does not say."""
_REST = 50.0  # times as long as a look took, nobody looks again
_SCHEMA_S = 30.0
NOT_OPEN = Health(False, False, problem="not open: give the application `lifespan=tegu.lifespan`")
UNREACHABLE = Health(True, False, problem="the database does not answer")


T = TypeVar("T")


class _Kept(Generic[T]):
    """What was found last, and how long it took to find."""

    def __init__(self, find: Callable[[], Awaitable[T]]) -> None:
        self._find = find
        self._lock = asyncio.Lock()
        self._found: tuple[T, float, float] | None = None
        self._rests_until = 0.0

    async def value(self, *, age_max_s: float) -> T:
        """Not older than that, or than what finding it anew may cost; with 0 it is found anew."""
        async with self._lock:
            began = monotonic()
            if self._found is not None and age_max_s > 0:
                value, at, took_s = self._found
                if began - at < max(age_max_s, _REST * took_s):
                    return value
            if age_max_s > 0 and began < self._rests_until:
                raise TimeoutError("the last look took too long, or failed")
            try:
                value = await self._find()
            except BaseException:  # a look that was given up has cost as much
                self._rests_until = monotonic() + _REST * (monotonic() - began)
                raise
            ended = monotonic()
            self._found = value, ended, ended - began
            return value


class HealthWatch:
    """The health of one open database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._installation = _Kept(self._look)
        self._schema = _Kept(lambda: current_revision(database.address))

    async def health(self, *, age_max_s: float = AGE_MAX_S) -> Health:
        """`installation` is None where the look took too long, or the tables are of another version."""
        began = monotonic()
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._database.check()
                latency_ms = (monotonic() - began) * 1000
                schema = await self._schema.value(age_max_s=_SCHEMA_S)
        except (StorageUnavailableError, TimeoutError):
            return UNREACHABLE
        health = Health(True, True, latency_ms=round(latency_ms, 3), schema=schema)
        if schema is None:
            return replace(health, problem="the database has no tables yet: run `tegu migrate`")
        try:
            async with asyncio.timeout(ANSWER_S):
                return replace(health, installation=await self._installation.value(age_max_s=age_max_s))
        except Exception as error:  # noqa: BLE001 (that one cannot look around does not keep a process from its work)
            log.info("not looked around: %s", error or type(error).__name__)
            return health

    async def _look(self) -> Installation:
        with reaching(self._database.address):
            return await look(await self._database.engine())
