"""Families of runs as people and programs read them: what a run started, in aggregate, and the calls of all of it.

Called by `runs`, inside one organization's transaction; `children` is the engine's side, `item_counts` counts items of maps.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Text, func, null, select

from tegu.domain.run import ChildGroup
from tegu.domain.status import RunStatus
from tegu.pipeline.child import ItemCounts
from tegu.storage.item_counts import items_of
from tegu.storage.tables import pipelines, runs
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


def stages_of_family(organization_id: UUID, run_id: UUID) -> CTE:
    """A run and all that stems from it (`id`), each with the stage of that run (`stage`) that it stems from; NULL for itself."""
    top = (
        select(runs.c.id.label("id"), null().cast(Text).label("stage"))
        .where(runs.c.organization_id == organization_id, runs.c.id == run_id)
        .cte("family", recursive=True)
    )
    below = select(runs.c.id, func.coalesce(top.c.stage, runs.c.parent_stage)).where(
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
            func.min(runs.c.created_at).label("began_at"),
            func.array_agg(runs.c.id).filter(runs.c.slice_of.is_not(None)).label("slices"),
        )
        .join_from(runs, pipelines, named)
        .where(mine)
        .group_by(runs.c.parent_stage, runs.c.parent_try, runs.c.status, pipelines.c.name)
    )
    rows = (await connection.execute(groups)).mappings().all()
    last: dict[str, int] = {}
    for row in rows:
        last[row["parent_stage"]] = max(row["parent_try"], last.get(row["parent_stage"], 0))
    found: list[ChildGroup] = []
    for stage, attempt in sorted(last.items()):
        tried = [row for row in rows if (row["parent_stage"], row["parent_try"]) == (stage, attempt)]
        slices = {each: RunStatus(row["status"]) for row in tried for each in row["slices"] or ()}
        counts = await items_of(connection, organization_id, stage, slices) if slices else None
        found.append(_group(stage, tried, counts))
    return tuple(found)


def _group(stage: str, rows: Sequence[Mapping[Any, Any]], counts: ItemCounts | None) -> ChildGroup:
    return ChildGroup(
        stage=stage,
        pipeline=rows[0]["name"],
        runs={RunStatus(row["status"]): row["runs"] for row in rows},
        began_at=min(row["began_at"] for row in rows),
        items=rows[0]["items"],
        items_ended=counts and counts.ended,
        items_failed=counts and counts.failed,
        items_skipped=counts and counts.skipped,
    )
