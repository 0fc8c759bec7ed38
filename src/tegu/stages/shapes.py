"""What is known of values that are taken out of others, by JSON Schema.

Called by the kinds that gather data, for their derived schemas. Invariant: it says only what is certain; `{}` leaves all open.
"""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import cast

from pydantic import JsonValue

from tegu.domain.json import JsonObject, canonical_json

OPEN: JsonObject = {}
_DEPTH_MAX = 50


def without_null(schema: JsonObject) -> JsonObject:
    """The same for a value that is there."""
    options = schema.get("anyOf")
    if isinstance(options, list):
        rest = [option for option in options if option != {"type": "null"}]
        if len(rest) == 1 and isinstance(rest[0], dict):
            return rest[0]
        return {**schema, "anyOf": rest}
    kinds = schema.get("type")
    if isinstance(kinds, list) and "null" in kinds:
        rest = [kind for kind in kinds if kind != "null"]
        return {**schema, "type": rest[0] if len(rest) == 1 else rest}
    return schema


def items_of(schema: JsonObject) -> JsonObject:
    """Of the items of a list; open where it is not known to be one."""
    items = schema.get("items")
    return items if schema.get("type") == "array" and isinstance(items, dict) else OPEN


def at(schema: JsonObject, steps: Sequence[str]) -> JsonObject:
    """Of what stands at a path, as `placed.taken` reads it."""
    found = schema
    for step in steps:
        found = without_null(found)
        for _ in range(_DEPTH_MAX):
            if found.get("type") != "array":
                break
            found = without_null(items_of(found))
        properties = found.get("properties")
        inner = properties.get(step) if isinstance(properties, dict) else None
        if not isinstance(inner, dict):
            return OPEN
        found = inner
    return found


def flattened(schema: JsonObject) -> JsonObject:
    """Of what is in a list, or in lists in it; of a value that is no list itself."""
    for _ in range(_DEPTH_MAX):
        schema = without_null(schema)
        if schema.get("type") != "array":
            return schema
        schema = items_of(schema)
    return OPEN


def either(schemas: Iterable[JsonObject]) -> JsonObject:
    """Of a value that is one of these; open where one of them is."""
    different = {canonical_json(each): each for each in schemas}
    if not different or OPEN in different.values():
        return OPEN
    if len(different) == 1:
        return next(iter(different.values()))
    return {"anyOf": cast("list[JsonValue]", list(different.values()))}


def together(schemas: Sequence[JsonObject]) -> JsonObject:
    """Of an object that several were merged into: every field that one of them may have, those for sure that all have."""
    fields: dict[str, list[JsonObject]] = {}
    for schema in schemas:
        properties = without_null(schema).get("properties")
        if not isinstance(properties, dict):
            return {"type": "object"}
        for name, inner in properties.items():
            fields.setdefault(name, []).append(inner if isinstance(inner, dict) else OPEN)
    if not fields:
        return {"type": "object"}
    required = [_names(without_null(schema).get("required")) for schema in schemas]
    sure = {name for name in fields if all(name in each for each in required)}
    return {
        "type": "object",
        "properties": {name: either(found) for name, found in fields.items()},
        "required": [name for name in fields if name in sure],
    }


def is_self_contained(schema: JsonValue) -> bool:
    """Whether it means the same at another place: it refers to nothing."""
    match schema:
        case dict():
            return "$ref" not in schema and all(is_self_contained(inner) for inner in schema.values())
        case list():
            return all(is_self_contained(inner) for inner in schema)
        case _:
            return True


def with_property(schema: JsonObject, name: str, inner: JsonObject) -> JsonObject:
    """The schema of an output, with what is known of one of its properties; as it is where that would refer elsewhere."""
    if not inner or not is_self_contained(inner):
        return schema
    made = deepcopy(schema)
    cast("JsonObject", made["properties"])[name] = inner
    return made


def _names(value: JsonValue) -> set[str]:
    return {str(each) for each in value} if isinstance(value, list) else set()
