"""What the kinds that wait may reach beyond their inputs: each thing a protocol, given to them as `work.reach`.

Filled by `stored_reach` for workers and by `tegu.testing` for runs in memory. Invariant: whatever is done through it is
keyed by the task, so that a stage that is looked at again, after a wait or a crash, does it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from tegu.domain.errors import StageError
from tegu.domain.outcome import Completed
from tegu.domain.signal import RunSignal
from tegu.pipeline.child import ChildSpec, ChildState, ItemCounts, ItemOutput
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.task import StageTask

T = TypeVar("T")


class Signals(Protocol):
    """What was said to a run from outside, by name. Implemented by `storage.signals.SignalStore`."""

    async def find(self, task: StageTask, name: str) -> RunSignal | None:
        """The first signal of that name that the run was sent; None while there is none."""
        ...


class Children(Protocol):
    """The runs that a stage started. Implemented by `storage.children.ChildStore`."""

    async def ensure(self, task: StageTask, specs: Sequence[ChildSpec]) -> None:
        """Start those that the stage has not started in its present try. Raises StageError: nested too deep, a pipeline or a
        content that is not there.
        """
        ...

    async def states(self, task: StageTask) -> tuple[ChildState, ...]:
        """Where those of the present try stand, in the order of their items."""
        ...

    async def outputs(
        self, task: StageTask, child_id: UUID, stage: str | None = None
    ) -> tuple[ItemOutput, ...]:
        """What the stages of a child came to, or one of them."""
        ...

    async def counts(self, task: StageTask, slices: Sequence[UUID]) -> ItemCounts:
        """How many items of these slices have ended."""
        ...

    async def definition(self, task: StageTask, pipeline: str) -> PipelineDefinition:
        """What a child runs. Raises StageError where there is none of that name and number."""
        ...

    async def parts(self, task: StageTask) -> tuple[UUID, ...]:
        """The contents that came with the run's, in order: attachments, the messages of a mailbox."""
        ...


class Earlier(Protocol):
    """What the run that a task may reuse has come to. Implemented by `storage.earlier.EarlierStore`."""

    async def find(self, task: StageTask, fingerprint: str) -> Completed | None:
        """The stage as it completed there with this fingerprint; None where it did not."""
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """See the module. What is None is out of reach where the stage is performed; `reachable` says so."""

    signals: Signals | None = None
    children: Children | None = None
    earlier: Earlier | None = None


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
