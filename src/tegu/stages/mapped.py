"""A mapped stage: once for each item of a list, by slices that are runs of their own, and then all outputs in order.

Called by the performer instead of the kind, for stages with `each`; in a slice the kind itself is called, once per item. The
stage is looked at again whenever a slice has ended. Invariants: which slices there are depends on the list alone; outputs stand
in the order of the items, null where one was allowed to fail.

    items     the list at the path of `each`; the contents that came with the run's are items that name a content
    start     the next slices, as many at once as the map allows
    stopped   a slice failed, or more items failed than are allowed, all slices together: the stage fails, and its slices end with it
    collect   when all slices are completed, one after the other
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from tegu.domain.content import Document, MailThread
from tegu.domain.errors import ErrorInfo, StageError
from tegu.domain.json import JsonObject
from tegu.domain.outcome import WAITS_FOR_RUNS, Postponed
from tegu.domain.status import RunStatus
from tegu.pipeline.child import ChildSpec, ChildState, RunInput, Slice
from tegu.pipeline.definition import SOURCE
from tegu.pipeline.flow import ITEM, EachSpec, value_at
from tegu.pipeline.slice_plan import Pace, failures_allowed, item_content
from tegu.pipeline.slices import cut
from tegu.pipeline.task import StageTask
from tegu.stages.inputs import DataInput, StageInput, source_text
from tegu.stages.kind import StageOutput, waiting
from tegu.stages.reach import Children, Reach, reachable
from tegu.stages.source import Sources

ITEMS_MAX = 100_000
OUTPUT_BYTES_MAX = 16_000_000
LOOK_AGAIN_S = 600.0
"""How soon children are looked at again without a signal; there is one whenever one of them ends."""
CONTENT, CHILDREN = "content", "children"


@dataclass(frozen=True, slots=True)
class MapWork:
    """One mapped stage to do."""

    task: StageTask
    each: EachSpec
    items: tuple[JsonValue, ...]
    children: Children

    def read(self, inputs: Sequence[StageInput]) -> tuple[StageInput, ...]:
        """What it depends on: what its items read, all of them, and how many may fail."""
        same = (each for each in inputs if each.name != ITEM)
        return (*same, DataInput(ITEM, [*self.items]), DataInput("each", self.each.to_json()))

    async def perform(self) -> StageOutput | Postponed:
        """Its outputs in order, or what it waits for. Raises StageError."""
        ranges, at_once = self._cut()
        states = await self.children.states(self.task)
        await self._check_failures(states)
        under_way = sum(not state.status.is_terminal for state in states)
        wanted = ranges[len(states) : len(states) + max(0, at_once - under_way)]
        if wanted:
            await self.children.ensure(self.task, [self._spec(each) for each in wanted])
        if wanted or under_way:
            slices = zip(ranges, states, strict=False)
            done = sum(len(each) for each, state in slices if state.status.is_terminal)
            message = f"{done:,} of {len(self.items):,} items have ended"
            return waiting(WAITS_FOR_RUNS, message, due_in_s=LOOK_AGAIN_S)
        return StageOutput(await self._collect(states))

    def _cut(self) -> tuple[tuple[range, ...], int]:
        """The slices, and how many of them are under way at once. A content that is an item has a run to itself, which its
        deletion finds.
        """
        if self.each.is_of_contents:
            return tuple(range(place, place + 1) for place in range(len(self.items))), self.each.max_parallel
        count = len(self.items)
        return cut(count), Pace.of(count, self.each.max_parallel).slices

    def _spec(self, numbers: range) -> ChildSpec:
        name = self.task.stage.name
        # The list itself is read by its items, each of them one.
        read = {*self.task.stage.inputs, *self.task.stage.needs}
        return ChildSpec(
            item=f":{numbers.start}",
            input=RunInput(
                self.task.data,
                self.items[numbers.start : numbers.stop],
                {key: value for key, value in self.task.inputs.items() if key in read},
            ),
            content_id=item_content(self.items[numbers.start]) if self.each.is_of_contents else None,
            slice=Slice(name, numbers.start, len(self.items), ()),
        )

    async def _check_failures(self, states: Sequence[ChildState]) -> None:
        for state in states:
            if state.status in {RunStatus.FAILED, RunStatus.CANCELLED}:
                error = state.error or ErrorInfo("child_cancelled", "a slice of its items was cancelled")
                raise StageError(error.message, code=error.code, hint=error.hint)
        share = self.each.failed_share_max
        if states and 0 < share < 1:
            failed = (await self.children.counts(self.task, [state.id for state in states])).failed
            if failed > failures_allowed(len(self.items), share):
                raise too_many_failed(failed, len(self.items), share)

    async def _collect(self, states: Sequence[ChildState]) -> list[JsonValue]:
        outputs: list[JsonValue] = [None] * len(self.items)
        size_bytes = 0
        for state in states:
            for found in await self.children.outputs(self.task, state.id, self.task.stage.name):
                size_bytes += found.size_bytes
                if size_bytes > OUTPUT_BYTES_MAX:
                    raise StageError(
                        f"the outputs of the {len(self.items)} items of {self.task.stage.name!r} have more than "
                        f"{OUTPUT_BYTES_MAX} bytes together, which is the most that a stage puts out",
                        code="output_too_large",
                        hint="put out less of each item; every item's result is stored by itself",
                    )
                outputs[int(found.item)] = found.output if found.is_completed else None
        return outputs


def too_many_failed(failed: int, count: int, share: float) -> StageError:
    """More items failed than the map puts up with."""
    return StageError(
        f"{failed} of {count} items failed, and at most {share:.0%} of them may",
        code="too_many_failed",
        hint="`tegu runs show` says of each why; raise `at_most`, or mend what they have in common",
    )


async def map_work(task: StageTask, sources: Sources, reach: Reach) -> MapWork | None:
    """The items of a mapped stage; None for one that runs once. Raises StageError where there is no list."""
    each = task.stage.each
    if each is None:
        return None
    children = reachable(reach.children, "the runs of its items")
    items = await _items(task, each, sources, children)
    if len(items) > ITEMS_MAX:
        raise StageError(
            f"{each.over!r} has {len(items)} items; a stage maps over at most {ITEMS_MAX}",
            code="too_many_items",
            hint="split the list before, or start a run for each part",
        )
    return MapWork(task, each, items, children)


async def _items(
    task: StageTask, each: EachSpec, sources: Sources, children: Children
) -> tuple[JsonValue, ...]:
    root, *path = each.path
    if root == CONTENT and path == [CHILDREN]:
        return tuple({"content_id": str(part)} for part in await children.parts(task))
    if root == SOURCE:
        value: JsonValue = await _source_value(task, sources)
    else:
        value = task.inputs.get(root)
        if value is None:
            return ()  # the stage that makes the list did not complete, and need not
    found = value_at(tuple(path), value)
    if not isinstance(found, list):
        kind = "nothing" if found is None else type(found).__name__
        raise StageError(
            f"each: there is no list at {each.over!r}, but {kind}",
            code="each_is_no_list",
            hint="`each` is the path of a list in the output of a stage that is upstream",
        )
    return tuple(found)


async def _source_value(task: StageTask, sources: Sources) -> JsonValue:
    """What a path of the source walks: the data that a run is about, or the parts of a document and the messages of a thread."""
    if task.data is not None:
        return task.data.value
    match (await source_text(task, sources)).value:
        case Document() as document:
            parts: list[JsonValue] = [
                {"kind": part.kind, "label": part.label, "text": document.text[part.start : part.end]}
                for part in document.parts
            ]
            return {"parts": parts}
        case MailThread() as thread:
            return {"messages": [_message(thread, place) for place in range(len(thread.messages))]}


def _message(thread: MailThread, place: int) -> JsonObject:
    mail = thread.messages[place]
    return {
        "subject": mail.subject,
        "sender": mail.sender,
        "recipients": [*mail.recipients],
        "sent_at": mail.sent_at.isoformat() if mail.sent_at is not None else None,
        "text": mail.text,
        "reply": mail.reply,
    }
