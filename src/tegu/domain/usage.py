"""Usage: what an organization's runs, calls and contents came to, by day (of UTC), pipeline and model."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What a day came to. A row is of calls (it has a model), of runs, or of contents; rows add up. `cost_usd` covers the calls
    whose cost is known; `unknown_costs` counts the others.
    """

    day: date
    pipeline: str | None
    provider: str | None
    model: str | None
    runs: int
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: Decimal
    unknown_costs: int
    contents: int
    content_bytes: int
