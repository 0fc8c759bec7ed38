"""What calls of models cost, added up.

Invariant: what is not known is counted, and never added as zero.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import computed_field


class CostGrouping(StrEnum):
    """By what costs are added up."""

    DAY = "day"  # of UTC: 2026-11-28
    MODEL = "model"  # openai:gpt-6-luna
    PIPELINE = "pipeline"
    STAGE = "stage"  # invoices.extract


@dataclass(frozen=True, slots=True)
class CostSum:
    """Calls to providers, added up. `cost_usd` covers those whose cost is known, `unknown_costs` counts the others.
    `retries` are the calls that were made because one before them failed or was refused. `replays` are answers that came
    from the journal instead of a provider, and `saved_usd` what these had cost. `runs` counts the runs that made them.
    """

    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unknown_costs: int
    retries: int
    retry_cost_usd: Decimal
    replays: int
    saved_usd: Decimal
    runs: int

    @computed_field
    @property
    def retry_share(self) -> float | None:
        """What part of the cost retries had; None where nothing was paid."""
        return float(self.retry_cost_usd / self.cost_usd) if self.cost_usd else None

    @computed_field
    @property
    def cost_usd_per_run(self) -> Decimal | None:
        """On average; None where no run made a call."""
        return round(self.cost_usd / self.runs, 10) if self.runs else None


@dataclass(frozen=True, slots=True)
class CostGroup:
    """The sum of one day, model, pipeline or stage; `key` is None for calls that were made without a run."""

    key: str | None
    sum: CostSum


@dataclass(frozen=True, slots=True)
class CostSummary:
    """Costs of the time [since, until). Groups are those that cost most first, days in order; there may be more of them than
    are shown (`is_cut_off`), and `total` has them all.
    """

    since: datetime
    until: datetime
    by: CostGrouping
    total: CostSum
    groups: tuple[CostGroup, ...]
    is_cut_off: bool
