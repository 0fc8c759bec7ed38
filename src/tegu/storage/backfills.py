"""Backfills as their organization sees and sets them; `backfill_runs` has their runs.

Called by the actions, under tegu_app; only the look for those that are running is the engine's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Select, and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.backfill import Backfill, BackfillStatus
from tegu.domain.json import JsonObject
from tegu.domain.run import TriggeredBy
from tegu.pipeline.pipeline_name import base_name
from tegu.storage.backfill_steps import step_of
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.rows import cost_of, paged
from tegu.storage.statements import statement
from tegu.storage.tables import (
    backfill_targets,
    backfills,
    pipeline_versions,
    pipelines,
)
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

RUNNING_MAX = 100


@dataclass(frozen=True, slots=True)
class NewBackfill:
    """A backfill to be made; its targets are written beside it."""

    id: UUID
    version: PipelineVersion
    model: str | None
    filter: JsonObject
    seed: int
    targets: int
    budget_usd: Decimal | None
    priority: int
    triggered_by: TriggeredBy


async def hold_pipeline(connection: Transaction, organization_id: UUID, pipeline: str) -> None:
    """Until the transaction ends nobody else starts a backfill of it: two who ask at once go on with one."""
    await connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"backfill {organization_id} {base_name(pipeline)}"},
    )


async def insert_backfill(connection: Transaction, organization_id: UUID, new: NewBackfill) -> None:
    """Make it, with nothing wanted yet."""
    await connection.execute(
        insert(backfills).values(
            organization_id=organization_id,
            id=new.id,
            pipeline_id=new.version.pipeline_id,
            version_id=new.version.id,
            status=BackfillStatus.RUNNING.value,
            model=new.model,
            filter=new.filter,
            seed=new.seed,
            targets=new.targets,
            wanted=0,
            started=0,
            budget_usd=new.budget_usd,
            priority=new.priority,
            triggered_by=new.triggered_by.value,
            steps=[],
            created_at=func.clock_timestamp(),
        )
    )


async def find_backfill(
    connection: Transaction,
    organization_id: UUID,
    backfill_id: UUID,
    rows: Rows = ALL_ROWS,
    *,
    locks: bool = False,
    skips_locked: bool = False,
) -> Backfill | None:
    """One by its id, locked if it is to be changed."""
    query = _backfills(organization_id, rows).where(backfills.c.id == backfill_id)
    if locks or skips_locked:
        query = query.with_for_update(of=backfills, skip_locked=skips_locked)
    row = (await connection.execute(query)).mappings().first()
    return _backfill(row) if row is not None else None


async def find_unfinished(
    connection: Transaction,
    organization_id: UUID,
    version: PipelineVersion,
    model: str | None,
    wanted: JsonObject,
) -> Backfill | None:
    """The newest over the same with the same, of which something is left: who asks for more of it goes on with it."""
    query = (
        _backfills(organization_id, ALL_ROWS)
        .where(
            backfills.c.version_id == version.id,
            backfills.c.model.is_not_distinct_from(model),
            backfills.c.filter == wanted,
            backfills.c.status != BackfillStatus.CANCELLED.value,
            or_(backfills.c.wanted < backfills.c.targets, backfills.c.ended_at.is_(None)),
        )
        .order_by(backfills.c.id.desc())
        .limit(1)
    )
    row = (await connection.execute(query)).mappings().first()
    return _backfill(row) if row is not None else None


async def list_backfills(
    connection: Transaction,
    organization_id: UUID,
    *,
    pipeline: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
    rows: Rows = ALL_ROWS,
) -> list[Backfill]:
    """The newest, or the oldest, after a row."""
    query = _backfills(organization_id, rows)
    if pipeline is not None:
        query = query.where(pipelines.c.name == pipeline)
    query = paged(query, backfills.c.id, after=after, limit=limit, is_oldest_first=is_oldest_first)
    return [_backfill(row) for row in (await connection.execute(query)).mappings()]


async def set_backfill(
    connection: Transaction, organization_id: UUID, backfill_id: UUID, **values: Any
) -> None:
    """Change columns of a backfill that the caller has locked."""
    mine = (backfills.c.organization_id == organization_id) & (backfills.c.id == backfill_id)
    await connection.execute(update(backfills).where(mine).values(**values))


async def triggered_by_of(connection: Transaction, organization_id: UUID, backfill_id: UUID) -> TriggeredBy:
    """Who or what asked for it."""
    query = select(backfills.c.triggered_by).where(
        backfills.c.organization_id == organization_id, backfills.c.id == backfill_id
    )
    return TriggeredBy(await connection.scalar(query))


async def running_backfills(pool: "asyncpg.Pool[asyncpg.Record]") -> list[tuple[UUID, UUID]]:
    """Those of all organizations whose runs are to be started, or may have ended."""
    rows = await pool.fetch(statement("running_backfills"), RUNNING_MAX)
    return [(row["organization_id"], row["id"]) for row in rows]


def _backfills(organization_id: UUID, rows: Rows) -> Select[Any]:
    gone = (
        select(func.count())
        .where(
            backfill_targets.c.organization_id == organization_id,
            backfill_targets.c.backfill_id == backfills.c.id,
            backfill_targets.c.is_gone,
        )
        .scalar_subquery()
    )
    version = and_(
        pipeline_versions.c.organization_id == backfills.c.organization_id,
        pipeline_versions.c.id == backfills.c.version_id,
    )
    pipeline = and_(
        pipelines.c.organization_id == backfills.c.organization_id, pipelines.c.id == backfills.c.pipeline_id
    )
    return (
        select(backfills, pipelines.c.name, pipeline_versions.c.number, gone.label("gone"))
        .select_from(backfills.join(pipeline_versions, version).join(pipelines, pipeline))
        .where(
            backfills.c.organization_id == organization_id,
            pipelines_seen(organization_id, rows, backfills.c.pipeline_id),
        )
    )


def _backfill(row: Mapping[Any, Any]) -> Backfill:
    return Backfill(
        id=row["id"],
        pipeline=row["name"],
        version=row["number"],
        status=BackfillStatus(row["status"]),
        model=row["model"],
        filter=row["filter"],
        seed=row["seed"],
        targets=row["targets"],
        wanted=row["wanted"],
        started=row["started"],
        budget_usd=cost_of(row["budget_usd"]),
        priority=row["priority"],
        note=row["note"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        steps=tuple(step_of(each) for each in row["steps"]),
        gone=row["gone"],
    )
