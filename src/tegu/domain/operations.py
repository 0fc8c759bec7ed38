"""What an operator decides about runs: what is paused, how many are under way at once, which go first, and when they start.

Enforced by the claim. Invariant: none of it changes a run that is there; what is held back stays where it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from tegu.domain.errors import UsageError

PRIORITIES: Mapping[str, int] = {"low": -3, "normal": 0, "high": 3}
"""By name; any whole number from -9 to 9 is one. One step is worth an hour of waiting, so that nothing waits for ever."""
PRIORITY_MAX = 9
DELAY_S_MAX = 10 * 366 * 86_400.0
RUNS_MAX_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Pause:
    """Runs that no worker takes until they are resumed: of a pipeline, of the organization (`pipeline` is None), or, with
    `is_everybodys`, of all organizations.
    """

    pipeline: str | None
    reason: str | None
    paused_at: datetime
    is_everybodys: bool = False

    def __str__(self) -> str:
        """`pipeline invoices is paused: the supplier's server is down`."""
        whose = f"pipeline {self.pipeline}" if self.pipeline else "the organization"
        said = f"{'everything' if self.is_everybodys else whose} is paused"
        return f"{said}: {self.reason}" if self.reason else said


def limit_reached(runs_max: int) -> str:
    """Why a run is not taken although it is due."""
    runs = "run" if runs_max == 1 else "runs"
    return f"the organization has as many runs under way as it may ({runs_max} {runs})"


def checked_priority(priority: int | str) -> int:
    """The number that a priority stands for. Raises UsageError."""
    if isinstance(priority, str):
        try:
            found = PRIORITIES[priority] if priority in PRIORITIES else int(priority)
        except ValueError:
            found = PRIORITY_MAX + 1
    else:
        found = priority
    if isinstance(found, bool) or not -PRIORITY_MAX <= found <= PRIORITY_MAX:
        raise UsageError(
            f"{priority!r} is no priority",
            hint=f"{', '.join(PRIORITIES)}, or a whole number from -{PRIORITY_MAX} to {PRIORITY_MAX}",
        )
    return found


def check_start_time(due_at: datetime | None, delay_s: float | None) -> None:
    """Raises UsageError for what is no time to start at."""
    if due_at is not None and delay_s is not None:
        raise UsageError(
            f"a run starts at a time or after a while, and not due_at={due_at.isoformat()} with delay_s={delay_s}"
        )
    if due_at is not None and due_at.utcoffset() is None:
        raise UsageError(
            f"due_at={due_at.isoformat()} is a different moment in every time zone",
            hint="give it one: datetime(..., tzinfo=ZoneInfo('Europe/Berlin'))",
        )
    if delay_s is not None and not (isfinite(delay_s) and 0 <= delay_s <= DELAY_S_MAX):
        raise UsageError(f"delay_s={delay_s} is no time to wait", hint=f"give 0 to {DELAY_S_MAX:.0f} seconds")


def checked_runs_max(runs_max: int) -> int:
    """A limit that makes sense. Raises UsageError."""
    if not 1 <= runs_max <= RUNS_MAX_MAX:
        raise UsageError(
            f"{runs_max} runs at once is no limit",
            hint=f"give 1 to {RUNS_MAX_MAX}; to hold everything back, pause the organization",
        )
    return runs_max
