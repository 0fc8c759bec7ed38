"""Stage runs of many runs, as people and programs look through them.

Called by the actions, inside one organization's transaction; `runs` reads those of one run.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.run import StageOfRun
from tegu.domain.status import RunStatus, StageStatus
from tegu.storage.rows import paged_by, stage_run_of
from tegu.storage.tables import pipelines, runs, stage_runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

_KEY = (stage_runs.c.run_id, stage_runs.c.stage, stage_runs.c.item)
StageKey = tuple[UUID, str, str]
"""Run, stage and item."""


async def list_stage_runs(
    connection: Transaction,
    organization_id: UUID,
    *,
    run_id: UUID | None = None,
    stage: str | None = None,
    status: StageStatus | None = None,
    pipeline: str | None = None,
    after: StageKey | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
    rows: Rows = ALL_ROWS,
) -> list[StageOfRun]:
    """Stage runs of the newest runs first, or of the oldest, after a row."""
    query = _stage_runs(organization_id).where(pipelines_seen(organization_id, rows, runs.c.pipeline_id))
    for column, wanted in (
        (stage_runs.c.run_id, run_id),
        (stage_runs.c.stage, stage),
        (stage_runs.c.status, status and status.value),
        (pipelines.c.name, pipeline),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if status is not None and not status.is_terminal:  # then neither has the run ended, and such runs are few
        query = query.where(runs.c.status.in_([each.value for each in RunStatus if not each.is_terminal]))
    query = paged_by(query, _KEY, after=after, limit=limit, is_oldest_first=is_oldest_first)
    return [
        StageOfRun(row["run_id"], row["name"], stage_run_of(row), row["item"])
        for row in (await connection.execute(query)).mappings()
    ]


def _stage_runs(organization_id: UUID) -> Select[Any]:
    return (
        select(stage_runs, pipelines.c.name)
        .join_from(
            stage_runs,
            runs,
            (runs.c.organization_id == stage_runs.c.organization_id) & (runs.c.id == stage_runs.c.run_id),
        )
        .join(
            pipelines,
            (pipelines.c.organization_id == runs.c.organization_id) & (pipelines.c.id == runs.c.pipeline_id),
        )
        .where(stage_runs.c.organization_id == organization_id)
    )
