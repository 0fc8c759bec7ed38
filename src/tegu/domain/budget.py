"""Budgets: how much the calls of a run, a pipeline or an organization may cost.

Kept by `storage.budgets`, enforced by the ledger before each call. Invariant: what calls under way may cost at worst counts
as spent until it is known what they did cost.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from pydantic import computed_field

from tegu.domain.errors import UsageError

LIMIT_USD_MAX = Decimal(1_000_000_000)
_PLACES = Decimal("0.0000000001")


class BudgetPeriod(StrEnum):
    """When a budget begins anew, by the calendar of UTC; a run's never does."""

    DAY = "day"
    MONTH = "month"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class BudgetPlace:
    """What a budget is for: a run, a pipeline by name, or with neither the whole organization."""

    period: BudgetPeriod
    pipeline: str | None = None
    run_id: UUID | None = None

    def __post_init__(self) -> None:
        if (self.period is BudgetPeriod.RUN) != (self.run_id is not None):
            raise UsageError(
                "a budget is for a run, or per day or month", hint="--run RUN, or --per day or --per month"
            )
        if self.run_id is not None and self.pipeline is not None:
            raise UsageError("a run's budget names no pipeline", hint="leave --pipeline out")

    def __str__(self) -> str:
        if self.run_id is not None:
            return f"the run {self.run_id}"
        whose = f"pipeline {self.pipeline!r}" if self.pipeline else "the organization"
        return f"{whose} per {self.period.value}"


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget and how much of it is left. `spent_usd` is what ended calls did cost, or at worst where that is not known;
    `reserved_usd` what calls under way may cost at worst. `resets_at` is None for a run's.
    """

    place: BudgetPlace
    limit_usd: Decimal
    spent_usd: Decimal
    reserved_usd: Decimal
    allows_unpriced: bool
    resets_at: datetime | None

    @computed_field
    @property
    def left_usd(self) -> Decimal:
        """What may still be reserved; not below 0, though the limit may have been set below what is spent."""
        return max(Decimal(0), self.limit_usd - self.spent_usd - self.reserved_usd)


def checked_limit(limit_usd: Decimal) -> Decimal:
    """A limit that makes sense, to ten decimal places. Raises UsageError."""
    if not limit_usd.is_finite() or not 0 <= limit_usd <= LIMIT_USD_MAX:
        raise UsageError(
            f"a budget cannot be {limit_usd} US dollars",
            hint=f"give 0 to {LIMIT_USD_MAX}; 0 stops every call",
        )
    return limit_usd.quantize(_PLACES)


def window_end(period: BudgetPeriod, now: datetime) -> datetime | None:
    """When the present window ends."""
    day = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case BudgetPeriod.DAY:
            return day + timedelta(days=1)
        case BudgetPeriod.MONTH:
            return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        case BudgetPeriod.RUN:
            return None
