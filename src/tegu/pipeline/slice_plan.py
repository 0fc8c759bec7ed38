"""The plan of a slice: a stretch of the items of a mapped stage, driven as a run whose stages are `name#number`.

Made by whoever takes such a run over; it stands in for the `Plan` of the version. Pure, as the plan is. Invariants: items start
in their order, never more at once than the map allows; how a slice ends depends on how its items end, not on their order.

    start     the next items in order, while fewer than the limit are under way or waiting
    stopped   once more items failed than the map puts up with, what has not begun is skipped and what is under way cancelled
    outcome   when every item is terminal: failed if it was stopped, otherwise completed
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import floor
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.child import Slice
from tegu.pipeline.definition import SOURCE, PipelineDefinition, StageDefinition
from tegu.pipeline.flow import ALL, CONTINUE, ITEM
from tegu.pipeline.plan import Decision, Outputs, Plan
from tegu.pipeline.slices import cut, item_name, split_name

SLICES_AT_ONCE_MAX = 10
_PENDING, _FAILED = StageStatus.PENDING, StageStatus.FAILED
_RUNNING, _WAITING = StageStatus.RUNNING, StageStatus.WAITING
_NOTHING: Mapping[str, JsonValue] = {}


@dataclass(frozen=True, slots=True)
class Pace:
    """How many slices are under way at once, and how many items of each: never more than `max_parallel` in all."""

    slices: int
    items: int

    @classmethod
    def of(cls, count: int, max_parallel: int) -> "Pace":
        """Of a list of that length: as many slices as there may be, so that many workers share it."""
        slices = max(1, min(len(cut(count)), max_parallel, SLICES_AT_ONCE_MAX))
        return cls(slices, max(1, max_parallel // slices))


def failures_allowed(count: int, failed_share_max: float) -> int:
    """How many items of a list of that length may fail."""
    return floor(count * failed_share_max + 1e-9)


@dataclass(frozen=True, slots=True)
class SlicePlan(Plan):
    """The plan of one slice. Its definition is of its items, `version` that of which the mapped stage is."""

    version: PipelineDefinition
    inputs: Mapping[str, JsonValue]
    items: Mapping[str, JsonValue]
    at_once: int
    failures_max: int

    @property
    def whole(self) -> PipelineDefinition:
        """See `Plan.whole`."""
        return self.version

    def inputs_of(self, name: str, arrived: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """What one item reads: what all of them do, and the item."""
        del arrived
        return {**self.inputs, ITEM: self.items[name]}

    def decide(
        self,
        statuses: Mapping[str, StageStatus],
        outputs: Outputs = _NOTHING,
        *,
        changed: Iterable[str] | None = None,
        facts: Mapping[str, JsonValue] = _NOTHING,
        starts_max: int | None = None,
    ) -> Decision:
        """What follows from `statuses`, as `Plan.decide` says it; nothing depends on outputs."""
        del outputs, changed, facts
        pending: list[str] = []
        under_way: list[str] = []
        failed: list[str] = []
        for name in self.order:
            status = statuses.get(name, _PENDING)
            if status is _PENDING:
                pending.append(name)
            elif status is _FAILED:
                failed.append(name)
            elif status is _RUNNING or status is _WAITING:
                under_way.append(name)
        if len(failed) > self.failures_max:
            return Decision(
                skip=tuple(pending),
                cancel=tuple(under_way),
                outcome=RunStatus.FAILED,
                failures=tuple(failed),
            )
        room = max(0, self.at_once - len(under_way))
        start = pending[: room if starts_max is None else min(room, starts_max)]
        outcome = None if pending or under_way else RunStatus.COMPLETED
        held = pending[len(start) : room]
        return Decision(start=tuple(start), held=tuple(held), outcome=outcome)


def slice_plan(whole: PipelineDefinition, piece: Slice) -> SlicePlan:
    """The plan of a slice of one stage of a version. Raises KeyError for an unknown stage."""
    mapped = whole.stage(piece.stage)
    assert mapped.each is not None
    names = tuple(item_name(piece.stage, piece.start + place) for place in range(len(piece.items)))
    # What items read is given and no edge: they wait for nothing.
    stages = tuple(replace(_item_stage(mapped, name), inputs=(SOURCE,), needs=()) for name in names)
    return SlicePlan(
        PipelineDefinition(whole.name, whole.input, stages),
        whole,
        piece.inputs,
        dict(zip(names, piece.items, strict=True)),
        at_once=Pace.of(piece.of, mapped.each.max_parallel).items,
        failures_max=failures_allowed(piece.of, mapped.each.failed_share_max),
    )


def item_content(item: JsonValue) -> UUID | None:
    """The content that an item stands for: `{"content_id": ...}` and nothing else."""
    match item:
        case {"content_id": str() as text, **others} if not others:
            try:
                return UUID(text)
            except ValueError:
                return None
        case _:
            return None


def stage_named(definition: PipelineDefinition, name: str) -> StageDefinition:
    """A stage by its name, or by that of one of its items. Raises KeyError."""
    stage, item = split_name(name)
    return _item_stage(definition.stage(stage), name) if item else definition.stage(name)


def _item_stage(mapped: StageDefinition, name: str) -> StageDefinition:
    """The mapped stage for one item: the map has decided whether and when, and what its failure means; its deadline is the
    map's.
    """
    return replace(
        mapped,
        name=name,
        when=None,
        else_of=(),
        cancels=(),
        join=ALL,
        on_failure=CONTINUE,
        deadline_s=None,
        each=None,
    )
