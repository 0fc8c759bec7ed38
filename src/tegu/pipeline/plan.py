"""What a run does next: the DAG rules as pure functions of (definition, statuses of its stages).

Called by the engine after every batch of finished stages. Invariants: a stage starts only when all it waits for has
ended and every required upstream has completed; the final statuses depend on how stages end, never on the order in
which they end; each decision looks only at the successors of what changed.

    ready     everything upstream is terminal, and completed where it is required; then `when` decides
    skipped   a required upstream failed or was skipped (at once, and through all that requires it), or `when` is false
    failed    `when` cannot be decided: a missing key, a wrong type
    outcome   when every stage is terminal: cancelled if one was, failed if one failed, otherwise completed
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from tegu.domain.errors import DefinitionError, ErrorInfo, Problem
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.condition import Condition, compile_condition
from tegu.pipeline.definition import PipelineDefinition, StageDefinition

Outputs = Mapping[str, JsonValue] | Callable[[str], JsonValue]
"""Outputs of completed stages; read only for the stages that a condition names."""

# Module constants: reading a member off an enum class costs more than the comparison.
_PENDING, _COMPLETED, _FAILED = StageStatus.PENDING, StageStatus.COMPLETED, StageStatus.FAILED
_SKIPPED, _CANCELLED, _RUNNING = StageStatus.SKIPPED, StageStatus.CANCELLED, StageStatus.RUNNING
_NO_FACTS: Mapping[str, JsonValue] = {}


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now. The three are disjoint; all of them were pending. `outcome` is None while anything is left."""

    start: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    fail: tuple[tuple[str, ErrorInfo], ...] = ()
    outcome: RunStatus | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A stage as the plan sees it."""

    upstream: tuple[str, ...]
    required: frozenset[str]
    successors: tuple[str, ...]
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition, prepared for deciding. Make one per version and keep it. Raises DefinitionError on a cycle, an
    unknown stage or a condition that does not compile.
    """

    definition: PipelineDefinition
    order: tuple[str, ...] = field(init=False)
    read_by_conditions: frozenset[str] = field(init=False)
    """The stages whose outputs `decide` may ask for."""
    nodes: Mapping[str, Node] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        order = self.definition.order()
        successors: dict[str, list[str]] = {name: [] for name in order}
        for stage in self.definition.stages:
            for name in stage.upstream:
                successors[name].append(stage.name)
        nodes = {
            stage.name: Node(
                upstream=stage.upstream[::-1],  # those written last tend to end last: a short look
                required=frozenset(stage.upstream) - stage.optional_inputs,
                successors=tuple(successors[stage.name]),
                condition=_condition(stage),
            )
            for stage in self.definition.stages
        }
        read = frozenset(name for node in nodes.values() if node.condition for name in node.condition.names)
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "read_by_conditions", read & frozenset(nodes))
        object.__setattr__(self, "nodes", nodes)

    def decide(
        self,
        statuses: Mapping[str, StageStatus],
        outputs: Outputs = _NO_FACTS,
        *,
        changed: Iterable[str] | None = None,
        facts: Mapping[str, JsonValue] = _NO_FACTS,
    ) -> Decision:
        """What follows from `statuses` (a stage that is missing there is pending), given what changed since the last
        decision; None looks at every stage, for a run that is new or taken over. `facts` are `content` and `run`.
        """
        return _Deciding(self, statuses, outputs, facts).decide(changed)


def decide(
    plan: Plan,
    statuses: Mapping[str, StageStatus],
    outputs: Outputs = _NO_FACTS,
    *,
    changed: Iterable[str] | None = None,
    facts: Mapping[str, JsonValue] = _NO_FACTS,
) -> Decision:
    """See `Plan.decide`."""
    return plan.decide(statuses, outputs, changed=changed, facts=facts)


class _Deciding:
    """One decision: the given statuses with what was decided so far laid over them."""

    __slots__ = ("_decided", "_facts", "_fail", "_nodes", "_outputs", "_plan", "_skip", "_start", "_statuses")

    def __init__(
        self,
        plan: Plan,
        statuses: Mapping[str, StageStatus],
        outputs: Outputs,
        facts: Mapping[str, JsonValue],
    ) -> None:
        self._plan = plan
        self._nodes = plan.nodes
        self._statuses = statuses
        self._outputs = outputs
        self._facts = facts
        self._decided: dict[str, StageStatus] = {}
        self._start: list[str] = []
        self._skip: list[str] = []
        self._fail: list[tuple[str, ErrorInfo]] = []

    def decide(self, changed: Iterable[str] | None) -> Decision:
        if changed is None:
            for name in self._plan.order:
                self._look_at(name, is_news=False)
        else:
            self._follow(changed)
        return Decision(tuple(self._start), tuple(self._skip), tuple(self._fail), self._outcome())

    def _follow(self, changed: Iterable[str]) -> None:
        """Look at the successors of what changed, and of what ends because of that, until nothing more ends."""
        ended = list(changed)
        for name in ended:  # which grows while it is walked
            self._look_at(name, is_news=True)
            status = self._status(name)
            if not _is_terminal(status):
                continue
            for successor in self._nodes[name].successors:
                if self._status(successor) is not _PENDING:
                    continue
                if status is not _COMPLETED and name in self._nodes[successor].required:
                    self._skip_stage(successor)
                else:
                    self._look_at(successor, is_news=True)
                if _is_terminal(self._status(successor)):
                    ended.append(successor)

    def _look_at(self, name: str, *, is_news: bool) -> None:
        """Decide one stage from its upstreams; leave it alone unless it is pending.

        With `is_news` a failed upstream has been dealt with when it changed, and the first one that goes on is enough.
        """
        if self._status(name) is not _PENDING:
            return
        node = self._nodes[name]
        is_ready = True
        for upstream in node.upstream:
            status = self._status(upstream)
            if status is _COMPLETED:
                continue
            if not _is_terminal(status):
                is_ready = False
                if is_news:
                    break
            elif upstream in node.required:
                self._skip_stage(name)
                return
        if is_ready:
            self._begin(name, node)

    def _begin(self, name: str, node: Node) -> None:
        answer = True if node.condition is None else node.condition.decide(self._variables(node.condition))
        if isinstance(answer, ErrorInfo):
            self._decided[name] = _FAILED
            self._fail.append((name, replace(answer, stage=name)))
        elif answer:
            self._decided[name] = _RUNNING
            self._start.append(name)
        else:
            self._skip_stage(name)

    def _skip_stage(self, name: str) -> None:
        self._decided[name] = _SKIPPED
        self._skip.append(name)

    def _variables(self, condition: Condition) -> dict[str, JsonValue]:
        variables: dict[str, JsonValue] = {}
        for name in condition.names:
            if name in self._nodes:
                variables[name] = self._output(name) if self._status(name) is _COMPLETED else None
            elif name in self._facts:
                variables[name] = self._facts[name]
        return variables

    def _output(self, name: str) -> JsonValue:
        return self._outputs(name) if callable(self._outputs) else self._outputs[name]

    def _outcome(self) -> RunStatus | None:
        if self._start:
            return None
        # From the end, where the stages are that end last: mostly one look says that the run goes on.
        for name in reversed(self._plan.order):
            if not _is_terminal(self._status(name)):
                return None
        found = {self._status(name) for name in self._plan.order}
        if _CANCELLED in found:
            return RunStatus.CANCELLED
        return RunStatus.FAILED if _FAILED in found else RunStatus.COMPLETED

    def _status(self, name: str) -> StageStatus:
        return self._decided.get(name) or self._statuses.get(name, _PENDING)


def _is_terminal(status: StageStatus) -> bool:
    return status is _COMPLETED or status is _SKIPPED or status is _FAILED or status is _CANCELLED


def _condition(stage: StageDefinition) -> Condition | None:
    if stage.when is None:
        return None
    try:
        return compile_condition(stage.when)
    except ValueError as error:
        raise DefinitionError((Problem(f"stages.{stage.name}.when", str(error)),)) from error
