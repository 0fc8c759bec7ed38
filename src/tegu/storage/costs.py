"""Costs, added up from the ledger.

Called by the actions, inside one organization's transaction. Invariant: a call is in one group of each kind, and in the total.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, literal, select
from sqlalchemy import Uuid as UuidType

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.call import EMBEDDED
from tegu.domain.cost import CostGroup, CostGrouping, CostSum
from tegu.storage.rows import cost_of
from tegu.storage.tables import llm_calls, pipelines, runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import runs_seen

GROUPS_MAX = 1000
_CLOCKS_APART = timedelta(days=1)
"""Ids of calls are made by the clocks of the machines that make them; more than that they are not wrong."""

_journalled = llm_calls.alias("journalled")


async def sum_costs(
    connection: Transaction,
    organization_id: UUID,
    *,
    since: datetime,
    until: datetime,
    pipeline: str | None = None,
    rows: Rows = ALL_ROWS,
) -> CostSum:
    """All of the time [since, until)."""
    query = _sums(organization_id, since, until, pipeline, rows, None)
    return _sum((await connection.execute(query)).mappings().one())


async def group_costs(
    connection: Transaction,
    organization_id: UUID,
    by: CostGrouping,
    *,
    since: datetime,
    until: datetime,
    pipeline: str | None = None,
    limit: int = GROUPS_MAX,
    rows: Rows = ALL_ROWS,
) -> list[CostGroup]:
    """The same by day in order, or by another thing, that which cost most first."""
    key = _KEYS[by].label("key")
    query = _sums(organization_id, since, until, pipeline, rows, key).group_by(key)
    order = [key] if by is CostGrouping.DAY else [func.sum(llm_calls.c.cost_usd).desc().nulls_last(), key]
    found = (await connection.execute(query.order_by(*order).limit(limit))).mappings()
    return [CostGroup(row["key"], _sum(row)) for row in found]


_KEYS: Mapping[CostGrouping, ColumnElement[Any]] = {
    CostGrouping.DAY: func.to_char(llm_calls.c.created_at.op("at time zone")("UTC"), "YYYY-MM-DD"),
    CostGrouping.MODEL: llm_calls.c.provider + ":" + llm_calls.c.model,
    CostGrouping.PIPELINE: pipelines.c.name,
    CostGrouping.STAGE: pipelines.c.name + "." + llm_calls.c.stage,
}


def _sums(
    organization_id: UUID,
    since: datetime,
    until: datetime,
    pipeline: str | None,
    rows: Rows,
    key: ColumnElement[Any] | None,
) -> Select[Any]:
    c = llm_calls.c
    asked = c.answered_by == "provider"
    replayed = c.answered_by == "journal"
    is_retry = and_(asked, c.attempt > 1)
    columns = [
        func.count().filter(asked).label("calls"),
        func.coalesce(func.sum(c.input_tokens), 0).label("input_tokens"),
        func.coalesce(func.sum(c.output_tokens), 0).label("output_tokens"),
        func.coalesce(func.sum(c.cost_usd), 0).label("cost_usd"),
        func.count().filter(asked, c.cost_usd.is_(None), c.provider.not_in(EMBEDDED)).label("unknown_costs"),
        func.count().filter(is_retry).label("retries"),
        func.coalesce(func.sum(c.cost_usd).filter(is_retry), 0).label("retry_cost_usd"),
        func.count().filter(replayed).label("replays"),
        func.coalesce(func.sum(_journalled.c.cost_usd).filter(replayed), 0).label("saved_usd"),
        func.count(c.run_id.distinct()).label("runs"),
    ]
    original = cast(func.jsonb_extract_path_text(c.metadata, "replayed_call_id"), UuidType)
    query = (
        select(*([key] if key is not None else []), *columns)
        .select_from(
            llm_calls.outerjoin(
                runs, and_(runs.c.organization_id == c.organization_id, runs.c.id == c.run_id)
            )
            .outerjoin(
                pipelines,
                and_(
                    pipelines.c.organization_id == runs.c.organization_id,
                    pipelines.c.id == runs.c.pipeline_id,
                ),
            )
            .outerjoin(
                _journalled,
                and_(
                    replayed,
                    _journalled.c.organization_id == c.organization_id,
                    _journalled.c.id == original,
                ),
            )
        )
        .where(
            c.organization_id == organization_id,
            # The key's index finds the time; the column decides.
            c.id >= _first_id(since - _CLOCKS_APART),
            c.id < _first_id(until + _CLOCKS_APART),
            c.created_at >= since,
            c.created_at < until,
            runs_seen(organization_id, rows, c.run_id),
        )
    )
    return query.where(pipelines.c.name == literal(pipeline, Text)) if pipeline is not None else query


def _first_id(moment: datetime) -> UUID:
    """No UUIDv7 of that moment or later is below it."""
    return UUID(int=(max(0, round(moment.timestamp() * 1000)) & (2**48 - 1)) << 80)


def _sum(row: Mapping[Any, Any]) -> CostSum:
    def usd(name: str) -> Decimal:
        return cost_of(row[name]) or Decimal(0)

    return CostSum(
        calls=row["calls"],
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cost_usd=usd("cost_usd"),
        unknown_costs=row["unknown_costs"],
        retries=row["retries"],
        retry_cost_usd=usd("retry_cost_usd"),
        replays=row["replays"],
        saved_usd=usd("saved_usd"),
        runs=row["runs"],
    )
