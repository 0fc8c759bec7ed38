"""What the plan's tests share: stages in one line, and a whole run of a plan with every step of it checked."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from tegu.domain.content import InputKind
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.plan import Decision, Plan

PENDING, COMPLETED, FAILED = StageStatus.PENDING, StageStatus.COMPLETED, StageStatus.FAILED
SKIPPED, CANCELLED, RUNNING = StageStatus.SKIPPED, StageStatus.CANCELLED, StageStatus.RUNNING
ERROR: JsonObject = {"error": {"code": "timeout", "message": "it took too long", "hint": None}}


def stage(name: str, *inputs: str, needs: tuple[str, ...] = (), **words: Any) -> StageDefinition:
    """`x?` is an optional input; with another join than `all` every input is one."""
    written = (*inputs, *needs)
    return StageDefinition(
        name,
        "prompt",
        inputs=tuple(each.removesuffix("?") for each in inputs) or ("source",),
        optional_inputs=frozenset(
            each.removesuffix("?") for each in written if each.endswith("?") or "join" in words
        ),
        needs=tuple(each.removesuffix("?") for each in needs),
        **words,
    )


def pipeline(*stages: StageDefinition) -> PipelineDefinition:
    return PipelineDefinition("sample", InputKind.CONTENT, stages)


def plan_of(*stages: StageDefinition) -> Plan:
    return Plan(pipeline(*stages))


@dataclass(frozen=True)
class Endings:
    """How each stage ends if it runs, and what it then puts out."""

    statuses: Mapping[str, StageStatus]
    outputs: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    def read(self, name: str) -> JsonValue:
        return ERROR if self.statuses[name] is FAILED else self.outputs.get(name, {})


@dataclass
class Simulation:
    """Ends running stages in any order, and checks every decision on the way: against the rules, against one from
    scratch, and against one by a worker that has just loaded the run.
    """

    definition: PipelineDefinition
    endings: Endings
    seed: int
    starts_max: int | None = None
    began_with: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    cancelled_by: dict[str, str] = field(default_factory=dict[str, str])
    started: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.plan = Plan(self.definition)
        self.statuses = self.plan.standing()

    def run(self) -> tuple[dict[str, StageStatus], RunStatus]:
        dice = random.Random(self.seed)
        changed: list[str] | None = None
        for _ in range(3 * len(self.plan.order) + 3):
            decision = self._decide(changed)
            self._apply(decision)
            running = [name for name in self.plan.order if self.statuses.get(name) is RUNNING]
            if decision.outcome is not None:
                assert not running
                assert self.statuses.ended == len(self.plan.order)
                return dict(self.statuses), decision.outcome
            assert running, "nothing is under way, and the run has not ended"
            ended = dice.sample(running, dice.randint(1, len(running)))
            for name in ended:
                self.statuses[name] = self.endings.statuses[name]
            changed = [*ended, *decision.held]
        raise AssertionError("the run does not end")

    def _decide(self, changed: list[str] | None) -> Decision:
        running = sum(status is RUNNING for status in self.statuses.values())
        free = None if self.starts_max is None else self.starts_max - running
        decision = self.plan.decide(self.statuses, self.endings.read, changed=changed, starts_max=free)
        assert self.plan.decide(self.statuses, self.endings.read, starts_max=free) == decision
        loaded = Plan(PipelineDefinition.from_json(self.definition.to_json()))
        statuses = {name: StageStatus(status.value) for name, status in self.statuses.items()}
        assert loaded.decide(statuses, self.endings.read, starts_max=free) == decision
        return decision

    def _apply(self, decision: Decision) -> None:
        ended = {**dict.fromkeys(decision.skip, SKIPPED), **{name: FAILED for name, _ in decision.fail}}
        named = [*ended, *decision.start, *decision.cancel, *decision.held]
        assert len(set(named)) == len(named)
        for name in (*ended, *decision.start, *decision.held):
            assert self.statuses.get(name) is None
        for name in decision.cancel:
            assert self.statuses.get(name) in {None, RUNNING}
        for name, status in {**ended, **dict.fromkeys(decision.cancel, CANCELLED)}.items():
            self.statuses[name] = status
        for name in decision.start:
            self.began_with[name] = self.plan.arrived(name, self.statuses)
            self.started.append(name)
            self._check_start(self.definition.stage(name))
            self.statuses[name] = RUNNING

    def _check_start(self, started: StageDefinition) -> None:
        """By the words of the language, not by the plan's gates."""
        found = [self.statuses.get(name, PENDING) for name in started.upstream]
        arrived = len(self.began_with[started.name])
        match started.join:
            case "all" | "settled":
                assert all(status.is_terminal for status in found)
                if started.join == "settled":
                    assert arrived >= 1
            case "any":
                assert arrived >= 1
            case count:
                assert isinstance(count, int)
                assert arrived >= count
        if started.join == "all":
            required = set(started.upstream) - started.optional_inputs
            assert required <= set(self.began_with[started.name])
        handled = [each.name for each in self.definition.stages if each.handler == started.name]
        assert not handled or any(self.statuses.get(name) is FAILED for name in handled)
