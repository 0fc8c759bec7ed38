"""What the kinds that wait may reach beyond their inputs: each thing a protocol, given to them as `work.reach`.

Filled by `stored_reach` for workers and by `tegu.testing` for runs in memory. Invariant: whatever is done through it is
keyed by the task, so that a stage that is looked at again, after a wait or a crash, does it once.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from pydantic import JsonValue

from tegu.domain.errors import StageError
from tegu.pipeline.task import StageTask

T = TypeVar("T")


class Signals(Protocol):
    """What was said to a run from outside, by name. Implemented by `storage.signals.SignalStore`."""

    async def find(self, task: StageTask, name: str) -> "Received | None":
        """The first signal of that name that the run was sent; None while there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Received:
    """A signal that was sent."""

    name: str
    data: JsonValue


@dataclass(frozen=True, slots=True)
class Reach:
    """See the module. What is None is out of reach where the stage is performed; `reachable` says so."""

    signals: Signals | None = None


NOTHING_IN_REACH = Reach()


def reachable(part: T | None, what: str) -> T:
    """The part of the reach. Raises StageError where there is none: in memory, mostly."""
    if part is None:
        raise StageError(
            f"{what} cannot be reached here",
            code="out_of_reach",
            hint="run the pipeline with a database, or give the test what stands for them",
        )
    return part
