"""How the stages of a document are wired: names, circles, what conditions read, what Python stages take.

Called by `check` when every stage has been read. Invariant: a problem in one stage does not hide those of others.
"""

from collections.abc import Mapping
from itertools import islice

from tegu.domain.content import InputKind
from tegu.domain.errors import Problem
from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import FunctionContract, FunctionInput, KindCatalog
from tegu.pipeline.check_references import check_references
from tegu.pipeline.check_stage import CheckedStage
from tegu.pipeline.condition import FACTS, Condition, compile_condition, syntax_hint
from tegu.pipeline.condition_types import misread
from tegu.pipeline.definition import SOURCE, StageDefinition
from tegu.pipeline.report import Report, did_you_mean
from tegu.pipeline.schema_fit import misfit

_NAMED_MAX = 3
_COMPARED_MAX = 50


class WiringChecker:
    """Checks all stages of one pipeline against each other."""

    def __init__(
        self,
        stages: Mapping[str, CheckedStage],
        input_kind: InputKind,
        catalog: KindCatalog | None,
        report: Report,
    ) -> None:
        self._checked = stages
        self._stages = {name: each.definition for name, each in stages.items()}
        self._input = input_kind
        self._catalog = catalog
        self._report = report

    def check(self) -> None:
        """Report everything."""
        check_references(self._stages, self._report)
        self._check_circles()
        ancestors = self._ancestors()
        for stage in self._stages.values():
            if self._report.is_full:
                return
            if stage.when is not None:
                self._check_condition(stage, stage.when, ancestors.get(stage.name))
            contract = self._checked[stage.name].contract
            if contract is not None:
                self._check_function(stage, contract)

    def _check_circles(self) -> None:
        seen: set[str] = set()
        for name in self._stages:
            circle = self._circle_from(name, seen)
            if circle:
                path = " -> ".join([*circle, circle[0]])
                message, hint = f"stages wait for each other in a circle: {path}", "remove one of these edges"
                self._report.add(f"stages.{circle[0]}", message, hint)

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
            left.extend((each, True) for each in self._upstream(name) if each != name)
        return []

    def _upstream(self, name: str) -> list[str]:
        return [each for each in self._stages[name].upstream if each in self._stages]

    def _ancestors(self) -> dict[str, frozenset[str]]:
        """All that each stage waits for, over any number of others; nothing for stages in and behind a circle."""
        waits = {name: len(self._upstream(name)) for name in self._stages}
        successors: dict[str, list[str]] = {name: [] for name in self._stages}
        for name in self._stages:
            for upstream in self._upstream(name):
                successors[upstream].append(name)
        found: dict[str, frozenset[str]] = {}
        ready = [name for name, count in waits.items() if not count]
        for name in ready:
            upstreams = self._upstream(name)
            found[name] = frozenset(upstreams).union(*(found[each] for each in upstreams))
            for successor in successors[name]:
                waits[successor] -= 1
                if not waits[successor]:
                    ready.append(successor)
        return found

    def _check_condition(self, stage: StageDefinition, text: str, ancestors: frozenset[str] | None) -> None:
        place = f"stages.{stage.name}.when"
        try:
            condition = compile_condition(text)
        except ValueError as error:
            self._report.add(place, str(error), syntax_hint(text))
            return
        for name in sorted(condition.names):
            if name in self._stages and ancestors is not None and name not in ancestors:
                hint = f"add {name!r} to `needs`"
                self._report.add(place, f"stage {name!r} need not have ended when this is decided", hint)
            elif name not in self._stages and name not in FACTS:
                hint = did_you_mean(name, [*(ancestors or self._stages), *FACTS])
                self._report.add(place, f"there is no stage {name!r}", hint)
        self._check_fields(condition, place)

    def _check_fields(self, condition: Condition, place: str) -> None:
        for read in dict.fromkeys(condition.reads):
            if read.name not in self._stages:
                continue
            problem = misread(read, self._output_schema(read.name))
            if problem is not None:
                self._report.add(place, problem.message, problem.hint)

    def _output_schema(self, name: str) -> JsonObject:
        """What a stage puts out; `{}` where that is not known, as it is for one whose config is wrong."""
        checked = self._checked[name]
        if checked.contract is not None:
            return checked.contract.output
        if self._catalog is None or not checked.config_is_valid:
            return {}
        return self._catalog.output_schema(checked.definition.uses, checked.definition.config)

    def _check_function(self, stage: StageDefinition, contract: FunctionContract) -> None:
        taken, wired = len(contract.inputs), len(stage.inputs)
        if taken != wired:
            names = ", ".join(f"{each.name}: {each.type_name}" for each in contract.inputs)
            function = stage.config.get("function")
            message = f"{function!r} takes {taken} inputs ({names}), and {wired} are wired"
            hint = f"wire one to each of its parameters, in this order: {names or 'none'}"
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
        if name not in self._stages:
            return None
        if name in stage.optional_inputs and not wanted.is_optional:
            message = f"{name!r} may be missing, and parameter {parameter} does not take None"
            return Problem("", message, f"annotate it {wanted.type_name} | None")
        if wanted.schema is None:
            message = f"parameter {parameter} takes 'source', not the output of a stage"
            return Problem("", message, "wire `source` to it; inputs are in the order of the parameters")
        why = misfit(self._output_schema(name), wanted.schema)
        if why is None:
            return None
        message = f"the output of {name!r} does not fit parameter {parameter}: {why}"
        return Problem("", message, self._fit_hint(stage, name, wanted))

    def _fit_hint(self, stage: StageDefinition, name: str, wanted: FunctionInput) -> str:
        """What to do about a wire that does not fit: the stages whose output would."""
        fitting = [
            each
            for each in islice(self._stages, _COMPARED_MAX)
            if each not in {stage.name, name}
            and wanted.schema is not None
            and self._output_schema(each)
            and misfit(self._output_schema(each), wanted.schema) is None
        ]
        if fitting:
            return f"{', '.join(fitting[:_NAMED_MAX])} would fit; inputs are in the order of the parameters"
        return f"wire a stage that puts out {wanted.type_name}, or change the parameter's type"
