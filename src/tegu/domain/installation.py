"""How a whole installation is, at one moment: who works, what waits and why. For whoever operates it.

Invariant: it names no organization; where counting was cut off it says so.
"""

from dataclasses import dataclass
from datetime import datetime

from tegu.domain.worker import LivingWorker, UnservedRuns


@dataclass(frozen=True, slots=True)
class Backlog:
    """Runs that nobody owns. `due` could be taken now, the oldest of them for `oldest_due_s`; `waiting` are under way
    and due later, `scheduled` were not begun. `cancelling` of the due ones are only to be ended.
    """

    due: int
    oldest_due_s: float | None
    waiting: int
    scheduled: int
    cancelling: int


@dataclass(frozen=True, slots=True)
class WaitingReason:
    """Why runs wait: the code of what their stage met, such as `budget_exhausted` or `rate_limited`, and how many of those looked at."""

    code: str
    runs: int


@dataclass(frozen=True, slots=True)
class Leases:
    """Runs that workers own. `stranded` are those whose worker lives no more, and that another will take over; `oldest_beat_s`
    is how long ago the worker renewed that renewed least recently, of those alive.
    """

    owned: int
    stranded: int
    oldest_beat_s: float | None


@dataclass(frozen=True, slots=True)
class Installation:
    """See the module. `stages` and `calls` are under way in owned runs. `is_capped`: some count was cut off at `counted_max`."""

    at: datetime
    workers: tuple[LivingWorker, ...]
    backlog: Backlog
    reasons: tuple[WaitingReason, ...]
    unserved: tuple[UnservedRuns, ...]
    leases: Leases
    stages: int
    calls: int
    counted_max: int
    is_capped: bool

    @property
    def slots(self) -> int:
        """Runs that the living workers may own at once, those that drive everybody's runs alone."""
        return sum(worker.concurrency for worker in self.workers if worker.drives_all)

    @property
    def slots_used(self) -> int:
        """Runs that these own."""
        return sum(worker.owned_runs for worker in self.workers if worker.drives_all)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether this process can do its work, and how the installation is. `runs` and `slots` are those of its own worker for
    everybody's runs, if it has one. What could not be found out is None; `installation` may be some seconds old.
    """

    is_open: bool
    is_database_reachable: bool
    runs: int | None = None
    slots: int | None = None
    problem: str | None = None
    latency_ms: float | None = None
    schema: str | None = None
    installation: Installation | None = None

    @property
    def is_ready(self) -> bool:
        """Whether nothing is missing."""
        return self.problem is None
