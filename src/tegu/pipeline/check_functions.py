"""Whether the wires of a Python stage fit its parameters.

Called by `check_wiring`. Invariant: it speaks only of misfits that are certain.
"""

from collections.abc import Mapping
from itertools import islice

from tegu.domain.content import InputKind
from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract, FunctionInput
from tegu.pipeline.check_outputs import OutputSchemas
from tegu.pipeline.flow import ITEM
from tegu.pipeline.report import Report
from tegu.pipeline.schema_fit import misfit
from tegu.pipeline.stage_definition import SOURCE, StageDefinition

_NAMED_MAX = 3
_COMPARED_MAX = 50


class FunctionChecker:
    """Checks the Python stages of one document."""

    def __init__(
        self,
        stages: Mapping[str, StageDefinition],
        input_kind: InputKind,
        schemas: OutputSchemas,
        report: Report,
    ) -> None:
        self._stages = stages
        self._input = input_kind
        self._schemas = schemas
        self._report = report

    def check(self, stage: StageDefinition, contract: FunctionContract) -> None:
        """Report every wire that does not fit."""
        taken, wired = len(contract.inputs), len(stage.inputs)
        if taken != wired:
            names = ", ".join(f"{each.name}: {each.type_name}" for each in contract.inputs)
            function = stage.config.get("function")
            message = f"{function!r} takes {taken} inputs ({names}), and {wired} are wired"
            hint = f"wire one to each of its parameters, in this order: {names or 'none'}"
            if stage.each is not None:
                hint += "; the item is the last of them, or where `inputs` says `item`"
            self._report.add(f"stages.{stage.name}.inputs", message, hint)
            return
        for i, (name, wanted) in enumerate(zip(stage.inputs, contract.inputs, strict=True)):
            problem = self._input_problem(stage, name, wanted)
            if problem is not None:
                place = f"stages.{stage.name}.inputs[{i}]"
                self._report.add(place, problem.message, problem.hint)

    def _input_problem(self, stage: StageDefinition, name: str, wanted: FunctionInput) -> Problem | None:
        parameter = f"{wanted.name!r} ({wanted.type_name})"
        if name == SOURCE:
            if self._input in wanted.sources:
                return None
            message = f"parameter {parameter} does not take the {self._input.value} that 'source' is"
            return Problem("", message, "wire the stage that makes it, or change the pipeline's `input`")
        if name not in self._stages and not (name == ITEM and stage.each is not None):
            return None
        if name in stage.optional_inputs and not wanted.is_optional:
            message = f"{name!r} may be missing, and parameter {parameter} does not take None"
            return Problem("", message, f"annotate it {wanted.type_name} | None")
        if wanted.schema is None:
            message = f"parameter {parameter} takes 'source', not the output of a stage"
            return Problem("", message, "wire `source` to it; inputs are in the order of the parameters")
        why = misfit(self._schemas.read_by(stage, name), wanted.schema)
        if why is None:
            return None
        what = "the item" if name == ITEM else f"the output of {name!r}"
        return Problem(
            "", f"{what} does not fit parameter {parameter}: {why}", self._fit_hint(stage, name, wanted)
        )

    def _fit_hint(self, stage: StageDefinition, name: str, wanted: FunctionInput) -> str:
        """What to do about a wire that does not fit: the stages whose output would."""
        fitting = [
            each
            for each in islice(self._stages, _COMPARED_MAX)
            if each not in {stage.name, name}
            and wanted.schema is not None
            and self._fits(self._schemas.of(each), wanted.schema)
        ]
        if fitting:
            return f"{', '.join(fitting[:_NAMED_MAX])} would fit; inputs are in the order of the parameters"
        return f"wire a stage that puts out {wanted.type_name}, or change the parameter's type"

    def _fits(self, offered: JsonObject, wanted: JsonObject) -> bool:
        return bool(offered) and misfit(offered, wanted) is None
