"""Forecasts: what runs of a pipeline will take, said from the ledger of earlier runs.

Invariant: what is not known (too few earlier runs, no price) is None, and said; it is never a number. Costs here are estimates of
US dollars, and no sums of money that was paid.
"""

from dataclasses import dataclass
from enum import StrEnum

SAMPLES_MIN = 10
"""Earlier runs of a stage below which nothing is said of it."""
HISTORY_MAX = 500
"""Earlier runs that are looked at, the newest of them."""


@dataclass(frozen=True, slots=True)
class Spread:
    """An amount that is not certain: its mean, median and 90th percentile, and between what it will be nine times out of ten."""

    mean: float
    p50: float
    p90: float
    low: float
    high: float

    @property
    def margin(self) -> float:
        """The number after `+-`."""
        return (self.high - self.low) / 2


class Basis(StrEnum):
    """What a stage's figures come from."""

    SAME = "same"  # earlier runs of this very stage
    NEAREST = "nearest"  # earlier runs of a stage of this name and kind, which was another then
    FREE = "free"  # it asks no model
    REUSED = "reused"  # its output is taken from an earlier run
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Estimate:
    """An amount for each run: see `Spread`; `margin` is how far its mean may be off, nine times out of ten."""

    mean: float
    margin: float
    p50: float
    p90: float


@dataclass(frozen=True, slots=True)
class StageForecast:
    """One stage of each run. `share` is the part of runs that take it; amounts count runs that do not as 0. `differs` names what
    of the stage was another in the runs that the figures come from. `is_scaled`: the cost is moved to the length of the texts.
    """

    stage: str
    basis: Basis
    samples: int
    differs: tuple[str, ...] = ()
    versions: tuple[int, ...] = ()
    model: str | None = None
    share: float | None = None
    calls: Estimate | None = None
    input_tokens: Estimate | None = None
    output_tokens: Estimate | None = None
    cost_usd: Estimate | None = None
    latency_s: Estimate | None = None
    is_scaled: bool = False
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """All runs together: mean, median and 90th percentile of the sum, and between what it will be nine times out of ten."""

    mean: float
    p50: float
    p90: float
    low: float
    high: float
    margin: float

    @classmethod
    def of(cls, spread: Spread) -> "Total":
        """The same as a sum, with half of what is between low and high."""
        return cls(spread.mean, spread.p50, spread.p90, spread.low, spread.high, spread.margin)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What so many runs of a version will take. A total is None where a stage that counts in it is unknown: `unknown` says which
    and why. `run_cost_usd` is of one run. Stages in `no_model` ask a model while none is configured: they would fail.
    """

    pipeline: str
    version: int
    runs: int
    stages: tuple[StageForecast, ...]
    calls: Total | None
    input_tokens: Total | None
    output_tokens: Total | None
    cost_usd: Total | None
    run_cost_usd: Total | None
    unknown: tuple[str, ...] = ()
    no_model: tuple[str, ...] = ()
    seed: int = 0
    samples_min: int = SAMPLES_MIN
