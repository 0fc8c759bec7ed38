"""The earlier runs that a backfill is over: of each content or mail thread the last that completed.

Called by the actions, inside one organization's transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from tegu.domain.content import InputKind
from tegu.storage.history import LENGTHS_MAX, ContentFilter, inputs
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.tables import backfill_targets, pipeline_versions, results, runs, stage_runs
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Bases:
    """Which earlier runs are meant: those over what the filter takes, but those of this very version and model."""

    version: PipelineVersion
    model: str | None
    filter: ContentFilter


@dataclass(frozen=True, slots=True)
class StageOfBases:
    """How many of the earlier runs had a stage of a version so, and which models answered."""

    version: int
    stage: str
    status: str
    models: str | None
    count: int


@dataclass(frozen=True, slots=True)
class BasesFound:
    """The earlier runs, counted; `input_ids` are the first of what they were over."""

    count: int
    current: int
    results: int
    versions: Mapping[int, UUID]
    counts: Mapping[int, int]
    stages: tuple[StageOfBases, ...]
    input_ids: tuple[UUID, ...]


async def look_at_bases(connection: Transaction, organization_id: UUID, bases: Bases) -> BasesFound:
    """Count them."""
    latest = _latest(organization_id, bases).cte("latest").prefix_with("materialized", dialect="postgresql")
    is_current = and_(
        latest.c.version_id == bases.version.id, latest.c.model.is_not_distinct_from(bases.model)
    )
    current: int = await connection.scalar(select(func.count()).select_from(latest).where(is_current))
    meant = select(latest).where(~is_current).subquery()
    by_version = select(pipeline_versions.c.number, pipeline_versions.c.id, func.count()).join_from(
        meant,
        pipeline_versions,
        and_(
            pipeline_versions.c.organization_id == organization_id,
            pipeline_versions.c.id == meant.c.version_id,
        ),
    )
    rows = (
        await connection.execute(by_version.group_by(pipeline_versions.c.number, pipeline_versions.c.id))
    ).all()
    of_results: int = await connection.scalar(
        select(func.count()).select_from(
            results.join(
                meant, and_(results.c.organization_id == organization_id, results.c.run_id == meant.c.id)
            )
        )
    )
    first = (
        select(func.coalesce(meant.c.content_id, meant.c.thread_id)).order_by(meant.c.id).limit(LENGTHS_MAX)
    )
    return BasesFound(
        count=sum(row[2] for row in rows),
        current=current,
        results=of_results,
        versions={row[0]: row[1] for row in rows},
        counts={row[0]: row[2] for row in rows},
        stages=await _stages(connection, organization_id, meant),
        input_ids=tuple(await connection.scalars(first)),
    )


async def write_targets(
    connection: Transaction, organization_id: UUID, backfill_id: UUID, bases: Bases, seed: int
) -> int:
    """Write down what a backfill is over, in an order drawn by its seed. Returns how many."""
    latest = _latest(organization_id, bases).cte("latest").prefix_with("materialized", dialect="postgresql")
    drawn = func.md5(func.concat(literal(str(seed)), latest.c.id))
    query = select(
        literal(organization_id),
        literal(backfill_id),
        func.row_number().over(order_by=(drawn, latest.c.id)),
        latest.c.id,
    ).where(or_(latest.c.version_id != bases.version.id, latest.c.model.is_distinct_from(bases.model)))
    columns = ["organization_id", "backfill_id", "position", "base_run_id"]
    await connection.execute(insert(backfill_targets).from_select(columns, query))
    count: int = await connection.scalar(
        select(func.count()).where(
            backfill_targets.c.organization_id == organization_id,
            backfill_targets.c.backfill_id == backfill_id,
        )
    )
    return count


async def _stages(connection: Transaction, organization_id: UUID, meant: Any) -> tuple[StageOfBases, ...]:
    query = (
        select(
            pipeline_versions.c.number,
            stage_runs.c.stage,
            stage_runs.c.status,
            stage_runs.c.model,
            func.count(),
        )
        .select_from(meant)
        .join(
            pipeline_versions,
            and_(
                pipeline_versions.c.organization_id == organization_id,
                pipeline_versions.c.id == meant.c.version_id,
            ),
        )
        .join(
            stage_runs,
            and_(stage_runs.c.organization_id == organization_id, stage_runs.c.run_id == meant.c.id),
        )
        .where(stage_runs.c.item == "")
        .group_by(pipeline_versions.c.number, stage_runs.c.stage, stage_runs.c.status, stage_runs.c.model)
    )
    return tuple(StageOfBases(*row) for row in (await connection.execute(query)).all())


def _latest(organization_id: UUID, bases: Bases) -> Any:
    takes_threads = bases.version.definition.input is InputKind.MAIL_THREAD
    over = runs.c.thread_id if takes_threads else runs.c.content_id
    drafts = select(pipeline_versions.c.id).where(
        pipeline_versions.c.organization_id == organization_id,
        pipeline_versions.c.pipeline_id == bases.version.pipeline_id,
        pipeline_versions.c.is_draft,
    )
    query = select(runs.c.id, runs.c.version_id, runs.c.model, runs.c.content_id, runs.c.thread_id).where(
        runs.c.organization_id == organization_id,
        runs.c.pipeline_id == bases.version.pipeline_id,
        runs.c.status == "completed",
        runs.c.erased_at.is_(None),
        runs.c.parent_id.is_(None),
        runs.c.version_id.not_in(drafts),
    )
    # A content that is an e-mail may stand for its thread: those runs are known by their content.
    wanted = inputs(organization_id, bases.version.definition.input, bases.filter)
    query = query.where(over.in_(wanted))
    return query.ext(distinct_on(over)).order_by(over, runs.c.id.desc())
