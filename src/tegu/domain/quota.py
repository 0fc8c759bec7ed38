"""Quotas: what an organization may use, set by the operator, and what it has used. Days and months are of UTC."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class QuotaLimits:
    """What is bounded; None is not."""

    runs_per_day: int | None = None
    stored_bytes_max: int | None = None
    spend_usd_per_month: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """The bounds, and what counts against them; a count is None where nothing is bounded, for then it is not kept."""

    runs_per_day: int | None
    stored_bytes_max: int | None
    spend_usd_per_month: Decimal | None
    runs_today: int | None
    stored_bytes: int | None
    spent_usd: Decimal | None
    day_ends_at: datetime
    month_ends_at: datetime
