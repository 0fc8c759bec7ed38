"""`collect`: outputs of several stages, or of the items of one, as one list or one object. Asks no model.

inputs      the stages whose outputs are gathered; of one that puts out a list (`each`) its items
options     form        list (default) or object, with the names of the inputs as keys
            take        what is taken of each, a path: `entities`, `invoice.lines`
            flatten     lists among what was taken become part of the one list; default true
            drop_nulls  what is null (skipped, failed, not there) is left out; default true
returns     list: {items, count, dropped}; object: the object
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Literal

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Collected
from tegu.stages.kind import Options, StageOutput, StageWork, options_schema, read_options
from tegu.stages.placed import ITEMS_MAX, DottedPath, Placed, data_of, flat, steps_of, taken, too_many
from tegu.stages.shapes import (
    OPEN,
    at,
    either,
    flattened,
    is_self_contained,
    items_of,
    with_property,
    without_null,
)


class CollectOptions(Options):
    """See the module."""

    form: Literal["list", "object"] = "list"
    take: DottedPath | None = None
    flatten: bool = True
    drop_nulls: bool = True


class CollectKind:
    """Implements StageKind."""

    name = "collect"
    version = 1

    def config_schema(self) -> JsonObject:
        """JSON Schema of its options."""
        return options_schema(CollectOptions)

    def output_schema(self, config: JsonObject) -> JsonObject:
        """`{items, count, dropped}` of a list; of an object only that it is one."""
        return {"type": "object"} if config.get("form") == "object" else schema_of(Collected)

    def derived_schema(self, config: JsonObject, inputs: Mapping[str, JsonObject]) -> JsonObject:
        """The same, with what is known of the items or fields."""
        options = read_options(CollectOptions, config)
        steps = steps_of(options.take)
        if options.form == "object":
            fields: JsonObject = {name: at(schema, steps) for name, schema in inputs.items()}
            is_known = not any(_is_list(schema) for schema in inputs.values())
            return (
                {"type": "object", "properties": fields}
                if is_known and is_self_contained(fields)
                else {"type": "object"}
            )
        found = [at(schema, steps) for schema in _element_schemas(inputs)]
        items = either(flattened(each) if options.flatten else each for each in found)
        inner = without_null(items) if options.drop_nulls else items
        return with_property(
            self.output_schema(config), "items", {"type": "array", "items": inner} if inner else OPEN
        )

    async def perform(self, work: StageWork) -> StageOutput:
        """Gather, in the order of the inputs."""
        options = read_options(CollectOptions, work.config)
        found = data_of(work.inputs)
        if options.form == "object":
            return StageOutput(_object(found, options))
        items: list[JsonValue] = []
        dropped = 0
        for each in _elements(found, options):
            if each.value is None and options.drop_nulls:
                dropped += 1
            elif len(items) < ITEMS_MAX:
                items.append(each.value)
            else:
                raise too_many("what is collected")
        return StageOutput({"items": items, "count": len(items), "dropped": dropped})


def _element_schemas(inputs: Mapping[str, JsonObject]) -> list[JsonObject]:
    one = next(iter(inputs.values())) if len(inputs) == 1 else OPEN
    return [items_of(one)] if _is_list(one) else list(inputs.values())


def _is_list(schema: JsonObject) -> bool:
    return schema.get("type") == "array"


def _elements(found: list[Placed], options: CollectOptions) -> Iterator[Placed]:
    one = found[0] if len(found) == 1 else None
    gathered = one.items() if one is not None and isinstance(one.value, list) else iter(found)
    steps = steps_of(options.take)
    chosen = chain.from_iterable(taken(each, steps) for each in gathered)
    return chain.from_iterable(flat(each) for each in chosen) if options.flatten else chosen


def _object(found: list[Placed], options: CollectOptions) -> JsonObject:
    made: JsonObject = {}
    for each in found:
        values = [item.value for item in taken(each, steps_of(options.take))]
        kept = [value for value in values if value is not None or not options.drop_nulls]
        if isinstance(each.value, list) and options.take is not None:
            made[each.source] = kept
        elif kept:
            made[each.source] = kept[0] if len(kept) == 1 else kept
    return made
