"""What the conditions of a document read: names that are there, that have ended by then, and fields that they have.

Called by `check_wiring`. Invariant: a condition that passes reads nothing that can never be there.
"""

from collections.abc import Mapping

from tegu.domain.content import InputKind
from tegu.domain.errors import ErrorInfo
from tegu.domain.json import JsonObject
from tegu.pipeline.check_order import WaitingOrder
from tegu.pipeline.check_outputs import OutputSchemas
from tegu.pipeline.condition import FACTS, Condition, compile_condition, syntax_hint
from tegu.pipeline.condition_types import examine_condition
from tegu.pipeline.facts import ABSENT, fact_schema
from tegu.pipeline.flow import ITEM
from tegu.pipeline.report import Report, did_you_mean
from tegu.pipeline.stage_definition import StageDefinition


class ConditionChecker:
    """Checks the conditions of one document."""

    def __init__(
        self,
        stages: Mapping[str, StageDefinition],
        order: WaitingOrder,
        schemas: OutputSchemas,
        report: Report,
        input_kind: InputKind,
    ) -> None:
        self._input = input_kind
        self._stages = stages
        self._order = order
        self._schemas = schemas
        self._report = report

    def check(self, stage: StageDefinition, text: str) -> None:
        """Report what is wrong with a stage's condition."""
        place = f"stages.{stage.name}.when"
        try:
            condition = compile_condition(text)
        except ValueError as error:
            self._report.add(place, str(error), syntax_hint(text))
            return
        for name in sorted(condition.names):
            self._check_name(stage, name, place)
        found = examine_condition(condition, lambda name: self._schema(stage, name))
        for problem in found.problems:
            self._report.add(place, problem.message, problem.hint)
        for warning in found.warnings:
            self._report.warn(place, warning.message, warning.hint)
        self._check_constant(condition, place)
        self._check_absent(stage, condition, place)

    def _check_name(self, stage: StageDefinition, name: str, place: str) -> None:
        ancestors = self._order.ancestors.get(stage.name)
        if name == ITEM:
            if stage.each is None:
                hint = "say with `each` what the stage runs over"
                self._report.add(place, "there is no 'item' where a stage runs once", hint)
        elif name in self._stages and ancestors is not None and name not in ancestors:
            hint = f"add {name!r} to `needs`"
            self._report.add(place, f"stage {name!r} need not have ended when this is decided", hint)
        elif name not in self._stages and name not in FACTS:
            hint = did_you_mean(name, [*(ancestors or self._stages), *FACTS])
            self._report.add(place, f"there is no stage {name!r}", hint)
        elif (hint := ABSENT.get((self._input, name))) is not None:
            self._report.add(place, f"a run over a {self._input.value} has no {name!r}", hint)

    def _schema(self, stage: StageDefinition, name: str) -> JsonObject:
        return self._schemas.read_by(stage, name) or fact_schema(name)

    def _check_constant(self, condition: Condition, place: str) -> None:
        """A condition that reads nothing is the same in every run."""
        if condition.names:
            return
        answer = condition.decide({})
        if isinstance(answer, ErrorInfo):
            self._report.add(place, answer.message, answer.hint)
        else:
            message = f"it reads nothing, and is {'true' if answer else 'false'} in every run"
            self._report.warn(place, message, "read an output: classify.category == 'support'")

    def _check_absent(self, stage: StageDefinition, condition: Condition, place: str) -> None:
        """Fields of what may be null make a condition undecidable, which fails the stage."""
        handled = self._order.handled.get(stage.name, ())
        # The only stage that a handler handles is there whenever it runs, with its error.
        may_be_absent = stage.optional_inputs - (frozenset(handled) if len(handled) == 1 else frozenset())
        for name in sorted({read.name for read in condition.reads if read.fields}):
            is_asked = any(
                word in condition.text.replace(" ", "") for word in (f"{name}!=null", f"{name}==null")
            )
            if name in may_be_absent and not is_asked:
                message = f"{name!r} may be absent, and the condition then fails the stage"
                self._report.warn(place, message, f"ask first: {name} != null && ...")
