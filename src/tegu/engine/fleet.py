"""How many workers a load wants: more at once, fewer only when it stayed low for a while.

Called by whoever places workers on machines (`tegu worker --ray`). Pure: the time is passed in.
"""

from collections import deque
from dataclasses import dataclass

from tegu.domain.errors import UsageError

MEMBERS_MAX = 1000


@dataclass(frozen=True, slots=True)
class FleetBounds:
    """How many workers there are at least and at most, and how long a lower load must last before some are let go."""

    least: int = 1
    most: int = 4
    settle_s: float = 60.0

    def __post_init__(self) -> None:
        """Raises UsageError for bounds that leave nothing between them."""
        if not 0 <= self.least <= self.most or not 1 <= self.most <= MEMBERS_MAX:
            raise UsageError(
                f"between {self.least} and {self.most} workers: that cannot be",
                hint=f"the lower bound may be 0, the upper one is 1 to {MEMBERS_MAX}, and not below the lower",
            )


class FleetSize:
    """The size of one fleet. `concurrency` is how many runs one worker owns at most."""

    def __init__(self, bounds: FleetBounds, concurrency: int) -> None:
        self._bounds = bounds
        self._concurrency = concurrency
        self._wanted: deque[tuple[float, int]] = deque()
        """(time, wanted), falling: each is the largest from its time on."""

    @property
    def due_max(self) -> int:
        """More due runs than these change nothing."""
        return self._bounds.most * self._concurrency

    def wanted(self, now: float, *, due: int, owned: int) -> int:
        """How many workers there should be: as many as were wanted at any time within the last `settle_s`."""
        load = -(-(due + owned) // self._concurrency)
        wanted = min(self._bounds.most, max(self._bounds.least, load))
        while self._wanted and self._wanted[-1][1] <= wanted:
            self._wanted.pop()
        self._wanted.append((now, wanted))
        while self._wanted[0][0] < now - self._bounds.settle_s:
            self._wanted.popleft()
        return self._wanted[0][1]
