"""How many calls may be repetitions of failed ones: a share of all calls, so that retries never multiply an outage.

Called by the limiter, one for each limit and process; being a share of the process's own calls it adds up over processes
by itself. Pure: time is passed in.
"""

from dataclasses import dataclass

SHARE = 0.2
"""Repetitions per first attempt."""
MOST = 20.0
REFILL_PER_S = 0.1
"""So that a process that asks little may repeat at all."""


@dataclass(slots=True)
class RetryBudget:
    """What is left. It starts full."""

    left: float = MOST
    at_s: float = 0.0

    def first(self) -> None:
        """A first attempt earns a part of a repetition."""
        self.left = min(MOST, self.left + SHARE)

    def has_room(self, now_s: float) -> bool:
        """Whether a repetition may be made."""
        self.left = min(MOST, self.left + max(0.0, now_s - self.at_s) * REFILL_PER_S)
        self.at_s = now_s
        return self.left >= 1.0

    def repeat(self) -> None:
        """One is made."""
        self.left -= 1.0

    @property
    def due_in_s(self) -> float:
        """When there is room again, at the latest."""
        return max(0.0, (1.0 - self.left) / REFILL_PER_S)
