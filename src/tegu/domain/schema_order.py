"""Values with their fields in the order in which a JSON Schema names them: the database keeps them in one of its own.

Called by storage where outputs are read for people. Invariant: pure and bounded; nothing is added, taken away or changed.
"""

from collections.abc import Iterator

from pydantic import JsonValue

from tegu.domain.json import JsonObject

_DEPTH_MAX = 60
_BRANCHES = ("anyOf", "oneOf", "allOf")


def in_order(value: JsonValue, schema: JsonValue) -> JsonValue:
    """The value, which fits the schema, or is a list of such. Fields that the schema does not name come last."""
    if not isinstance(schema, dict):
        return value
    if isinstance(value, list) and not any("items" in each for each in _said(schema, schema, 0)):
        return [_ordered(each, [schema], schema, 0) for each in value]
    return _ordered(value, [schema], schema, 0)


def at_path(schema: JsonValue, name: str) -> JsonValue:
    """The schema of the items of a list in what the schema describes, with what it refers to; None where it says nothing of them."""
    if not isinstance(schema, dict):
        return None
    for said in _said(schema, schema, 0):
        properties = said.get("properties")
        listed = properties.get(name) if isinstance(properties, dict) else None
        for each in _said(listed, schema, 0):
            if isinstance(items := each.get("items"), dict):
                return {"$defs": schema.get("$defs", {}), **items}
    return None


def _ordered(value: JsonValue, schemas: list[JsonValue], root: JsonObject, deep: int) -> JsonValue:
    if deep >= _DEPTH_MAX or not isinstance(value, dict | list):
        return value
    said = [found for schema in schemas for found in _said(schema, root, 0)]
    if isinstance(value, list):
        items = [each["items"] for each in said if "items" in each]
        return [_ordered(each, items, root, deep + 1) for each in value]
    fields: dict[str, list[JsonValue]] = {}
    for each in said:
        properties = each.get("properties")
        for name, inner in properties.items() if isinstance(properties, dict) else ():
            fields.setdefault(name, []).append(inner)
    names = [*(name for name in fields if name in value), *(name for name in value if name not in fields)]
    return {name: _ordered(value[name], fields.get(name, []), root, deep + 1) for name in names}


def _said(schema: JsonValue, root: JsonObject, deep: int) -> Iterator[JsonObject]:
    """The schema, what it refers to, and its branches."""
    if not isinstance(schema, dict) or deep >= _DEPTH_MAX:
        return
    yield schema
    reference = schema.get("$ref")
    definitions = root.get("$defs")
    if isinstance(reference, str) and isinstance(definitions, dict):
        yield from _said(definitions.get(reference.rpartition("/")[2]), root, deep + 1)
    for word in _BRANCHES:
        branches = schema.get(word)
        for branch in branches if isinstance(branches, list) else ():
            yield from _said(branch, root, deep + 1)
