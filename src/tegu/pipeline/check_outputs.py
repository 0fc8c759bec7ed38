"""What each stage of a document puts out and reads, as far as it is known: through maps, handlers and kinds that hand on.

Used by the checks of wires and conditions. Invariant: `{}` is what is not known, and nothing is said of it.
"""

from collections.abc import Collection, Mapping

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import KindCatalog
from tegu.pipeline.check_stage import CheckedStage
from tegu.pipeline.condition import compile_condition
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.flow import ITEM, EachSpec
from tegu.pipeline.stage_definition import StageDefinition

_TEXT: JsonObject = {"type": "string"}
ERROR: JsonObject = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": _TEXT,
                "message": _TEXT,
                "hint": {"anyOf": [_TEXT, {"type": "null"}]},
                "stage": {"anyOf": [_TEXT, {"type": "null"}]},
            },
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}
"""What a handler reads of a stage that failed."""
_NULL: JsonObject = {"type": "null"}
_SIZE_MAX = 2000
_LOOKED_AT_MAX = 300_000
"""Values within schemas: of one output, and in all that the stages of a document read."""


class OutputSchemas:
    """JSON Schemas of one document's outputs."""

    def __init__(
        self,
        stages: Mapping[str, CheckedStage],
        catalog: KindCatalog | None,
        handled: Mapping[str, Collection[str]],
    ) -> None:
        self._stages = stages
        self._catalog = catalog
        self._handled = handled
        self._found: dict[str, JsonObject] = {}
        self._sizes: dict[str, int] = {}
        self._looked_at = 0

    def of(self, name: str) -> JsonObject:
        """What a stage puts out: of one that maps, a list. `{}` also where a stage's config is wrong, and in a circle."""
        if name not in self._found:
            self._find(name)
        return self._found[name]

    def read_by(self, stage: StageDefinition, name: str) -> JsonObject:
        """What a stage reads under a name; what is absent is null besides."""
        if name == ITEM and stage.each is not None:
            return self.item_of(stage.each)
        if name not in self._stages:
            return {}
        handled = self._handled.get(stage.name, ())
        if name not in handled:
            return self.of(name)
        # The only one that it handles has failed whenever the handler runs.
        completed = self.of(name)
        return ERROR if len(handled) == 1 else {"anyOf": [completed, ERROR]} if completed else {}

    def inputs_of(self, stage: StageDefinition) -> dict[str, JsonObject]:
        """What a stage reads, in the order written."""
        return {name: self.read_by(stage, name) for name in stage.inputs}

    def listed(self, each: EachSpec) -> JsonObject:
        """What stands at the path of a map, which ought to be a list."""
        found = self.of(each.root) if each.root in self._stages else {}
        for step in each.path[1:]:
            found = _field(found, step)
        return found

    def item_of(self, each: EachSpec) -> JsonObject:
        """What a mapped stage reads as `item`."""
        items = self.listed(each).get("items")
        return items if isinstance(items, dict) else {}

    def _find(self, name: str) -> None:
        """What a stage puts out, after what it reads: not by recursion, which a long chain of stages would exhaust."""
        left, open_ = [name], set[str]()
        while left:
            stage = left[-1]
            if stage not in self._found:
                self._found[stage] = {}  # for stages that wait for each other
                open_.add(stage)
                left += [each for each in self._read(stage) if each not in self._found]
                continue
            left.pop()
            if stage in open_:
                open_.remove(stage)
                self._found[stage] = self._bounded(stage)

    def _bounded(self, name: str) -> JsonObject:
        """What a stage puts out; not known where that is larger than anybody wires, or all that was looked at is: kinds that
        join their inputs would make it grow with each that joins what others joined.
        """
        self._looked_at += sum(self._sizes.get(each, 1) for each in self._read(name))
        if self._looked_at > _LOOKED_AT_MAX:
            return {}
        found = self._of(self._stages[name])
        self._sizes[name] = size = _size(found)
        return found if size < _SIZE_MAX else {}

    def _read(self, name: str) -> list[str]:
        stage = self._stages[name].definition
        roots = (stage.each.root,) if stage.each is not None else ()
        return [each for each in (*stage.inputs, *roots) if each in self._stages]

    def _of(self, checked: CheckedStage) -> JsonObject:
        one = self._of_one(checked)
        each = checked.definition.each
        if each is None:
            return one
        if not one:
            return {"type": "array"}
        may_lack = each.failed_share_max > 0 or _asks_items(checked.definition)
        return {"type": "array", "items": {"anyOf": [one, _NULL]} if may_lack else one}

    def _of_one(self, checked: CheckedStage) -> JsonObject:
        if checked.contract is not None:
            return checked.contract.output
        if self._catalog is None or not checked.config_is_valid:
            return {}
        stage = checked.definition
        return self._catalog.output_schema(stage.uses, stage.config, self.inputs_of(stage))


def output_schemas(definition: PipelineDefinition, catalog: KindCatalog) -> OutputSchemas:
    """Of a pipeline that was checked."""
    functions = catalog.functions()
    stages = {
        stage.name: CheckedStage(stage, True, functions.get(str(stage.config.get("function"))))
        for stage in definition.stages
    }
    return OutputSchemas(stages, catalog, definition.handled_by())


def _size(schema: JsonObject) -> int:
    """How many values there are in it, at most `_SIZE_MAX`."""
    size, left = 0, list[JsonValue]([schema])
    while left and size < _SIZE_MAX:
        value = left.pop()
        size += 1
        if isinstance(value, dict | list):
            left.extend(value.values() if isinstance(value, dict) else value)
    return size


def _field(schema: JsonObject, step: str) -> JsonObject:
    properties = schema.get("properties")
    found = properties.get(step) if isinstance(properties, dict) else None
    return found if isinstance(found, dict) else {}


def _asks_items(stage: StageDefinition) -> bool:
    if stage.when is None:
        return False
    try:
        return ITEM in compile_condition(stage.when).names
    except ValueError:  # reported by whoever checks conditions
        return False
