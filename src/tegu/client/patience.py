"""Whether to ask again, and after how long.

Called by `asking` after each failure. Invariant: what may have been done is not asked for again unless that does no harm, and no
caller waits longer than `wait_max_s` in all.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tegu.domain import errors
from tegu.domain.errors import TeguError


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is sent at most, and how long its caller waits between, in all."""

    tries_max: int = 4
    wait_max_s: float = 30.0
    first_wait_s: float = 0.2
    spread: Callable[[], float] = field(default=random.random)

    def wait_s(self, failure: TeguError, tries: int, waited_s: float, *, may_repeat: bool) -> float | None:
        """Seconds until it is sent again after so many tries; None: it is not."""
        if tries >= self.tries_max or not _is_passing(failure, may_repeat=may_repeat):
            return None
        grown_s = self.first_wait_s * 2 ** (tries - 1)
        wait_s = max(grown_s * (0.5 + self.spread()), _asked_for_s(failure))
        return wait_s if waited_s + wait_s <= self.wait_max_s else None


def _is_passing(failure: TeguError, *, may_repeat: bool) -> bool:
    match failure:
        case errors.QuotaError():  # refused before anything was done
            return True
        case errors.UnreachableError():
            return may_repeat or not failure.was_sent
        case errors.StorageUnavailableError() | errors.NoCapacityError():
            return may_repeat
        case _:
            return False


def _asked_for_s(failure: TeguError) -> float:
    match failure:
        case errors.QuotaError():
            return failure.retry_after_s
        case errors.NoCapacityError():
            return failure.due_in_s
        case _:
            return 0.0
