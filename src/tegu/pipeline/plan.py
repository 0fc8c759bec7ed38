"""What a run does next: the DAG rules as pure functions of (definition, statuses of its stages).

Called by the engine after every batch of finished stages. Invariants: a stage starts only when its gates are open (see
`gate`); each stage ends in one terminal status; each decision looks only at what changed and at what waits for that.

The final statuses depend on how stages end and not on the order in which they do, with two exceptions, which are what their
words are for. A stage with `join: any` or a number reads what had arrived when it started, and so does its condition. What
`cancels` ends depends on what had ended by then; of two stages that cancel each other the first to start wins, and in one
decision that is the first in the order of the plan. One that starts and is cancelled in the same decision does not run, and
what it cancelled stays so.

    arrived   completed; for its handler also a stage that failed, with its error
    absent    skipped, failed or cancelled: null where it is read
    skipped   a gate is closed (at once, and through all that requires it), or a condition is false
    failed    `when` cannot be decided: a missing key, a wrong type
    outcome   when every stage has ended: failed if one failed whose failure neither continues (`on_failure: continue`) nor
              has a handler that completed; otherwise completed. That stages were cancelled does not cancel the run.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from tegu.domain.status import StageStatus
from tegu.pipeline.deciding import Deciding, Outputs
from tegu.pipeline.decision import Decision
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.prepared import Node, Prepared, prepare
from tegu.pipeline.standing import Standing

__all__ = ["Decision", "Outputs", "Plan", "Standing"]

_NOTHING: Mapping[str, JsonValue] = {}
_COMPLETED, _FAILED = StageStatus.COMPLETED, StageStatus.FAILED


@dataclass(frozen=True, slots=True)
class Plan:
    """A definition, prepared for deciding. Make one per version and keep it. Raises DefinitionError on a circle, an
    unknown stage or a condition that does not compile.
    """

    definition: PipelineDefinition
    prepared: Prepared = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "prepared", prepare(self.definition))

    @property
    def order(self) -> tuple[str, ...]:
        """The stages, each after what it waits for."""
        return self.prepared.order

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The stages as the plan sees them."""
        return self.prepared.nodes

    def standing(self, statuses: Mapping[str, StageStatus] = {}) -> Standing:
        """Where a run of it stands, to be kept up by whoever drives it."""
        return Standing(self.prepared, statuses)

    @property
    def whole(self) -> PipelineDefinition:
        """The version that it is the plan of; a slice's definition is only of its items."""
        return self.definition

    def inputs_of(self, name: str, arrived: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """What a stage reads, by name: what has arrived of those upstream, None where nothing has."""
        return {upstream: arrived.get(upstream) for upstream in self.definition.stage(name).upstream}

    def decide(
        self,
        statuses: Mapping[str, StageStatus],
        outputs: Outputs = _NOTHING,
        *,
        changed: Iterable[str] | None = None,
        facts: Mapping[str, JsonValue] = _NOTHING,
        starts_max: int | None = None,
    ) -> Decision:
        """What follows from `statuses` (a stage that is missing there is pending), given what changed since the last
        decision, with what that held; None looks at every stage, for a run that is new or taken over. `facts` are
        `content` and `run`. `starts_max` is how many may start now (0: none).

        A `Standing` of this plan is decided upon in the time of what changed; other mappings are counted first.
        """
        if not isinstance(statuses, Standing) or statuses.prepared is not self.prepared:
            statuses = self.standing(statuses)
        return Deciding(statuses, outputs, facts, starts_max).decide(changed)

    def arrived(self, name: str, statuses: Mapping[str, StageStatus]) -> tuple[str, ...]:
        """The upstreams that a stage reads if it starts now; the others are null to it. For a stage that waits for some
        of them only (`pins_arrivals`) that is to be kept: a later attempt reads the same.
        """
        node = self.nodes[name]
        return tuple(
            upstream
            for upstream in node.upstream
            if (status := statuses.get(upstream)) is _COMPLETED
            or (status is _FAILED and upstream in node.handled)
        )

    def pins_arrivals(self, name: str) -> bool:
        """Whether a stage may start before all that it reads has ended."""
        return self.nodes[name].pins_arrivals
