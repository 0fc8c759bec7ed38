"""Results as people and programs read them.

Called by the actions, inside one organization's transaction.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.evidence import EvidenceSpan
from tegu.domain.outcome import Confidence, ConfidenceMethod
from tegu.domain.run import Result
from tegu.storage.rows import paged_by
from tegu.storage.tables import pipelines, results, runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import runs_seen

_KEY = (results.c.run_id, results.c.stage, results.c.item, results.c.type, results.c.key)
ResultKey = tuple[UUID, str, str, str, str]
"""Run, stage, item, type and key."""


async def results_of(connection: Transaction, organization_id: UUID, run_id: UUID) -> tuple[Result, ...]:
    """The results of one run and of the items that its stages mapped over, in the order in which they were stored."""
    query = (
        select(results)
        .where(results.c.organization_id == organization_id, _is_of(organization_id, run_id))
        .order_by(results.c.created_at, results.c.stage, results.c.type, results.c.key)
    )
    return tuple(_result(row) for row in (await connection.execute(query)).mappings())


async def list_results(
    connection: Transaction,
    organization_id: UUID,
    *,
    type: str | None = None,  # noqa: A002 (the field is called so)
    run_id: UUID | None = None,
    stage: str | None = None,
    pipeline: str | None = None,
    confidence_max: float | None = None,
    after: ResultKey | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
    rows: Rows = ALL_ROWS,
) -> tuple[Result, ...]:
    """Results of the newest runs first, or of the oldest, after a row. `confidence_max`: only those that are no surer."""
    query = select(results).where(
        results.c.organization_id == organization_id, runs_seen(organization_id, rows, results.c.run_id)
    )
    for column, wanted in (
        (results.c.type, type),
        (results.c.stage, stage),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    if run_id is not None:
        query = query.where(_is_of(organization_id, run_id))
    if confidence_max is not None:
        query = query.where(results.c.confidence <= confidence_max)
    if pipeline is not None:
        named = select(pipelines.c.id).where(
            pipelines.c.organization_id == organization_id, pipelines.c.name == pipeline
        )
        # Asked for before, so that the planner knows how many runs that pipeline has: few are read from the runs on.
        pipeline_id = await connection.scalar(named)
        mine = (runs.c.organization_id == organization_id) & (runs.c.pipeline_id == pipeline_id)
        query = query.where(results.c.run_id.in_(select(runs.c.id).where(mine)))
    query = paged_by(query, _KEY, after=after, is_oldest_first=is_oldest_first, limit=limit)
    return tuple(_result(row) for row in (await connection.execute(query)).mappings())


async def get_result(
    connection: Transaction, organization_id: UUID, run_id: UUID, result_id: str, rows: Rows = ALL_ROWS
) -> Result | None:
    """One result of a run, by its id."""
    query = select(results).where(
        results.c.organization_id == organization_id,
        results.c.run_id == run_id,
        runs_seen(organization_id, rows, results.c.run_id),
    )
    found = (_result(row) for row in (await connection.execute(query)).mappings())
    return next((result for result in found if result.id == result_id), None)


def _is_of(organization_id: UUID, run_id: UUID) -> ColumnElement[bool]:
    """Of the run, or of a slice of it."""
    slices = select(runs.c.id).where(
        runs.c.organization_id == organization_id,
        runs.c.parent_id == run_id,
        runs.c.slice_stage.is_not(None),
    )
    return or_(results.c.run_id == run_id, results.c.run_id.in_(slices))


def _result(row: Mapping[Any, Any]) -> Result:
    confidence = row["confidence"]
    return Result(
        run_id=row["run_id"],
        stage=row["stage"],
        type=row["type"],
        key=row["key"],
        data=row["data"],
        confidence=(
            None if confidence is None else Confidence(confidence, ConfidenceMethod(row["confidence_method"]))
        ),
        evidence=tuple(EvidenceSpan.from_json(span) for span in row["evidence"]),
        llm_call_id=row["llm_call_id"],
        created_at=row["created_at"],
        item=row["item"],
    )
