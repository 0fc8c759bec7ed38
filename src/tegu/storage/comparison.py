"""What a run asked of models, stage by stage, with all that its stages started, for whoever compares it.

Called by the actions, inside one organization's transaction.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tegu.domain.call import EMBEDDED
from tegu.domain.run import CallTotals
from tegu.storage.families import stages_of_family
from tegu.storage.rows import cost_of
from tegu.storage.tables import llm_calls
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class StageCalls:
    """The calls of one stage and of what it started, added up, and the hashes of what the stage itself sent, in order."""

    totals: CallTotals
    requests: tuple[str, ...]


async def calls_by_stage(
    connection: Transaction, organization_id: UUID, run_id: UUID
) -> dict[str, StageCalls]:
    """By stage of the run: its own calls, and those of the slices, nested runs and iterations that it started. Replies from the
    journal are no calls.
    """
    calls, family = llm_calls.c, stages_of_family(organization_id, run_id)
    stage = func.coalesce(family.c.stage, calls.stage)
    query = (
        select(
            stage.label("stage"),
            func.count().label("calls"),
            func.coalesce(func.sum(calls.input_tokens), 0).label("input_tokens"),
            func.coalesce(func.sum(calls.output_tokens), 0).label("output_tokens"),
            func.coalesce(func.sum(calls.cost_usd), 0).label("cost_usd"),
            func.count()
            .filter(calls.cost_usd.is_(None), calls.provider.not_in(EMBEDDED))
            .label("unknown_costs"),
            func.array_agg(aggregate_order_by(calls.request_hash, calls.created_at, calls.id))
            .filter(family.c.stage.is_(None))
            .label("requests"),
        )
        .join_from(family, llm_calls, calls.run_id == family.c.id)
        .where(
            calls.organization_id == organization_id,
            stage.is_not(None),
            calls.answered_by == "provider",
        )
        .group_by(stage)
    )
    return {
        row["stage"]: StageCalls(
            CallTotals(
                row["calls"],
                row["input_tokens"],
                row["output_tokens"],
                cost_of(row["cost_usd"]) or Decimal(0),
                row["unknown_costs"],
            ),
            tuple(row["requests"] or ()),
        )
        for row in (await connection.execute(query)).mappings()
    }
