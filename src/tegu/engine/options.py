"""Limits and intervals of a worker."""

from dataclasses import dataclass, field

from tegu.engine.commit import LaneOptions
from tegu.engine.lease import LeaseOptions
from tegu.engine.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """Limits and intervals. `concurrency` bounds the runs owned and the stages performed at once; `reserved` more (by
    default one in ten, at least one) are for organizations that have none there, so that nobody's long stages keep others out.
    """

    concurrency: int = 200
    reserved: int | None = None
    lanes: int = 2
    poll_s: float = 1.0
    watch_s: float = 1.0
    drain_s: float = 2.0
    lease: LeaseOptions = field(default_factory=LeaseOptions)
    lane: LaneOptions = field(default_factory=LaneOptions)
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    @property
    def reserve(self) -> int:
        """How many slots are for organizations that have none."""
        return max(1, self.concurrency // 10) if self.reserved is None else self.reserved
