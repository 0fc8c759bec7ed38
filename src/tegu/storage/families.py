"""Families of runs as people and programs read them: what a run started, in aggregate, and the calls of all of it.

Called by `runs`, inside one organization's transaction; `children` is the engine's side.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, func, select

from tegu.domain.run import ChildGroup
from tegu.domain.status import RunStatus, StageStatus
from tegu.storage.tables import pipelines, runs, stage_runs
from tegu.storage.transaction import Transaction


def families(organization_id: UUID, run_ids: Sequence[UUID]) -> CTE:
    """These runs (`top`) and all that stem from them (`id`): each its own, and its children's, and theirs."""
    top = (
        select(runs.c.id.label("top"), runs.c.id.label("id"))
        .where(runs.c.organization_id == organization_id, runs.c.id.in_(run_ids))
        .cte("family", recursive=True)
    )
    below = select(top.c.top, runs.c.id).where(
        runs.c.organization_id == organization_id, runs.c.parent_id == top.c.id
    )
    return top.union_all(below)


async def children_of(connection: Transaction, organization_id: UUID, run_id: UUID) -> tuple[ChildGroup, ...]:
    """What each stage of a run started in its last try."""
    mine = (runs.c.organization_id == organization_id) & (runs.c.parent_id == run_id)
    named = (pipelines.c.organization_id == runs.c.organization_id) & (pipelines.c.id == runs.c.pipeline_id)
    groups = (
        select(
            runs.c.parent_stage,
            runs.c.parent_try,
            runs.c.status,
            pipelines.c.name,
            func.count().label("runs"),
            func.max(runs.c.slice_of).label("items"),
        )
        .join_from(runs, pipelines, named)
        .where(mine)
        .group_by(runs.c.parent_stage, runs.c.parent_try, runs.c.status, pipelines.c.name)
    )
    rows = (await connection.execute(groups)).mappings().all()
    items = await _items(connection, organization_id, run_id) if any(row["items"] for row in rows) else {}
    last: dict[str, int] = {}
    for row in rows:
        last[row["parent_stage"]] = max(row["parent_try"], last.get(row["parent_stage"], 0))
    return tuple(
        _group([row for row in rows if (row["parent_stage"], row["parent_try"]) == (stage, attempt)], items)
        for stage, attempt in sorted(last.items())
    )


async def _items(
    connection: Transaction, organization_id: UUID, run_id: UUID
) -> dict[tuple[str, StageStatus], int]:
    """How many items of mapped stages stand so."""
    query = (
        select(stage_runs.c.stage, stage_runs.c.status, func.count().label("items"))
        .join_from(
            stage_runs,
            runs,
            (runs.c.organization_id == stage_runs.c.organization_id)
            & (runs.c.id == stage_runs.c.run_id)
            & (runs.c.slice_stage == stage_runs.c.stage),
        )
        .where(runs.c.organization_id == organization_id, runs.c.parent_id == run_id)
        .group_by(stage_runs.c.stage, stage_runs.c.status)
    )
    return {(row.stage, StageStatus(row.status)): row.items for row in await connection.execute(query)}


def _group(rows: Sequence[Mapping[Any, Any]], items: Mapping[tuple[str, StageStatus], int]) -> ChildGroup:
    stage = rows[0]["parent_stage"]
    is_map = rows[0]["items"] is not None
    return ChildGroup(
        stage=stage,
        pipeline=rows[0]["name"],
        runs={RunStatus(row["status"]): row["runs"] for row in rows},
        items=rows[0]["items"],
        items_ended=sum(
            count for (name, status), count in items.items() if name == stage and status.is_terminal
        )
        if is_map
        else None,
        items_failed=items.get((stage, StageStatus.FAILED), 0) if is_map else None,
    )
