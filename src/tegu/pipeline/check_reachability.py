"""What the words of the language say and can never happen: joins that cannot open, branches of nothing, maps over no list.

Called by `check_wiring`. Invariant: a problem is certain; what is only odd is a warning.
"""

from collections.abc import Mapping

from tegu.pipeline.check_order import WaitingOrder
from tegu.pipeline.check_outputs import OutputSchemas
from tegu.pipeline.condition import compile_condition
from tegu.pipeline.flow import ALL, ITEM, SETTLED
from tegu.pipeline.report import TYPE_WORDS, Report, did_you_mean, one_of
from tegu.pipeline.stage_definition import MODEL_KINDS, NO_STAGES, SOURCE, StageDefinition

_ONLY_READ = MODEL_KINDS | {"parse", "split", "collect", "merge", "dedupe"}
"""Kinds that do nothing but put something out."""
_SOURCE_LISTS = ("messages", "parts")
"""What of a thread, and of a document, may be mapped over."""


class ReachabilityChecker:
    """Checks the stages of one document against each other."""

    def __init__(
        self,
        stages: Mapping[str, StageDefinition],
        order: WaitingOrder,
        schemas: OutputSchemas,
        report: Report,
    ) -> None:
        self._stages = stages
        self._order = order
        self._schemas = schemas
        self._report = report

    def check(self, stage: StageDefinition) -> None:
        """Report what can never be."""
        if stage.join != ALL:
            self._check_join(stage)
        for name in stage.else_of:
            if name in self._stages:
                self._check_else(stage, self._stages[name])
        for name in self._order.handled.get(stage.name, ()):
            self._check_handler(stage, name)
        self._check_cancels(stage)
        if stage.each is not None:
            self._check_each(stage)

    def warn_of_unused(self, output: str | None) -> None:
        """Warn of outputs that nobody gets."""
        read = {name for stage in self._stages.values() for name in stage.upstream}
        read |= {name for stage in self._stages.values() for name in _names_in(stage.when)}
        for stage in self._stages.values():
            is_seen = stage.result is not None or stage.name in read or stage.name == output
            if not is_seen and stage.uses in _ONLY_READ:
                hint = "wire it to a stage, or let its output be a result"
                self._report.warn(f"stages.{stage.name}", "its output is hidden and read by no stage", hint)

    def _check_join(self, stage: StageDefinition) -> None:
        place = f"stages.{stage.name}.join"
        count = len(stage.upstream)
        if not count:
            hint = "name stages in `inputs` or `needs`"
            self._report.add(place, f"join {stage.join!r} waits for stages, and there are none", hint)
        elif isinstance(stage.join, int) and stage.join > count:
            message = f"waits for {stage.join} of {count}: it can never start"
            self._report.add(place, message, f"at most {count}")
        for i, name in enumerate(stage.inputs):
            if name not in NO_STAGES and name not in stage.optional_inputs:
                message = f"{name!r} may be absent where a stage does not wait for all"
                self._report.add(f"stages.{stage.name}.inputs[{i}]", message, f"write `{name}?`")
        if stage.each is not None and stage.each.root in self._stages:
            message = f"the list of {stage.each.root!r} may be absent where a stage does not wait for all"
            self._report.add(place, message, "join first, in a stage of its own")

    def _check_else(self, stage: StageDefinition, other: StageDefinition) -> None:
        place = f"stages.{stage.name}.else_of"
        if other.when is None:
            message = f"{other.name!r} has no condition that could be false"
            self._report.add(place, message, f"give {other.name!r} a `when`")
        elif other.each is not None and ITEM in _names_in(other.when):
            message = f"the condition of {other.name!r} is asked of each item, and may hold for some"
            self._report.add(place, message, "put the condition on a stage that runs once")
        elif other.join not in {ALL, SETTLED}:
            message = f"{other.name!r} does not wait for all: its condition depends on what has arrived"
            self._report.add(place, message, f"give {other.name!r} `join: settled`, or each its own `when`")
        elif stage.join == ALL and other.name in set(stage.upstream) - stage.optional_inputs:
            message = f"waits for {other.name!r} to complete, which is skipped whenever this may run"
            self._report.add(place, message, f"write `{other.name}?`, or leave it out")

    def _check_handler(self, handler: StageDefinition, name: str) -> None:
        if name not in handler.upstream or name in handler.optional_inputs or handler.join != ALL:
            return
        key = "inputs" if name in handler.inputs else "needs"
        message = f"handles the failure of {name!r}, and so may not require it"
        self._report.add(
            f"stages.{handler.name}.{key}", message, f"write `{name}?`: it reads {{error: ...}} of it"
        )

    def _check_cancels(self, stage: StageDefinition) -> None:
        place = f"stages.{stage.name}.cancels"
        ended = self._order.ended_before(stage.name) if stage.cancels else frozenset[str]()
        for name in stage.cancels:
            if name not in self._stages:
                continue
            other = self._stages[name]
            if name in ended:
                message = f"{name!r} has always ended when this starts"
                self._report.add(place, message, "remove it, or let the stage not wait for all (`join: any`)")
            elif other.join == ALL and stage.name in set(other.upstream) - other.optional_inputs:
                message = f"{name!r} waits for this, and is cancelled by it whenever it could start"
                self._report.add(place, message, "remove one of the two")

    def _check_each(self, stage: StageDefinition) -> None:
        assert stage.each is not None
        each, place = stage.each, f"stages.{stage.name}.each"
        if each.root in stage.optional_inputs:
            self._report.add(place, f"the list of {each.root!r} may be absent", f"write `{each.root}`")
        if each.root == SOURCE and each.path[1:2] and each.path[1] not in _SOURCE_LISTS:
            # In a pipeline that is nested over data, any field may be there: only what looks mistyped is odd.
            hint = did_you_mean(each.path[1], _SOURCE_LISTS)
            if hint is not None:
                self._report.warn(place, f"the source has no list {each.path[1]!r}, unless it is data", hint)
        if each.root not in self._stages:
            return
        schema = self._schemas.of(each.root)
        path = each.root
        for step in each.path[1:]:
            known = schema.get("properties")
            if isinstance(known, dict) and known and step not in known:
                if not schema.get("additionalProperties"):
                    hint = did_you_mean(step, known) or one_of(known)
                    self._report.add(place, f"the output of {path!r} has no field {step!r}", hint)
                return
            found = known.get(step) if isinstance(known, dict) else None
            schema = found if isinstance(found, dict) else {}
            path = f"{path}.{step}"
        kind = schema.get("type")
        if isinstance(kind, str) and kind != "array":
            self._report.add(
                place, f"{path!r} is {TYPE_WORDS.get(kind, kind)}, no list", self._lists(each.root)
            )

    def _lists(self, name: str) -> str:
        """A hint that names the lists of an output."""
        known = self._schemas.of(name).get("properties")
        fields = known.items() if isinstance(known, dict) else ()
        lists = [
            f"{name}.{field}"
            for field, inner in fields
            if isinstance(inner, dict) and inner.get("type") == "array"
        ]
        return f"there is {', '.join(lists)}" if lists else "name a list in the output of a stage"


def _names_in(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset()
    try:
        return compile_condition(text).names
    except ValueError:  # reported by whoever checks conditions
        return frozenset()
