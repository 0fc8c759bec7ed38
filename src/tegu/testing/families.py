"""Children of runs in memory: nested pipelines, iterations and slices really run, each to its end where it is asked for.

Made by `running` for each run. Invariant: they stand where those of the store would, known by the same places, so that a stage
that looks again finds them.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from pydantic_core import to_json

from tegu.domain.errors import StageError
from tegu.domain.status import StageStatus
from tegu.pipeline.child import DEPTH_MAX, ChildSpec, ChildState, ItemCounts, ItemOutput, RunInput, Slice
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.pipeline_name import base_name
from tegu.pipeline.plan import Plan
from tegu.pipeline.slice_plan import slice_plan
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.storage.claims import SliceBounds
from tegu.testing.checkpointed import Checkpointed
from tegu.testing.memory import MemoryContents

RunChild = Callable[[StageTask, ChildSpec, PipelineDefinition, int], Awaitable[Checkpointed]]
"""Runs a child of that definition, that deep, to its end."""
_Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Given:
    """What a child was given by its parent; nothing for a run that a test starts."""

    input: RunInput | None = None
    slice: Slice | None = None
    content_id: UUID | None = None
    depth: int = 0

    @property
    def bounds(self) -> SliceBounds | None:
        """As the store has them."""
        return SliceBounds(self.slice.stage, self.slice.start, self.slice.of) if self.slice else None

    def plan(self, definition: PipelineDefinition) -> Plan:
        """Of the run, or of its slice."""
        if self.slice is None or self.input is None:
            return Plan(definition)
        return slice_plan(definition, replace(self.slice, items=self.input.items, inputs=self.input.inputs))


@dataclass(slots=True)
class MemoryChildren:
    """Implements `stages.reach.Children` for one run. `pipelines` are those that may be nested, by name."""

    pipelines: Mapping[str, PipelineDefinition]
    contents: MemoryContents
    run_child: RunChild
    depth: int = 0
    slices: list[Checkpointed] = field(default_factory=list[Checkpointed])
    _children: dict[_Place, dict[str, tuple[ChildSpec, Checkpointed]]] = field(
        default_factory=dict[_Place, dict[str, tuple[ChildSpec, Checkpointed]]]
    )

    async def ensure(self, task: StageTask, specs: Sequence[ChildSpec]) -> None:
        """See `stages.reach.Children`."""
        mine = self._children.setdefault(_place(task), {})
        for spec in specs:
            if spec.item in mine:
                continue
            deeper = self.depth + (spec.pipeline is not None)
            if deeper > DEPTH_MAX:
                raise StageError(f"pipelines are nested more than {DEPTH_MAX} deep", code="nested_too_deep")
            definition = task.definition if spec.pipeline is None else self._named(spec.pipeline)
            child = await self.run_child(task, spec, definition, deeper)
            mine[spec.item] = (spec, child)
            if spec.slice is not None:
                self.slices.append(child)

    async def states(self, task: StageTask) -> tuple[ChildState, ...]:
        """See `stages.reach.Children`."""
        return tuple(
            ChildState(child.run.id, spec.item, child.status, child.error, spec.slice and spec.slice.start)
            for spec, child in self._children.get(_place(task), {}).values()
        )

    async def outputs(
        self, task: StageTask, child_id: UUID, stage: str | None = None
    ) -> tuple[ItemOutput, ...]:
        """See `stages.reach.Children`."""
        del task
        child = next(found for found in self._all() if found.run.id == child_id)
        return tuple(
            ItemOutput(
                *split_name(name),
                state.status is StageStatus.COMPLETED,
                state.output,
                len(to_json(state.output)),
            )
            for name, state in child.states.items()
            if stage is None or split_name(name)[0] == stage
        )

    async def counts(self, task: StageTask, slices: Sequence[UUID]) -> ItemCounts:
        """See `stages.reach.Children`."""
        statuses = [
            state.status
            for child in self._all()
            if child.run.id in slices
            for name, state in child.states.items()
            if split_name(name)[0] == task.stage.name
        ]
        return ItemCounts(
            sum(status.is_terminal for status in statuses),
            sum(status is StageStatus.FAILED for status in statuses),
        )

    async def definition(self, task: StageTask, pipeline: str) -> PipelineDefinition:
        """See `stages.reach.Children`."""
        del task
        return self._named(pipeline)

    async def parts(self, task: StageTask) -> tuple[UUID, ...]:
        """See `stages.reach.Children`."""
        found = self.contents.contents.values()
        return tuple(content.id for content in found if content.parent_id == task.content_id)

    def _all(self) -> list[Checkpointed]:
        return [child for mine in self._children.values() for _, child in mine.values()]

    def _named(self, pipeline: str) -> PipelineDefinition:
        found = self.pipelines.get(base_name(pipeline))
        if found is None:
            raise StageError(
                f"there is no pipeline {pipeline!r}",
                code="unknown_pipeline",
                hint="give it: testing.run(..., pipelines=[...])",
            )
        return found


def _place(task: StageTask) -> _Place:
    return task.stage.name, task.failures
