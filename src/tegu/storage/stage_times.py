"""When stages began, by the database's clock, for those that wait for a time.

Called by the stages under tegu_engine.
"""

import asyncpg

from tegu.domain.errors import StageError
from tegu.domain.run import StageTimes
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.storage.outages import PatientPool
from tegu.storage.statements import statement


class StageClock:
    """Implements `stages.reach.Times` on the engine's pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = PatientPool(pool)

    async def of(self, task: StageTask) -> StageTimes:
        """The start of a stage is stored before it is performed. Raises StageError where the run is gone."""
        row = await self._pool.fetchrow(
            statement("stage_times"), task.organization_id, task.run_id, *split_name(task.stage.name)
        )
        if row is None:
            raise StageError("the run is not there any more", code="lost", transient=True)
        return StageTimes(row["began_at"], row["now"])
