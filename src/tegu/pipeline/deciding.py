"""One decision: what follows from where the stages of a run stand.

Called through `Plan.decide`. Invariants: the given statuses are not changed, what is decided is laid over them; stages are
looked at in the order of the plan, so that looking at everything and looking at what changed decide the same.

    look at what changed and what waits for it, the first in the order of the plan first:
        not pending?                   leave it
        one of its gates is closed?    skip it
        all of them are open?          ask its conditions: undecidable -> fail it; false -> skip it; true -> start it,
                                       or hold it where as many start as may; what it cancels and has not ended is cancelled
        what ended by this             look at what waits for it
    outcome, when every stage has ended: failed if a failure counts, otherwise completed
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from heapq import heappop, heappush

from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.condition import Condition
from tegu.pipeline.decision import Decision
from tegu.pipeline.gate import Count, Verdict, is_terminal
from tegu.pipeline.prepared import Node
from tegu.pipeline.standing import Standing

Outputs = Mapping[str, JsonValue] | Callable[[str], JsonValue]
"""Outputs of completed stages, and `{error: ...}` of failed ones whose handler reads it; asked for only where a condition
does.
"""

# Module constants: reading a member off an enum class costs more than the comparison.
_PENDING, _COMPLETED, _FAILED = StageStatus.PENDING, StageStatus.COMPLETED, StageStatus.FAILED
_SKIPPED, _CANCELLED, _RUNNING = StageStatus.SKIPPED, StageStatus.CANCELLED, StageStatus.RUNNING
_OPEN, _CLOSED = Verdict.OPEN, Verdict.CLOSED


class Deciding:
    """The statuses with what was decided so far laid over them. Good for one decision."""

    __slots__ = (
        "_cancel",
        "_counts",
        "_decided",
        "_ended",
        "_facts",
        "_fail",
        "_held",
        "_left",
        "_outputs",
        "_prepared",
        "_skip",
        "_standing",
        "_start",
        "_starts_max",
        "_waiting",
    )

    def __init__(
        self,
        standing: Standing,
        outputs: Outputs,
        facts: Mapping[str, JsonValue],
        starts_max: int | None,
    ) -> None:
        self._prepared = standing.prepared
        self._standing = standing
        self._outputs = outputs
        self._facts = facts
        self._starts_max = starts_max
        self._decided: dict[str, StageStatus] = {}
        self._ended = standing.ended
        self._counts: dict[int, Count] = {}
        self._start: dict[str, None] = {}
        self._skip: list[str] = []
        self._cancel: list[str] = []
        self._held: list[str] = []
        self._fail: dict[str, ErrorInfo] = {}
        self._left: list[int] = []  # places in the order of the plan: a heap
        self._waiting: set[int] = set()  # the same, to have each once

    def decide(self, changed: Iterable[str] | None) -> Decision:
        """What follows from the change of these stages; None: from where all stand."""
        if changed is None:
            self._left = [*range(len(self._prepared.order))]
            self._waiting = {*self._left}
        else:
            for name in changed:
                self._look_later(self._prepared.nodes[name])
        left, waiting, nodes = self._left, self._waiting, self._prepared.in_order
        while left:
            place = heappop(left)
            waiting.discard(place)
            self._look_at(nodes[place])
        return self._decision()

    def _look_at(self, node: Node) -> None:
        if self._status(node.name) is not _PENDING:
            return
        is_open = True
        for gate in node.gates:
            count = self._counts.get(gate) or self._standing.counts[gate]
            verdict = self._prepared.gates[gate].verdict(count)
            if verdict is _CLOSED:
                self._end(node, _SKIPPED)
                return
            is_open = is_open and verdict is _OPEN
        if is_open:
            self._begin(node)

    def _begin(self, node: Node) -> None:
        answer = self._ask(node)
        if isinstance(answer, ErrorInfo):
            self._fail[node.name] = replace(answer, stage=node.name)
            self._end(node, _FAILED)
        elif not answer:
            self._end(node, _SKIPPED)
        elif self._starts_max is not None and len(self._start) >= self._starts_max:
            self._held.append(node.name)
        else:
            self._decided[node.name] = _RUNNING
            self._start[node.name] = None
            for name in node.cancels:
                if not is_terminal(self._status(name)):
                    self._start.pop(name, None)
                    self._end(self._prepared.nodes[name], _CANCELLED)

    def _end(self, node: Node, status: StageStatus) -> None:
        self._decided[node.name] = status
        self._ended += 1
        if status is _SKIPPED:
            self._skip.append(node.name)
        elif status is _CANCELLED:
            self._cancel.append(node.name)
        for each in node.memberships:
            count = self._counts.get(each.gate) or self._standing.counts[each.gate]
            self._counts[each.gate] = each.counted(count, status, 1)
        self._look_later(node)

    def _look_later(self, node: Node) -> None:
        """At the stage, and at those that wait for it."""
        waiting = self._waiting
        for place in node.looked_at:
            if place not in waiting:
                waiting.add(place)
                heappush(self._left, place)

    def _ask(self, node: Node) -> bool | ErrorInfo:
        """Whether all conditions hold. Where that of another stage cannot be decided, that one fails, and its else-branch
        is none.
        """
        for ask in node.asks:
            answer = ask.condition.decide(self._variables(node, ask.condition))
            if isinstance(answer, ErrorInfo):
                return False if ask.is_negated else answer
            if answer is ask.is_negated:
                return False
        return True

    def _variables(self, node: Node, condition: Condition) -> dict[str, JsonValue]:
        """What a condition reads: null for stages that are absent, and for those that have not ended."""
        variables: dict[str, JsonValue] = {}
        for name in condition.names:
            if name not in self._prepared.nodes:
                if name in self._facts:
                    variables[name] = self._facts[name]
                continue
            status = self._status(name)
            is_read = status is _COMPLETED or (status is _FAILED and name in node.handled)
            variables[name] = self._output(name) if is_read else None
        return variables

    def _output(self, name: str) -> JsonValue:
        if name in self._fail:  # in this very decision: nobody has stored it yet
            return {"error": self._fail[name].to_json()}
        return self._outputs(name) if callable(self._outputs) else self._outputs[name]

    def _decision(self) -> Decision:
        is_over = self._ended == len(self._prepared.order)
        failures = (
            tuple(name for name in self._prepared.order if self._fails_the_run(name)) if is_over else ()
        )
        outcome = RunStatus.FAILED if failures else RunStatus.COMPLETED
        return Decision(
            tuple(self._start),
            tuple(self._skip),
            tuple(self._fail.items()),
            tuple(self._cancel),
            tuple(self._held),
            outcome if is_over else None,
            failures,
        )

    def _fails_the_run(self, name: str) -> bool:
        if self._status(name) is not _FAILED:
            return False
        node = self._prepared.nodes[name]
        is_handled = node.handler is not None and self._status(node.handler) is _COMPLETED
        return not (node.continues or is_handled)

    def _status(self, name: str) -> StageStatus:
        return self._decided.get(name) or self._standing.get(name, _PENDING)
