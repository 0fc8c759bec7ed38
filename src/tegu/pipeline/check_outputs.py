"""What each stage of a document puts out and reads, as far as it is known: through maps, handlers and kinds that hand on.

Used by the checks of wires and conditions. Invariant: `{}` is what is not known, and nothing is said of it.
"""

from collections.abc import Collection, Mapping

from tegu.domain.json import JsonObject
from tegu.pipeline.catalog import KindCatalog
from tegu.pipeline.check_stage import CheckedStage
from tegu.pipeline.condition import compile_condition
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

    def of(self, name: str) -> JsonObject:
        """What a stage puts out: of one that maps, a list. `{}` also where a stage's config is wrong, and in a circle."""
        if name not in self._found:
            self._found[name] = {}  # for stages that wait for each other
            self._found[name] = self._of(self._stages[name])
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
        inputs = {name: self.read_by(stage, name) for name in stage.inputs}
        return self._catalog.output_schema(stage.uses, stage.config, inputs)


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
