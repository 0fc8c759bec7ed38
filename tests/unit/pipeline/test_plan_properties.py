"""Random pipelines with random joins, conditions, else-branches, failures, handlers and cancels, ended at random.

What does not depend on the order of endings, and what does, is said at the top of `tegu.pipeline.plan`; both are here.
"""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given, note, settings
from hypothesis import strategies as st
from plan_support import CANCELLED, COMPLETED, FAILED, RUNNING, SKIPPED, Endings, Simulation
from pydantic import JsonValue

from tegu.domain.content import InputKind
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.plan import Plan

_STAGES_MAX = 9
_EXAMPLES = 60


@st.composite
def _stage(draw: st.DrawFn, i: int, before: list[StageDefinition], *, cancels: bool) -> StageDefinition:
    names = [stage.name for stage in before]
    upstream = draw(st.lists(st.sampled_from(names), unique=True, max_size=4)) if names else []
    joins = st.sampled_from(["all", "all", "any", "settled", 2][: 5 if len(upstream) > 1 else 4])
    join = draw(joins) if upstream else "all"
    optional = upstream if join != "all" else [name for name in upstream if draw(st.booleans())]
    as_needs = draw(st.integers(0, len(upstream)))
    when = None
    # A condition of a stage that does not wait for all reads what happens to have arrived: not here.
    if upstream and join in {"all", "settled"} and draw(st.integers(0, 2)) == 0:
        read = draw(st.sampled_from(upstream))
        when = draw(
            st.sampled_from(
                [f"{read} != null && has({read}.go) && {read}.go", f"{read}.go", f"{read} == null"]
            )
        )
    branches = [each.name for each in before if each.when is not None]
    is_else = branches and draw(st.integers(0, 2)) == 0
    others = draw(st.lists(st.sampled_from(branches), unique=True, min_size=1, max_size=2)) if is_else else []
    targets = [f"s{j}" for j in range(_STAGES_MAX) if j != i]
    cancelled = (
        draw(st.lists(st.sampled_from(targets), unique=True, max_size=2))
        if cancels and draw(st.booleans())
        else []
    )
    return StageDefinition(
        f"s{i}",
        "prompt",
        inputs=("source", *upstream[as_needs:]),
        needs=tuple(upstream[:as_needs]),
        optional_inputs=frozenset(optional),
        join=join,
        when=when,
        else_of=tuple(others),
        on_failure=draw(st.sampled_from(["fail", "fail", "continue"])),
        cancels=tuple(cancelled) if draw(st.integers(0, 9)) else ("*",) if cancels else (),
    )


@st.composite
def pipelines(draw: st.DrawFn, *, cancels: bool = False) -> PipelineDefinition:
    stages: list[StageDefinition] = []
    for i in range(draw(st.integers(1, _STAGES_MAX))):
        stages.append(draw(_stage(i, stages, cancels=cancels)))
    names = {stage.name for stage in stages}
    made: list[StageDefinition] = []
    for i, each in enumerate(stages):
        later = [stage.name for stage in stages[i + 1 :]]
        # A handler comes after what it handles: otherwise they would wait for each other.
        handler = draw(st.sampled_from(later)) if later and draw(st.integers(0, 3)) == 0 else each.on_failure
        kept = tuple(name for name in each.cancels if name in names or name == "*")
        made.append(replace(each, on_failure=handler, cancels=kept))
    return PipelineDefinition("sample", InputKind.CONTENT, tuple(draw(st.permutations(made))))


@st.composite
def endings(draw: st.DrawFn) -> Endings:
    statuses = {
        f"s{i}": draw(st.sampled_from([COMPLETED, COMPLETED, COMPLETED, FAILED])) for i in range(_STAGES_MAX)
    }
    go: st.SearchStrategy[JsonValue] = st.sampled_from([{"go": True}, {"go": False}, {}, {"go": 3}])
    return Endings(statuses, {name: draw(go) for name in statuses})


def outcome_of(definition: PipelineDefinition, statuses: Mapping[str, StageStatus]) -> RunStatus:
    for stage in definition.stages:
        is_handled = stage.handler is not None and statuses[stage.handler] is COMPLETED
        if statuses[stage.name] is FAILED and stage.on_failure != "continue" and not is_handled:
            return RunStatus.FAILED
    return RunStatus.COMPLETED


class Oracle:
    """Where every stage ends, by the words of the language alone: one stage after another, each when all before it have
    ended. Only for pipelines without cancels.
    """

    def __init__(self, definition: PipelineDefinition, endings: Endings) -> None:
        self._definition = definition
        self._endings = endings
        self.statuses: dict[str, StageStatus] = {}

    def run(self) -> dict[str, StageStatus]:
        for name in self._definition.order():
            self.statuses[name] = self._status(self._definition.stage(name))
        return self.statuses

    def _status(self, stage: StageDefinition) -> StageStatus:
        handled = [each.name for each in self._definition.stages if each.handler == stage.name]
        if handled and all(self.statuses[name] is not FAILED for name in handled):
            return SKIPPED
        others = [self._definition.stage(name) for name in self._definition.others_of(stage)]
        if not all(self._may_start(each, handled) for each in (stage, *others)):
            return SKIPPED
        for other in others:
            if self._holds(other, handled) is not False:
                return SKIPPED
        match self._holds(stage, handled):
            case None:
                return FAILED
            case False:
                return SKIPPED
            case True:
                return self._endings.statuses[stage.name]

    def _may_start(self, stage: StageDefinition, handled: list[str]) -> bool:
        arrived = [name for name in stage.upstream if self._value(name, handled) is not None]
        if stage.join == "all":
            return set(stage.upstream) - stage.optional_inputs <= set(arrived)
        return len(arrived) >= (stage.join if isinstance(stage.join, int) else 1)

    def _value(self, name: str, handled: list[str]) -> JsonValue:
        status = self.statuses[name]
        if status is COMPLETED or (status is FAILED and name in handled and name in self._ran):
            return self._endings.read(name)
        if status is FAILED and name in handled:
            return {"error": {"code": "condition_failed"}}
        return None

    @property
    def _ran(self) -> set[str]:
        return {name for name, status in self.statuses.items() if status is self._endings.statuses[name]}

    def _holds(self, stage: StageDefinition, handled: list[str]) -> bool | None:
        """None: it cannot be decided."""
        if stage.when is None:
            return True
        value = self._value(stage.when.split(".")[0].split(" ")[0], handled)
        go = value.get("go", "missing") if isinstance(value, dict) else None
        if stage.when.endswith("== null"):
            return value is None
        if "!= null" in stage.when and (value is None or go == "missing"):
            return False
        return go if isinstance(go, bool) else None


@settings(deadline=None, max_examples=_EXAMPLES, print_blob=True)
@given(pipelines(), endings(), st.integers())
def test_every_stage_ends_as_the_words_say_whatever_the_order_of_endings(
    definition: PipelineDefinition, ends: Endings, seed: int
) -> None:
    note(f"seed {seed}")
    simulation = Simulation(definition, ends, seed)
    statuses, outcome = simulation.run()
    assert statuses == Oracle(definition, ends).run()
    assert outcome is outcome_of(definition, statuses)


@settings(deadline=None, max_examples=_EXAMPLES, print_blob=True)
@given(pipelines(), endings(), st.integers(), st.integers(1, 3))
def test_how_many_may_start_at_once_does_not_change_how_a_run_ends(
    definition: PipelineDefinition, ends: Endings, seed: int, starts_max: int
) -> None:
    note(f"seed {seed}")
    unlimited = Simulation(definition, ends, seed).run()
    assert Simulation(definition, ends, seed, starts_max).run() == unlimited


@settings(deadline=None, max_examples=_EXAMPLES, print_blob=True)
@given(pipelines(cancels=True), endings(), st.integers())
def test_with_cancels_every_run_still_ends_and_each_cancelled_stage_was_named_by_one_that_started(
    definition: PipelineDefinition, ends: Endings, seed: int
) -> None:
    note(f"seed {seed}")
    simulation = Simulation(definition, ends, seed)
    statuses, outcome = simulation.run()  # which checks every step, from scratch and as loaded
    assert set(statuses) == {stage.name for stage in definition.stages}
    assert all(status.is_terminal for status in statuses.values())
    assert outcome is outcome_of(definition, statuses)
    cancelled = {name for name, status in statuses.items() if status is CANCELLED}
    nodes = Plan(definition).nodes
    # One that starts and is cancelled in the same decision has started, and cancelled others, all the same.
    began = cancelled.union(simulation.started)
    assert cancelled <= {target for name in began for target in nodes[name].cancels}
    for name in simulation.started:
        assert statuses[name] in {ends.statuses[name], CANCELLED}


@settings(deadline=None, max_examples=_EXAMPLES, print_blob=True)
@given(pipelines(cancels=True), endings(), st.integers())
def test_the_same_endings_in_the_same_order_decide_the_same(
    definition: PipelineDefinition, ends: Endings, seed: int
) -> None:
    note(f"seed {seed}")
    one, other = Simulation(definition, ends, seed), Simulation(definition, ends, seed)
    assert one.run() == other.run()
    assert one.started == other.started
    assert one.began_with == other.began_with


@settings(deadline=None, max_examples=_EXAMPLES, print_blob=True)
@given(pipelines(cancels=True), st.data())
def test_counts_are_those_of_the_statuses_however_often_one_is_set(
    definition: PipelineDefinition, data: st.DataObject
) -> None:
    plan = Plan(definition)
    standing = plan.standing()
    names = st.sampled_from(plan.order)
    for name in data.draw(st.lists(names, max_size=30)):
        standing[name] = data.draw(st.sampled_from([RUNNING, COMPLETED, FAILED, SKIPPED, CANCELLED]))
    again = plan.standing(dict(standing))
    assert (again.counts, again.ended) == (standing.counts, standing.ended)
