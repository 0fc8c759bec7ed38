"""How long to wait before a failed stage is tried again."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff with full jitter, so that runs that failed together do not come back together."""

    base_s: float = 1.0
    max_s: float = 300.0

    def delay_of(self, random: Random) -> Callable[[int, float | None], float]:
        """`delay_s` with these dice."""
        return lambda failures, at_least_s: self.delay_s(failures, at_least_s=at_least_s, random=random)

    def delay_s(self, failures: int, *, at_least_s: float | None, random: Random) -> float:
        """The wait after the given number of failures (1 or more); what a provider asked for is the least."""
        ceiling = min(self.max_s, self.base_s * 2 ** min(failures - 1, 30))
        return min(self.max_s, max(at_least_s or 0.0, random.uniform(ceiling / 2, ceiling)))
