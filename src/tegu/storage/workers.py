"""Workers and their leases: who is alive, by the database's clock only.

Called by the engine's heartbeat and reaper, and for `tegu workers` and `tegu doctor`.
"""

from collections.abc import Iterable
from uuid import UUID

import asyncpg

from tegu.domain.worker import LivingWorker, UnservedRuns, is_function, missing_functions
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
        drives_all: bool = True,
    ) -> None:
        """A worker begins to live."""
        await self._door.execute(
            statement("register_worker"),
            worker_id,
            host,
            pid,
            version,
            concurrency,
            list(functions),
            lease_s,
            drives_all,
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

    async def living(self) -> tuple[LivingWorker, ...]:
        """Those whose lease has not ended, oldest first, at most 1,000."""
        rows = await self._door.fetch(statement("living_workers"))
        return tuple(_living(row) for row in rows)

    async def due(self, functions: Iterable[str], *, most: int) -> int:
        """Due runs, of all organizations, that nobody owns and a worker with these Python stages may take; counted up to
        `most`.
        """
        return await self._door.fetchval(statement("count_due"), list(functions), most)

    async def unserved(self) -> tuple[UnservedRuns, ...]:
        """Due runs, of all organizations, that no living worker can take, those that are most first."""
        there = [(*worker.functions, *worker.features) for worker in await self.living() if worker.drives_all]
        found: dict[tuple[str, ...], int] = {}
        for row in await self._door.fetch(statement("due_functions")):
            if missing := missing_functions(row["functions"], there):
                found[missing] = found.get(missing, 0) + row["runs"]
        return tuple(UnservedRuns(missing, runs) for missing, runs in found.items())


def _living(row: asyncpg.Record) -> LivingWorker:
    return LivingWorker(
        id=row["id"],
        host=row["host"],
        pid=row["pid"],
        version=row["version"],
        concurrency=row["concurrency"],
        functions=tuple(name for name in row["functions"] if is_function(name)),
        features=tuple(name for name in row["functions"] if not is_function(name)),
        drives_all=row["drives_all"],
        owned_runs=row["owned_runs"],
        started_at=row["started_at"],
        beat_at=row["beat_at"],
    )
