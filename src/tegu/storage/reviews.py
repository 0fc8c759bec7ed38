"""Reviews as people list, read, assign and decide them.

Called by the actions, inside one organization's transaction. Invariants: the first decision counts; whoever decides signals the
run in the same transaction. Locks the run before its review.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Double, Select, func, literal_column, select, update

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.evidence import EvidenceSpan
from tegu.domain.json import JsonObject
from tegu.domain.review import Review, ReviewDetail, ReviewOrder, ReviewStatus
from tegu.domain.status import RunStatus
from tegu.storage.rows import paged_by
from tegu.storage.signals import tell
from tegu.storage.tables import contents, mail_threads, pipelines, results, reviews, runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

_C = reviews.c
_SHOWN = tuple(
    _C[name]
    for name in (
        "id",
        "run_id",
        "stage",
        "item",
        "status",
        "instructions",
        "assignee",
        "about",
        "confidence",
        "due_at",
        "comment",
        "decided_by",
        "created_at",
        "decided_at",
    )
)


_UNKNOWN_LAST = func.coalesce(_C.confidence, literal_column("'Infinity'", Double))
_KEYS: Mapping[ReviewOrder, tuple[ColumnElement[Any], ...]] = {
    ReviewOrder.NEWEST: (_C.id,),
    ReviewOrder.OLDEST: (_C.id,),
    ReviewOrder.LEAST_SURE: (_UNKNOWN_LAST, _C.id),
    ReviewOrder.DUE: (_C.due_at, _C.id),
}
"""What each order goes by, which never changes; all of it upwards, but for the newest."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person decided. `corrected` is JSON, None where nothing is corrected."""

    status: ReviewStatus
    by: str
    comment: str | None = None
    corrected: JsonValue = None


async def list_reviews(
    connection: Transaction,
    organization_id: UUID,
    *,
    status: ReviewStatus | None = None,
    assignees: Sequence[str] | None = None,
    pipeline: str | None = None,
    run_id: UUID | None = None,
    order: ReviewOrder = ReviewOrder.NEWEST,
    after: tuple[Any, ...] | None = None,
    limit: int = 50,
    rows: Rows = ALL_ROWS,
) -> list[Review]:
    """In an order, after the key of a row in it. `assignees`: only those of one of them."""
    query = _reviews(organization_id, rows)
    if status is not None:
        query = query.where(_C.status == status.value)
    if assignees is not None:
        query = query.where(_C.assignee.in_(assignees))
    if pipeline is not None:
        query = query.where(pipelines.c.name == pipeline)
    if run_id is not None:
        query = query.where(_C.run_id == run_id)
    is_rising = order is not ReviewOrder.NEWEST
    query = paged_by(query, _KEYS[order], after=after, is_oldest_first=is_rising, limit=limit)
    return [Review(**_shown(row)) for row in (await connection.execute(query)).mappings()]


async def get_review(
    connection: Transaction, organization_id: UUID, review_id: UUID, rows: Rows = ALL_ROWS
) -> ReviewDetail | None:
    """One by id, with its value, and the evidence of the stage that made it."""
    query = _reviews(organization_id, rows).add_columns(_C.value, _C.schema, _C.corrected)
    row = (await connection.execute(query.where(_C.id == review_id))).mappings().first()
    if row is None:
        return None
    return ReviewDetail(
        **_shown(row),
        value=row["value"],
        schema=row["schema"] or None,
        corrected=row["corrected"],
        evidence=await _evidence(connection, organization_id, row),
    )


async def lock_run(connection: Transaction, organization_id: UUID, run_id: UUID) -> RunStatus | None:
    """Where the run of a review stands, until the transaction ends; None: it is gone, or about to be cancelled."""
    query = select(runs.c.status, runs.c.cancel_requested_at).where(
        runs.c.organization_id == organization_id, runs.c.id == run_id
    )
    row = (await connection.execute(query.with_for_update(key_share=True))).first()
    return None if row is None or row.cancel_requested_at is not None else RunStatus(row.status)


async def decide(connection: Transaction, organization_id: UUID, review: Review, decided: Decided) -> bool:
    """Note a decision, tell of it, and signal the run, which the transaction has locked. False: it was decided before."""
    changed = (
        update(reviews)
        .where(
            _C.organization_id == organization_id, _C.id == review.id, _C.status == ReviewStatus.OPEN.value
        )
        .values(
            status=decided.status.value,
            decided_by=decided.by,
            comment=decided.comment,
            corrected=decided.corrected,
            decided_at=func.clock_timestamp(),
        )
    )
    if await connection.scalar(changed.returning(_C.id)) is None:
        return False
    about: JsonObject = {"review_id": str(review.id), "decision": decided.status.value}
    told = about | {"decided_by": decided.by}
    await tell(
        connection,
        organization_id,
        [review.run_id],
        "review.decided",
        told,
        stage=review.stage,
        item=review.item,
    )
    return True


async def assign(
    connection: Transaction, organization_id: UUID, review_id: UUID, assignee: str | None
) -> bool:
    """Ask somebody else. False: it is decided."""
    changed = (
        update(reviews)
        .where(
            _C.organization_id == organization_id, _C.id == review_id, _C.status == ReviewStatus.OPEN.value
        )
        .values(assignee=assignee)
    )
    return await connection.scalar(changed.returning(_C.id)) is not None


def _reviews(organization_id: UUID, rows: Rows) -> Select[Any]:
    return (
        select(
            *_SHOWN,
            pipelines.c.name.label("pipeline"),
            runs.c.content_id,
            runs.c.thread_id,
            func.coalesce(contents.c.name, mail_threads.c.subject).label("input_name"),
        )
        .join(runs, (runs.c.organization_id == _C.organization_id) & (runs.c.id == _C.run_id))
        .join(
            pipelines,
            (pipelines.c.organization_id == _C.organization_id) & (pipelines.c.id == runs.c.pipeline_id),
        )
        .outerjoin(
            contents,
            (contents.c.organization_id == _C.organization_id) & (contents.c.id == runs.c.content_id),
        )
        .outerjoin(
            mail_threads,
            (mail_threads.c.organization_id == _C.organization_id) & (mail_threads.c.id == runs.c.thread_id),
        )
        .where(
            _C.organization_id == organization_id,
            pipelines_seen(organization_id, rows, runs.c.pipeline_id),
        )
    )


def _shown(row: Mapping[Any, Any]) -> dict[str, Any]:
    columns = {column.name: row[column.name] for column in _SHOWN}
    beside = {name: row[name] for name in ("pipeline", "content_id", "thread_id")}
    beside["input_name"] = row["input_name"] or None
    return columns | beside | {"status": ReviewStatus(row["status"])}


async def _evidence(
    connection: Transaction, organization_id: UUID, row: Mapping[Any, Any]
) -> tuple[EvidenceSpan, ...]:
    if row["about"] is None:
        return ()
    query = (
        select(results.c.evidence)
        .where(
            results.c.organization_id == organization_id,
            results.c.run_id == row["run_id"],
            results.c.stage == row["about"],
        )
        .order_by(results.c.item, results.c.type, results.c.key)
    )
    found = (await connection.scalars(query)).all()
    return tuple(EvidenceSpan.from_json(span) for spans in found for span in spans)
