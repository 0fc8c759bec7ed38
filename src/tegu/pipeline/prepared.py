"""A definition prepared for deciding: its stages with their gates, conditions and cancels looked up once.

Made by `Plan`, once per version. Invariant: everything that a decision needs of the definition is here by name, so that it
looks at nothing but what changed and what waits for that.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tegu.domain.errors import DefinitionError, Problem
from tegu.pipeline.condition import Condition, compile_condition
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.flow import ALL, CONTINUE, EVERY_OTHER, ITEM
from tegu.pipeline.gate import Count, Gate, Membership


@dataclass(frozen=True, slots=True)
class Ask:
    """A condition that must hold before a stage starts; of an else-branch those of the others, negated."""

    condition: Condition
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A stage as the plan sees it. `place` is its own in the order. `pins_arrivals`: it starts before all that it may read
    has ended. `handled` are the stages whose errors it reads. `continues`: its failure does not fail the run.
    """

    name: str
    place: int
    upstream: tuple[str, ...]
    gates: tuple[int, ...]
    asks: tuple[Ask, ...]
    cancels: tuple[str, ...]
    handled: frozenset[str]
    handler: str | None
    continues: bool
    pins_arrivals: bool
    memberships: tuple[Membership, ...]
    looked_at: tuple[int, ...]
    """The places of the stage and of those that wait for it."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """All of them. `counts` are those of the gates of a run in which nothing has ended."""

    order: tuple[str, ...]
    nodes: Mapping[str, Node]
    in_order: tuple[Node, ...]
    gates: tuple[Gate, ...]
    counts: tuple[Count, ...]


def prepare(definition: PipelineDefinition) -> Prepared:
    """Raises DefinitionError on a circle, an unknown stage or a condition that does not compile."""
    return _Preparation(definition).prepare()


class _Preparation:
    def __init__(self, definition: PipelineDefinition) -> None:
        self._definition = definition
        self._order = definition.order()
        self._places = {name: place for place, name in enumerate(self._order)}
        self._handled = definition.handled_by()
        self._gates: list[Gate] = []
        self._memberships: defaultdict[str, list[Membership]] = defaultdict(list)

    def prepare(self) -> Prepared:
        gates_of = {stage.name: self._gates_of(stage) for stage in self._definition.stages}
        nodes = {
            name: self._node(self._definition.stage(name), place, gates_of[name])
            for place, name in enumerate(self._order)
        }
        counts = tuple(Count(len(gate.members)) for gate in self._gates)
        return Prepared(self._order, nodes, tuple(nodes.values()), tuple(self._gates), counts)

    def _node(self, stage: StageDefinition, place: int, gates: tuple[int, ...]) -> Node:
        memberships = tuple(self._memberships[stage.name])
        return Node(
            name=stage.name,
            place=place,
            upstream=stage.upstream,
            gates=gates,
            asks=tuple(self._asks(stage)),
            cancels=self._cancelled_by(stage),
            handled=frozenset(self._handled.get(stage.name, ())),
            handler=stage.handler,
            continues=stage.on_failure == CONTINUE,
            pins_arrivals=not self._gates[gates[0]].waits_for_all,
            memberships=memberships,
            looked_at=tuple(sorted({place, *(self._places[each.owner] for each in memberships)})),
        )

    def _gates_of(self, stage: StageDefinition) -> tuple[int, ...]:
        """The stage's own gate first; then those of the stages that it is the else of, that of a handler, and one for what
        conditions read.
        """
        handled = frozenset(self._handled.get(stage.name, ()))
        others = [self._definition.stage(name) for name in self._definition.others_of(stage)]
        found = [self._gate_like(each, stage.name, handled) for each in (stage, *others)]
        if handled:
            members = tuple(self._handled[stage.name])
            found.append(self._add(Gate(stage.name, members, 1, waits_for_all=True)))
            for name in members:
                self._join(name, is_required=False, arrives_completed=False, arrives_failed=True)
        if read := self._read_besides(stage):
            found.append(self._add(Gate(stage.name, read, 0, waits_for_all=True)))
            for name in read:
                self._join(name, is_required=False, arrives_completed=True, arrives_failed=False)
        return tuple(found)

    def _read_besides(self, stage: StageDefinition) -> tuple[str, ...]:
        """What the stage's conditions read and its gates do not wait for. That has not always ended with what comes after
        it: a stage that is skipped early has others before it that go on.
        """
        names = {name for ask in self._asks(stage) for name in ask.condition.names}
        own_place = self._places[stage.name]
        return tuple(
            name
            for name in sorted(names.difference(stage.upstream))
            if self._places.get(name, own_place) < own_place
        )

    def _gate_like(self, stage: StageDefinition, owner: str, handled: frozenset[str]) -> int:
        """The gate of a stage's join, before the owner."""
        gate = self._add(Gate.of_join(owner, stage.upstream, stage.join))
        for name in stage.upstream:
            is_required = stage.join == ALL and name not in stage.optional_inputs
            self._join(name, is_required=is_required, arrives_completed=True, arrives_failed=name in handled)
        return gate

    def _add(self, gate: Gate) -> int:
        self._gates.append(gate)
        return len(self._gates) - 1

    def _join(self, name: str, *, is_required: bool, arrives_completed: bool, arrives_failed: bool) -> None:
        """A member of the gate that was added last."""
        gate = len(self._gates) - 1
        owner = self._gates[gate].owner
        self._memberships[name].append(
            Membership(gate, owner, is_required, arrives_completed, arrives_failed)
        )

    def _asks(self, stage: StageDefinition) -> Iterator[Ask]:
        for name in self._definition.others_of(stage):
            if (other := _condition(self._definition.stage(name))) is not None:
                yield Ask(other, is_negated=True)
        own = _condition(stage)
        # A condition that reads the item is asked of each item, by whoever runs them.
        if own is not None and not (stage.each is not None and ITEM in own.names):
            yield Ask(own)

    def _cancelled_by(self, stage: StageDefinition) -> tuple[str, ...]:
        if EVERY_OTHER not in stage.cancels:
            return stage.cancels
        kept = self._following(stage.name)
        return tuple(name for name in self._order if name not in kept)

    def _following(self, name: str) -> frozenset[str]:
        """The stage, and all that wait for it, over any number of others."""
        found = {name}
        left = [name]
        for each in left:  # which grows while it is walked
            new = {membership.owner for membership in self._memberships[each]} - found
            found |= new
            left.extend(new)
        return frozenset(found)


def _condition(stage: StageDefinition) -> Condition | None:
    if stage.when is None:
        return None
    try:
        return compile_condition(stage.when)
    except ValueError as error:
        raise DefinitionError((Problem(f"stages.{stage.name}.when", str(error)),)) from error
