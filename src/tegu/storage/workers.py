"""Workers and their leases: who is alive, by the database's clock only.

Called by the engine's heartbeat and reaper.
"""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from tegu.storage.statements import statement


class Workers:
    """The lease statements, on a pool or on one connection."""

    def __init__(self, door: "asyncpg.Pool[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]") -> None:
        self._door = door

    async def register(
        self,
        worker_id: UUID,
        *,
        host: str,
        pid: int,
        version: str,
        concurrency: int,
        functions: Iterable[str],
        lease_s: float,
    ) -> None:
        """A worker begins to live."""
        await self._door.execute(
            statement("register_worker"), worker_id, host, pid, version, concurrency, list(functions), lease_s
        )

    async def beat(self, worker_id: UUID, *, lease_s: float) -> bool:
        """Renew the lease. False: the worker is dead to the others and owns nothing any more."""
        return await self._door.fetchval(statement("beat"), worker_id, lease_s) is not None

    async def retire(self, worker_id: UUID) -> None:
        """Say goodbye, after every run was released."""
        await self._door.execute(statement("retire_worker"), worker_id)

    async def mark_dead(self, *, lease_s: float) -> int:
        """Declare dead whose lease has ended. A transaction of its own, before `sweep`."""
        return len(await self._door.fetch(statement("mark_dead"), lease_s))

    async def sweep(self, *, limit: int = 1000) -> int:
        """Free runs of workers that are not alive. Repeat while it returns `limit`."""
        return len(await self._door.fetch(statement("sweep"), limit))

    async def forget(self) -> None:
        """Drop the rows of workers that have been dead for a day."""
        await self._door.execute(statement("forget_workers"))
