"""How long what is finished is kept, and how much of it went.

Set by `settings`, carried out by `storage.retention`. Ages count from the end of a run or call.
"""

from dataclasses import dataclass

from tegu.domain.errors import ConfigurationError

DAYS_MIN = 1.0
"""So that nothing goes that an idempotency key still answers with, or that somebody is looking at."""
DAYS_MAX = 36_500.0


@dataclass(frozen=True, slots=True)
class Retention:
    """Days; None keeps for ever. `runs` with their stages, results and events; `replies` are the bodies of model calls.
    The ledger's rows (tokens, cost, times) are always kept.
    """

    events_days: float | None = 30.0
    replies_days: float | None = None
    runs_days: float | None = None

    def __post_init__(self) -> None:
        for name, days in (
            ("events", self.events_days),
            ("replies", self.replies_days),
            ("runs", self.runs_days),
        ):
            if days is not None and not DAYS_MIN <= days <= DAYS_MAX:
                raise ConfigurationError(
                    f"{name} cannot be kept for {days:g} days",
                    hint=f"give {DAYS_MIN:g} to {DAYS_MAX:g} days, or nothing to keep them for ever",
                )


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went: rows of events, bodies of replies and requests, whole runs, idempotency keys, uploads that expired."""

    events: int = 0
    replies: int = 0
    requests: int = 0
    runs: int = 0
    keys: int = 0
    uploads: int = 0

    def __add__(self, other: "Pruned") -> "Pruned":
        return Pruned(
            self.events + other.events,
            self.replies + other.replies,
            self.requests + other.requests,
            self.runs + other.runs,
            self.keys + other.keys,
            self.uploads + other.uploads,
        )
