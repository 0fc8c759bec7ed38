"""What two runs asked of models, stage by stage, for whoever compares them.

Called by the actions, inside one organization's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tegu.domain.call import EMBEDDED
from tegu.domain.run import CallTotals
from tegu.storage.rows import cost_of
from tegu.storage.tables import llm_calls
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class StageCalls:
    """The calls of one stage, added up, and the hashes of what was sent, in order."""

    totals: CallTotals
    requests: tuple[str, ...]


async def calls_by_stage(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> dict[tuple[UUID, str], StageCalls]:
    """By run and stage; replies from the journal are no calls."""
    calls = llm_calls.c
    query = (
        select(
            calls.run_id,
            calls.stage,
            func.count().label("calls"),
            func.coalesce(func.sum(calls.input_tokens), 0).label("input_tokens"),
            func.coalesce(func.sum(calls.output_tokens), 0).label("output_tokens"),
            func.coalesce(func.sum(calls.cost_usd), 0).label("cost_usd"),
            func.count()
            .filter(calls.cost_usd.is_(None), calls.provider.not_in(EMBEDDED))
            .label("unknown_costs"),
            func.array_agg(aggregate_order_by(calls.request_hash, calls.created_at, calls.id)).label(
                "requests"
            ),
        )
        .where(
            calls.organization_id == organization_id,
            calls.run_id.in_(run_ids),
            calls.stage.is_not(None),
            calls.answered_by == "provider",
        )
        .group_by(calls.run_id, calls.stage)
    )
    return {
        (row["run_id"], row["stage"]): StageCalls(
            CallTotals(
                row["calls"],
                row["input_tokens"],
                row["output_tokens"],
                cost_of(row["cost_usd"]) or Decimal(0),
                row["unknown_costs"],
            ),
            tuple(row["requests"]),
        )
        for row in (await connection.execute(query)).mappings()
    }
