"""What a stage waits for, as counts: a gate is open, closed for good, or undecided.

Made by `prepared`, counted by `standing`, asked by `deciding`. Invariant: a gate that is open or closed stays so, whatever
its undecided members come to; so deciding early and deciding late give the same.

    all       every member has ended, and those that are required arrived      closed at once when a required one is absent
    any, N    so many arrived; the others may go on                            closed when too few are left
    settled   every member has ended, and at least one arrived                 closed when none arrived
    handler   every stage that it handles has ended, and at least one failed   closed when none failed
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from tegu.domain.status import StageStatus
from tegu.pipeline.flow import ALL, Join

_COMPLETED, _FAILED = StageStatus.COMPLETED, StageStatus.FAILED
_SKIPPED, _CANCELLED = StageStatus.SKIPPED, StageStatus.CANCELLED


class Verdict(Enum):
    """What a gate says of the stage behind it."""

    UNDECIDED = "undecided"
    OPEN = "open"
    CLOSED = "closed"


_UNDECIDED, _OPEN, _CLOSED = Verdict.UNDECIDED, Verdict.OPEN, Verdict.CLOSED


class Count(NamedTuple):
    """How the members of a gate stand: not ended yet, arrived, and absent though required."""

    left: int
    arrived: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Gate:
    """`needed` members must arrive; `waits_for_all` says that every member must have ended besides."""

    owner: str
    members: tuple[str, ...]
    needed: int
    waits_for_all: bool

    @classmethod
    def of_join(cls, owner: str, members: tuple[str, ...], join: Join) -> "Gate":
        """The gate of `join`."""
        match join:
            case int():
                return cls(owner, members, join, waits_for_all=False)
            case "any":
                return cls(owner, members, 1, waits_for_all=False)
            case "settled":
                return cls(owner, members, 1, waits_for_all=True)
            case _:
                assert join == ALL, join
                return cls(owner, members, 0, waits_for_all=True)

    def verdict(self, count: Count) -> Verdict:
        """What the count comes to."""
        left, arrived, missing = count
        if missing or arrived + left < self.needed:
            return _CLOSED
        if arrived >= self.needed and not (left and self.waits_for_all):
            return _OPEN
        return _UNDECIDED


@dataclass(frozen=True, slots=True)
class Membership:
    """One stage among those that a gate waits for, and which endings of it count as arrived there."""

    gate: int
    owner: str
    is_required: bool
    arrives_completed: bool
    arrives_failed: bool

    def counted(self, count: Count, status: StageStatus, by: int) -> Count:
        """The count after the member ended so (`by` 1), or did not after all (-1)."""
        has_arrived = (status is _COMPLETED and self.arrives_completed) or (
            status is _FAILED and self.arrives_failed
        )
        return Count(
            count.left - by,
            count.arrived + by if has_arrived else count.arrived,
            count.missing + by if self.is_required and not has_arrived else count.missing,
        )


def is_terminal(status: StageStatus) -> bool:
    """`StageStatus.is_terminal`, which is asked too often here to look into a table."""
    return status is _COMPLETED or status is _SKIPPED or status is _FAILED or status is _CANCELLED
