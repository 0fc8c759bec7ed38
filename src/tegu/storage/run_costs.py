"""Runs by what they cost, as conditions for queries: from the tallies, and from the ledger what these do not have yet.

Called by `run_filters`, inside one organization's transaction. Invariants: a run costs what its calls and those of all that it started
add up to, however much of it is tallied; what is tallied never becomes less.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    and_,
    case,
    false,
    func,
    not_,
    or_,
    select,
    union,
)

from tegu.domain.run_filter import RunFilter
from tegu.storage.tables import late_calls, llm_calls, run_costs, runs, tally_marks
from tegu.storage.transaction import Transaction

FEW_MAX = 20_000
"""Runs are looked for one by one where no more than so many can be meant, and from the list's beginning where more."""
_E10 = Decimal(10) ** 10
_BIGINT_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class CostsKnown:
    """Up to when all is tallied, from which id on the rest is found, and whether few runs are tallied with more than is asked for."""

    upto: datetime
    live_from: UUID
    are_few_above: bool


async def look_at_costs(connection: Transaction, organization_id: UUID, wanted: RunFilter) -> CostsKnown:
    """Asked for before, so that the planner knows how little is to be read."""
    c = tally_marks.c
    query = select(c.upto, c.live_from).where(c.organization_id == organization_id)
    mark = (await connection.execute(query)).first()
    are_few = False
    if wanted.cost_above_usd is not None:
        several = select(run_costs.c.run_id).where(_is_above(organization_id, wanted.cost_above_usd))
        found = select(func.count()).select_from(several.limit(FEW_MAX + 1).subquery())
        are_few = (await connection.execute(found)).scalar_one() <= FEW_MAX
    if mark is None:
        return CostsKnown(datetime(1, 1, 2, tzinfo=UTC), UUID(int=0), are_few)
    return CostsKnown(mark.upto, mark.live_from, are_few)


def cost_conditions(
    organization_id: UUID, wanted: RunFilter, known: CostsKnown
) -> Iterator[ColumnElement[bool]]:
    """What holds of runs that cost as much, and as little, as is wanted."""
    of_now = _of_now(organization_id, known)
    is_of_now = runs.c.id.in_(select(of_now.c.run_id))
    tallied = func.coalesce(
        select(run_costs.c.cost_e10)
        .where(run_costs.c.organization_id == organization_id, run_costs.c.run_id == runs.c.id)
        .correlate(runs)
        .scalar_subquery(),
        0,
    )
    if (above := wanted.cost_above_usd) is not None:
        if known.are_few_above:
            yield runs.c.id.in_(select(_may_be_above(organization_id, above, of_now).c.run_id))
        more_by_now = and_(is_of_now, _whole(organization_id) > above)
        yield or_(tallied > _units(above, ROUND_FLOOR), more_by_now)
    if (below := wanted.cost_below_usd) is not None:
        less_also_now = or_(not_(is_of_now), _whole(organization_id) < below)
        yield and_(tallied < _units(below, ROUND_CEILING), less_also_now) if below > 0 else false()


def _may_be_above(organization_id: UUID, above: Decimal, of_now: CTE) -> CTE:
    tallied = select(run_costs.c.run_id).where(_is_above(organization_id, above))
    return union(tallied, select(of_now.c.run_id)).cte("may_be_above").prefix_with("materialized")


def _is_above(organization_id: UUID, above: Decimal) -> ColumnElement[bool]:
    return and_(
        run_costs.c.organization_id == organization_id, run_costs.c.cost_e10 > _units(above, ROUND_FLOOR)
    )


def _units(usd: Decimal, rounding: str) -> int:
    units = int(min(usd * _E10, Decimal(_BIGINT_MAX)).to_integral_value(rounding))
    return min(units, _BIGINT_MAX)


def _of_now(organization_id: UUID, known: CostsKnown) -> CTE:
    """Runs with calls that are not tallied yet, or were still under way when they were; and the runs at the top of theirs."""
    c = llm_calls.c
    fresh = select(c.run_id).where(
        c.organization_id == organization_id,
        c.id >= known.live_from,
        c.created_at >= known.upto,
        c.run_id.is_not(None),
    )
    late = (
        select(c.run_id)
        .join_from(late_calls, llm_calls, c.id == late_calls.c.call_id)
        .where(
            late_calls.c.organization_id == organization_id,
            c.organization_id == organization_id,
            c.run_id.is_not(None),
        )
    )
    own = union(fresh, late).cte("called_now")
    below = runs.alias("below")
    top = select(below.c.root_id).where(
        below.c.organization_id == organization_id,
        below.c.id.in_(select(own.c.run_id)),
        below.c.root_id.is_not(None),
    )
    return union(select(own.c.run_id), top).cte("of_now")


def _whole(organization_id: UUID) -> ColumnElement[Any]:
    """Of a run, and of all that it started where it did."""
    calls, member = llm_calls.c, runs.alias("member")
    own = select(func.coalesce(func.sum(calls.cost_usd), 0)).where(
        calls.organization_id == organization_id,
        calls.run_id == runs.c.id,
        calls.answered_by == "provider",
    )
    below = (
        select(func.coalesce(func.sum(calls.cost_usd), 0))
        .join_from(member, llm_calls, calls.run_id == member.c.id)
        .where(
            member.c.organization_id == organization_id,
            member.c.root_id == runs.c.id,
            member.c.id != runs.c.id,
            calls.answered_by == "provider",
        )
    )
    whole = own.correlate(runs).scalar_subquery() + below.correlate(runs).scalar_subquery()
    return case((runs.c.has_children, whole), else_=own.correlate(runs).scalar_subquery())
