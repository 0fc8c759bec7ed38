"""What the runs of a backfill came to, beside the earlier runs.

Called by the report, inside one organization's transaction.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import Uuid as UuidType
from sqlalchemy import and_, any_, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from tegu.domain.backfill import StageReport
from tegu.storage.tables import backfill_targets, results, runs, stage_runs
from tegu.storage.transaction import Transaction

Pair = tuple[int, UUID, UUID]
"""A target's position, its run and the earlier one."""


async def count_completed(connection: Transaction, organization_id: UUID, backfill_id: UUID) -> int:
    """How many of its runs completed."""
    found: int = await connection.scalar(
        select(func.count()).where(
            runs.c.organization_id == organization_id,
            runs.c.backfill_id == backfill_id,
            runs.c.status == "completed",
        )
    )
    return found


async def stages_of(
    connection: Transaction, organization_id: UUID, backfill_id: UUID
) -> dict[str, StageReport]:
    """What became of each stage, in all runs that have ended."""
    is_reused = stage_runs.c.reused_from.is_not(None)
    is_completed = stage_runs.c.status == "completed"
    query = (
        select(
            stage_runs.c.stage,
            func.count().filter(is_completed, is_reused),
            func.count().filter(is_completed, ~is_reused),
            func.count().filter(stage_runs.c.status == "skipped"),
            func.count().filter(stage_runs.c.status == "failed"),
        )
        .join_from(
            runs,
            stage_runs,
            and_(stage_runs.c.organization_id == organization_id, stage_runs.c.run_id == runs.c.id),
        )
        .where(
            runs.c.organization_id == organization_id,
            runs.c.backfill_id == backfill_id,
            runs.c.status.in_(("completed", "failed")),
            stage_runs.c.item == "",
        )
        .group_by(stage_runs.c.stage)
    )
    return {row[0]: StageReport(*row) for row in (await connection.execute(query)).all()}


async def pairs_after(
    connection: Transaction, organization_id: UUID, backfill_id: UUID, position: int, limit: int
) -> list[Pair]:
    """The next runs that completed, in the order in which the targets were drawn: the first of them are a fair sample."""
    query = (
        select(backfill_targets.c.position, backfill_targets.c.run_id, backfill_targets.c.base_run_id)
        .join_from(
            backfill_targets,
            runs,
            and_(runs.c.organization_id == organization_id, runs.c.id == backfill_targets.c.run_id),
        )
        .where(
            backfill_targets.c.organization_id == organization_id,
            backfill_targets.c.backfill_id == backfill_id,
            backfill_targets.c.position > position,
            runs.c.status == "completed",
        )
        .order_by(backfill_targets.c.position)
        .limit(limit)
    )
    return [(row[0], row[1], row[2]) for row in (await connection.execute(query)).all()]


async def results_of_runs(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[UUID, dict[tuple[str, str, str, str], JsonValue]]:
    """Data of results, by run and what tells them apart within it."""
    query: Any = select(
        results.c.run_id, results.c.stage, results.c.item, results.c.type, results.c.key, results.c.data
    ).where(
        results.c.organization_id == organization_id,
        results.c.run_id == any_(cast(list(run_ids), ARRAY(UuidType))),
    )
    found: dict[UUID, dict[tuple[str, str, str, str], JsonValue]] = {run_id: {} for run_id in run_ids}
    for row in (await connection.execute(query)).mappings():
        found[row["run_id"]][row["stage"], row["item"], row["type"], row["key"]] = row["data"]
    return found
