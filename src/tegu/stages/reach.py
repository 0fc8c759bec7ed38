"""What the kinds that wait may reach beyond their inputs: each thing a protocol, given to them as `work.reach`.

Filled by `stored_reach` for workers and by `tegu.testing` for runs in memory. Invariant: whatever is done through it is
keyed by the task, so that a stage that is looked at again, after a wait or a crash, does it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar
from uuid import UUID

from tegu.domain.errors import StageError
from tegu.domain.json import JsonObject
from tegu.domain.outcome import Completed
from tegu.domain.review import ReviewAnswer, ReviewQuestion
from tegu.domain.run import StageTimes
from tegu.domain.signal import RunSignal
from tegu.egress.request import Answer, EgressLimits, EgressRequest
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


class Reviews(Protocol):
    """What people decide. Implemented by `storage.review_store.ReviewStore`."""

    async def ask(self, task: StageTask, question: ReviewQuestion) -> ReviewAnswer:
        """How the review of this try of the stage stands; it is opened where there is none."""
        ...

    async def expire(self, task: StageTask, review_id: UUID) -> ReviewAnswer:
        """Close a review whose time is over, unless somebody was faster."""
        ...


class Times(Protocol):
    """The database's time. Implemented by `storage.stage_times.StageClock`."""

    async def of(self, task: StageTask) -> StageTimes:
        """When the stage began for the first time, and what time it is."""
        ...


class Messages(Protocol):
    """The outbox of webhooks. Implemented by `storage.messages.MessageStore`."""

    async def send(self, task: StageTask, body: JsonObject, *, webhook: str | None) -> int:
        """Owe a message to the webhooks that want it, or to one; sent again, it is owed once. Returns to how many."""
        ...


class Http(Protocol):
    """Addresses outside, as far as they may be asked. Implemented by `stages.stored_reach.GuardedHttp`."""

    async def request(
        self, task: StageTask, asked: EgressRequest, limits: EgressLimits, *, credential: str | None
    ) -> Answer:
        """What is answered, whatever its status; with a credential of the organization's, which goes to its own host alone.
        Raises EgressError, StageError.
        """
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
    reviews: Reviews | None = None
    times: Times | None = None
    messages: Messages | None = None
    http: Http | None = None


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
