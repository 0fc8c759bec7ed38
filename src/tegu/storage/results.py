"""Results as people and programs read them.

Called by the actions, inside one organization's transaction.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tegu.domain.evidence import EvidenceSpan
from tegu.domain.outcome import Confidence, ConfidenceMethod
from tegu.domain.run import Result
from tegu.storage.tables import results
from tegu.storage.transaction import Transaction


async def results_of(connection: Transaction, organization_id: UUID, run_id: UUID) -> tuple[Result, ...]:
    """The results of one run, in the order in which they were stored."""
    query = (
        select(results)
        .where(results.c.organization_id == organization_id, results.c.run_id == run_id)
        .order_by(results.c.created_at, results.c.stage, results.c.type, results.c.key)
    )
    return tuple(_result(row) for row in (await connection.execute(query)).mappings())


async def list_results(
    connection: Transaction,
    organization_id: UUID,
    *,
    type: str | None = None,  # noqa: A002 (the field is called so)
    limit: int = 50,
) -> tuple[Result, ...]:
    """The newest results of all runs, of one type if given."""
    query = select(results).where(results.c.organization_id == organization_id)
    if type is not None:
        query = query.where(results.c.type == type)
    query = query.order_by(results.c.created_at.desc()).limit(limit)
    return tuple(_result(row) for row in (await connection.execute(query)).mappings())


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
    )
