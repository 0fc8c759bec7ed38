"""Whether a failed stage is tried again, and how long to wait before."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tegu.domain.outcome import Failed
from tegu.pipeline.definition import StageDefinition


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


def retries_of(stage: StageDefinition) -> Callable[[Failed], int]:
    """How many further attempts a failure of the stage is given: none where it cannot pass, unless its code is named."""

    def retries(failed: Failed) -> int:
        code = failed.error.code
        return stage.retries_after(code) if failed.transient or code in stage.retries_by_code else 0

    return retries
