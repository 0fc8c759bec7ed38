"""What waits for what over any number of stages: circles, and which stages have surely ended when one starts.

Called by `check_wiring`. Invariant: stages in and behind a circle have no order, and nothing is said of them but the circle.
"""

from collections.abc import Mapping

from tegu.domain.content import InputKind
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.flow import ALL, SETTLED
from tegu.pipeline.report import Report


class WaitingOrder:
    """The order of the stages of one document."""

    def __init__(self, stages: Mapping[str, StageDefinition]) -> None:
        self._stages = stages
        definition = PipelineDefinition("checked", InputKind.CONTENT, tuple(stages.values()))
        self.handled = definition.handled_by()
        self.others = {name: definition.others_of(stage) for name, stage in stages.items()}
        self.waits = {
            name: [each for each in waits if each in stages and each != name]
            for name, waits in definition.waits().items()
        }
        self.ancestors = self._ancestors()

    def check_circles(self, report: Report) -> None:
        """Report each circle once."""
        seen: set[str] = set()
        for name in self._stages:
            circle = self._circle_from(name, seen)
            if circle:
                path = " -> ".join([*circle, circle[0]])
                message, hint = f"stages wait for each other in a circle: {path}", "remove one of these edges"
                if any(self._stages[each].handler in circle for each in circle):
                    hint = "a handler runs after what it handles, and nothing that is handled may wait for it"
                report.add(f"stages.{circle[0]}", message, hint)

    def ended_before(self, name: str) -> frozenset[str]:
        """The stages that have ended whenever this one starts. Not all that lie before it: with `any` others go on, and
        what is before a stage that was skipped early may go on too.
        """
        found: set[str] = set()
        left = [name]
        for each in left:  # which grows while it is walked
            for upstream in self._awaited(self._stages[each]):
                if upstream in self._stages and upstream not in found:
                    found.add(upstream)
                    if self._is_required(self._stages[each], upstream):
                        left.append(upstream)
        return frozenset(found)

    def _awaited(self, stage: StageDefinition) -> tuple[str, ...]:
        own = stage.upstream if stage.join in {ALL, SETTLED} else ()
        return (*own, *self.handled.get(stage.name, ()))

    def _is_required(self, stage: StageDefinition, upstream: str) -> bool:
        return stage.join == ALL and upstream in stage.upstream and upstream not in stage.optional_inputs

    def _circle_from(self, start: str, seen: set[str]) -> list[str]:
        """A circle that is found walking upstream from a stage, in the direction of the data; each only once."""
        path: list[str] = []
        on_path: set[str] = set()
        left: list[tuple[str, bool]] = [(start, True)]
        while left:
            name, is_entered = left.pop()
            if not is_entered:
                on_path.discard(path.pop())
                continue
            if name in on_path:
                circle = path[path.index(name) :][::-1]
                return [circle[-1], *circle[:-1]]
            if name in seen:
                continue
            seen.add(name)
            path.append(name)
            on_path.add(name)
            left.append((name, False))
            left.extend((each, True) for each in self.waits[name])
        return []

    def _ancestors(self) -> dict[str, frozenset[str]]:
        """All that each stage waits for, over any number of others; nothing for stages in and behind a circle."""
        waits = {name: len(upstreams) for name, upstreams in self.waits.items()}
        successors: dict[str, list[str]] = {name: [] for name in self._stages}
        for name, upstreams in self.waits.items():
            for upstream in upstreams:
                successors[upstream].append(name)
        found: dict[str, frozenset[str]] = {}
        ready = [name for name, count in waits.items() if not count]
        for name in ready:
            found[name] = frozenset(self.waits[name]).union(*(found[each] for each in self.waits[name]))
            for successor in successors[name]:
                waits[successor] -= 1
                if not waits[successor]:
                    ready.append(successor)
        return found
