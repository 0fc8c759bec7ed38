"""Results and stage runs: look through those of all runs."""

from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.errors import NotFoundError
from tegu.domain.run import Result, StageOfRun, run_of_result
from tegu.domain.status import StageStatus
from tegu.storage import results as store
from tegu.storage import stage_runs
from tegu.storage.results import ResultKey
from tegu.storage.stage_runs import StageKey


async def list_results(
    scope: Scope,
    *,
    type: str | None = None,  # noqa: A002 (the field)
    run_id: UUID | None = None,
    stage: str | None = None,
    pipeline: str | None = None,
    confidence_max: float | None = None,
    after: ResultKey | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
) -> tuple[Result, ...]:
    """Results of the newest runs first, or of the oldest, after a row."""
    async with scope.transaction() as connection:
        return await store.list_results(
            connection,
            scope.organization_id,
            type=type,
            run_id=run_id,
            stage=stage,
            pipeline=pipeline,
            confidence_max=confidence_max,
            after=after,
            limit=limit,
            is_oldest_first=is_oldest_first,
            rows=scope.rows,
        )


async def get_result(scope: Scope, result_id: str) -> Result:
    """One result by its id. Raises NotFoundError."""
    run_id = run_of_result(result_id)
    async with scope.transaction() as connection:
        found = await store.get_result(connection, scope.organization_id, run_id, result_id, scope.rows)
    if found is None:
        raise NotFoundError(f"there is no result {result_id}", hint="`tegu results` lists the newest")
    return found


async def list_stage_runs(
    scope: Scope,
    *,
    run_id: UUID | None = None,
    stage: str | None = None,
    status: StageStatus | None = None,
    pipeline: str | None = None,
    after: StageKey | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
) -> list[StageOfRun]:
    """Stage runs of the newest runs first, or of the oldest, after a row."""
    async with scope.transaction() as connection:
        return await stage_runs.list_stage_runs(
            connection,
            scope.organization_id,
            run_id=run_id,
            stage=stage,
            status=status,
            pipeline=pipeline,
            after=after,
            limit=limit,
            is_oldest_first=is_oldest_first,
            rows=scope.rows,
        )
