"""A document checked and made a definition: all that is wrong with it at once, each with place, message and hint.

Called by actions, the command line and the builder. Invariant: there is a definition exactly where there is no
problem, and the definition of a document depends on nothing but the document and the catalog.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from tegu.domain.content import InputKind
from tegu.domain.errors import DefinitionError, Problem, UsageError
from tegu.domain.json import JsonObject, storable
from tegu.domain.operations import checked_priority
from tegu.pipeline.catalog import FunctionContract, FunctionInput, KindCatalog
from tegu.pipeline.check_flow import read_deadline_s
from tegu.pipeline.check_stage import CheckedStage, StageChecker, check_model
from tegu.pipeline.check_wiring import check_wiring
from tegu.pipeline.definition import FORMAT_VERSION, RESERVED_NAMES, PipelineDefinition, StageDefinition
from tegu.pipeline.document import PipelineDocument, load
from tegu.pipeline.limits import DESCRIPTION_LENGTH_MAX, EDGES_MAX, STAGES_MAX, as_name, is_name
from tegu.pipeline.report import Report, did_you_mean, one_of, type_word

__all__ = ["FunctionContract", "FunctionInput", "KindCatalog", "check", "checked", "examine"]

UNNAMED = "custom"
DOCUMENT_KEYS = (
    "tegu",
    "name",
    "description",
    "input",
    "model",
    "deadline_s",
    "priority",
    "output",
    "stages",
)
_KEY_HINTS = {
    "edges": "edges belong to the list form of `stages`; here use `inputs` and `needs`",
    "version": "the format is `tegu: 1`; versions of a pipeline are made from its content",
    "steps": "use `stages`",
    "nodes": "use `stages`",
    "id": "use `name`",
}
_INPUT_HINTS = {
    **dict.fromkeys(("mail", "email", "e-mail", "thread"), "write mail_thread"),
    **dict.fromkeys(("file", "document", "text"), "write content"),
}
_NAME_HINT = "snake_case, beginning with a letter, at most 63 characters"


@dataclass(frozen=True, slots=True)
class Examined:
    """What there is to say of a document: the definition, or everything that is wrong; and what is only odd."""

    definition: PipelineDefinition | None
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


def examine(
    document: PipelineDocument | Mapping[str, JsonValue], catalog: KindCatalog | None = None
) -> Examined:
    """Everything. Without a catalog nothing is said about stage kinds."""
    loaded = document if isinstance(document, PipelineDocument) else load(document)
    report = Report(loaded.lines, loaded.problems)
    definition: PipelineDefinition | None = None
    if loaded.data is not None:
        if storable(loaded.data) == loaded.data:
            definition = _Checker(loaded.data, catalog, report).check()
        else:
            report.add("document", "holds a character that cannot be stored (NUL or half a surrogate pair)")
    problems = report.problems()
    return Examined(None if problems else definition, problems, report.warnings())


def check(
    document: PipelineDocument | Mapping[str, JsonValue], catalog: KindCatalog | None = None
) -> tuple[PipelineDefinition | None, tuple[Problem, ...]]:
    """The definition, or everything that is wrong. Without a catalog nothing is said about stage kinds."""
    found = examine(document, catalog)
    return found.definition, found.problems


def checked(
    document: PipelineDocument | Mapping[str, JsonValue], catalog: KindCatalog | None = None
) -> PipelineDefinition:
    """The definition. Raises DefinitionError with every problem."""
    loaded = document if isinstance(document, PipelineDocument) else load(document)
    definition, problems = check(loaded, catalog)
    if definition is None:
        raise DefinitionError(problems, source=loaded.source)
    return definition


class _Checker:
    def __init__(self, data: JsonObject, catalog: KindCatalog | None, report: Report) -> None:
        self._data = data
        self._catalog = catalog
        self._report = report

    def check(self) -> PipelineDefinition:
        self._check_keys()
        input_kind = self._input()
        stages = self._stages()
        if self._has_too_many_edges(stages):
            stages = {}
        output = self._output(stages)
        check_wiring(stages, input_kind, self._catalog, self._report, output=output)
        return PipelineDefinition(
            name=self._name(),
            input=input_kind,
            stages=tuple(_normalized(each.definition) for each in stages.values()),
            model=check_model(self._data.get("model"), "model", self._report, self._catalog),
            description=self._description(),
            deadline_s=read_deadline_s(self._data, "", self._report),
            priority=self._priority(),
            output=output,
        )

    def _check_keys(self) -> None:
        for key in self._data:
            if key not in DOCUMENT_KEYS and not self._report.is_full:
                hint = _KEY_HINTS.get(key) or did_you_mean(key, DOCUMENT_KEYS) or one_of(DOCUMENT_KEYS)
                self._report.add(key, f"a pipeline has no key {key!r}", hint)
        version = self._data.get("tegu", FORMAT_VERSION)
        if version != FORMAT_VERSION or isinstance(version, bool):
            self._report.add("tegu", f"format {version!r:.60} is not known", f"write tegu: {FORMAT_VERSION}")

    def _name(self) -> str:
        name = self._data.get("name")
        if name is None:
            return UNNAMED
        if not isinstance(name, str):
            self._report.add("name", f"must be text, not {type_word(name)}", _NAME_HINT)
            return UNNAMED
        self._check_name(name, "name")
        return name

    def _check_name(self, name: str, place: str) -> None:
        if is_name(name):
            return
        near = as_name(name)
        self._report.add(place, f"{name!r:.80} is no name", f"write {near!r}" if near else _NAME_HINT)

    def _input(self) -> InputKind:
        value = self._data.get("input")
        choices = [kind.value for kind in InputKind]
        if value is None:
            return InputKind.CONTENT
        if not isinstance(value, str) or value not in choices:
            text = value if isinstance(value, str) else ""
            hint = _INPUT_HINTS.get(text) or did_you_mean(text, choices) or one_of(choices)
            self._report.add("input", f"{value!r:.60} is no input", hint)
            return InputKind.CONTENT
        return InputKind(value)

    def _description(self) -> str | None:
        value = self._data.get("description")
        if value is None or (isinstance(value, str) and len(value) <= DESCRIPTION_LENGTH_MAX):
            return value
        self._report.add("description", f"must be text of at most {DESCRIPTION_LENGTH_MAX} characters")
        return None

    def _priority(self) -> int | None:
        value = self._data.get("priority")
        if value is None:
            return None
        try:
            return checked_priority(value if isinstance(value, int | str) else repr(value))
        except UsageError as error:
            self._report.add("priority", error.message[:200], error.hint)
            return None

    def _output(self, stages: Mapping[str, CheckedStage]) -> str | None:
        value = self._data.get("output")
        if value is None or (isinstance(value, str) and value in stages):
            return value
        hint = did_you_mean(value, stages) if isinstance(value, str) else None
        self._report.add("output", f"there is no stage {value!r:.60}", hint or "name the stage that it is")
        return None

    def _has_too_many_edges(self, stages: Mapping[str, CheckedStage]) -> bool:
        edges = sum(len(each.definition.inputs) + len(each.definition.needs) for each in stages.values())
        if edges <= EDGES_MAX:
            return False
        message = f"the stages have {edges} inputs and needs; at most {EDGES_MAX} are allowed"
        self._report.add("stages", message, "collect what many stages read in one: `uses: merge`")
        return True

    def _stages(self) -> dict[str, CheckedStage]:
        stages = self._data.get("stages")
        if not isinstance(stages, dict) or not stages:
            what = (
                "a pipeline needs at least one stage"
                if not stages
                else f"must be a mapping, not {type_word(stages)}"
            )
            self._report.add("stages", what, "stages: {extract: {uses: extract}}")
            return {}
        if len(stages) > STAGES_MAX:
            self._report.add("stages", f"there are {len(stages)} stages; at most {STAGES_MAX} are allowed")
            return {}
        found: dict[str, CheckedStage] = {}
        for name, entry in stages.items():
            place = f"stages.{name}"
            if name in RESERVED_NAMES:
                self._report.add(place, f"{name!r} is reserved", "give the stage another name")
            else:
                self._check_name(name, place)
            if not isinstance(entry, dict):
                self._report.add(place, f"must be a mapping, not {type_word(entry)}", "{uses: extract}")
                # Read on as if it were empty, so that what is wired to it is found.
                found[name] = StageChecker(name, {}, None, Report({})).check()
            else:
                found[name] = StageChecker(name, entry, self._catalog, self._report).check()
        return found


def _normalized(stage: StageDefinition) -> StageDefinition:
    """An input is waited for anyway: it is no `needs` too."""
    return replace(stage, needs=tuple(name for name in stage.needs if name not in stage.inputs))
