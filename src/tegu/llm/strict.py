"""The form of an author's schema that providers take, and the way back from it.

Called by the providers (`provider_schema`) and by the structured loop (`as_author_meant`). Invariant: whatever obeys
the author's schema can be said in the provider's form, and `as_author_meant` undoes exactly what the form added: the
nulls of optional fields and the object around a root that is none.

Strict mode needs every property required, no further properties, and optional ones nullable: otherwise optional fields
are not enforced, or invented. A schema that cannot be said so (open objects, untyped values, intersections) is sent as
it is, not strict; the validator judges the reply either way.
"""

from dataclasses import dataclass

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.llm.schema_walk import DEFINITIONS, resolve

WRAPPED = "value"
"""The property that holds the output where the author's schema is no object."""
_NOT_STRICT = frozenset(
    {
        "allOf",
        "not",
        "if",
        "then",
        "else",
        "dependentSchemas",
        "dependentRequired",
        "prefixItems",
        "patternProperties",
        "propertyNames",
        "unevaluatedProperties",
        "unevaluatedItems",
    }
)
_DROPPED = frozenset(
    {"title", "default", "examples", "$schema", "$comment", "deprecated", "readOnly", "writeOnly"}
)
_NULL: JsonObject = {"type": "null"}
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "boolean"),
    (str, "string"),
    (int, "integer"),
    (float, "number"),
    (type(None), "null"),
)


@dataclass(frozen=True, slots=True)
class ProviderSchema:
    """What to send: always an object at its root. `strict` says whether strict mode can be asked for."""

    schema: JsonObject
    strict: bool


class _OpenError(Exception):
    """This part of the schema has no strict form."""


def provider_schema(schema: JsonObject) -> ProviderSchema:
    """The schema as providers take it."""
    rooted = schema if is_object(schema) else _wrapped(schema)
    try:
        return ProviderSchema(_strict_root(rooted), strict=True)
    except _OpenError:
        return ProviderSchema(rooted, strict=False)


def is_object(schema: JsonObject) -> bool:
    """Whether the output is an object for certain, by the root's type or the root reference's."""
    reference = schema.get("$ref")
    root = resolve(schema, reference) if isinstance(reference, str) else schema
    return root is not None and (
        root.get("type") == "object" or ("type" not in root and "properties" in root)
    )


def _wrapped(schema: JsonObject) -> JsonObject:
    inner = {key: value for key, value in schema.items() if key not in DEFINITIONS and key != "$schema"}
    definitions = {key: schema[key] for key in DEFINITIONS if key in schema}
    return {
        "type": "object",
        "properties": {WRAPPED: inner},
        "required": [WRAPPED],
        "additionalProperties": False,
        **definitions,
    }


def _strict_root(schema: JsonObject) -> JsonObject:
    """Definitions apart, and a root reference replaced by what it names: roots may not be references."""
    root = {key: value for key, value in schema.items() if key not in DEFINITIONS}
    reference = root.get("$ref")
    if isinstance(reference, str):
        root = dict(resolve(schema, reference) or {})
    strict = _strict(root, schema)
    for key in DEFINITIONS:
        definitions = schema.get(key)
        if isinstance(definitions, dict):
            strict[key] = {name: _strict(node, schema) for name, node in definitions.items()}
    return strict


def _strict(node: JsonValue, root: JsonObject) -> JsonObject:
    if not isinstance(node, dict) or not _NOT_STRICT.isdisjoint(node):
        raise _OpenError
    kept = {key: value for key, value in node.items() if key not in _DROPPED}
    if isinstance(reference := kept.get("$ref"), str):
        return _strict_reference(kept, reference)
    for union in ("anyOf", "oneOf"):
        branches = kept.pop(union, None)
        if isinstance(branches, list):
            return {
                **_described(kept),
                "anyOf": [_strict({**_shared(kept), **_object(b)}, root) for b in branches],
            }
    if isinstance(types := kept.get("type"), list):
        return {**_described(kept), "anyOf": [_strict(_of_type(kept, each), root) for each in types]}
    if "type" not in kept:
        kept["type"] = _implied_type(kept)
    if kept["type"] == "object":
        return _strict_object(kept, root)
    if kept["type"] == "array":
        kept["items"] = _strict(kept.get("items"), root)
    return kept


def _strict_reference(node: JsonObject, reference: str) -> JsonObject:
    """References may have no neighbours but a description, and may only name definitions or the root."""
    if reference != "#" and not reference.startswith(("#/$defs/", "#/definitions/")):
        raise _OpenError
    if set(node) - {"$ref", "description"}:
        raise _OpenError
    return node


def _strict_object(node: JsonObject, root: JsonObject) -> JsonObject:
    properties = node.get("properties")
    if (
        not isinstance(properties, dict)
        or not properties
        or node.get("additionalProperties", False) is not False
    ):
        raise _OpenError
    required = node.get("required")
    needed = required if isinstance(required, list) else []
    if any(name not in properties for name in needed):
        raise _OpenError
    strict = {name: _strict(child, root) for name, child in properties.items()}
    node["properties"] = {
        name: child if name in needed or _takes_null(child, root) else _nullable(child)
        for name, child in strict.items()
    }
    node["required"] = list(properties)
    node["additionalProperties"] = False
    return node


def _nullable(node: JsonObject) -> JsonObject:
    branches = node.get("anyOf")
    if isinstance(branches, list):
        return {**node, "anyOf": [*branches, dict(_NULL)]}
    inner = dict(node)
    description = inner.pop("description", None)
    outer: JsonObject = {"anyOf": [inner, dict(_NULL)]}
    return outer if description is None else {"description": description, **outer}


def _takes_null(node: JsonValue, root: JsonObject, seen: set[int] | None = None) -> bool:
    """Whether a schema accepts null, by its shape. Each part is looked at once, so it ends and stays linear."""
    seen = set() if seen is None else seen
    if not isinstance(node, dict) or id(node) in seen:
        return node is True
    seen.add(id(node))
    if isinstance(reference := node.get("$ref"), str):
        return _takes_null(resolve(root, reference), root, seen)
    for union in ("anyOf", "oneOf"):
        if isinstance(branches := node.get(union), list):
            return any(_takes_null(branch, root, seen) for branch in branches)
    if "const" in node:
        return node["const"] is None
    if isinstance(values := node.get("enum"), list):
        return None in values
    types = node.get("type", "null")
    return types == "null" or (isinstance(types, list) and "null" in types)


def _described(node: JsonObject) -> JsonObject:
    return {key: value for key, value in node.items() if key == "description"}


def _shared(node: JsonObject) -> JsonObject:
    """What stands beside a union applies to each branch."""
    return {key: value for key, value in node.items() if key != "description"}


def _object(node: JsonValue) -> JsonObject:
    if not isinstance(node, dict):
        raise _OpenError
    return node


def _of_type(node: JsonObject, name: JsonValue) -> JsonObject:
    """The branch of `{"type": [...]}` for one of its types: an enum is shared out among them."""
    branch: JsonObject = {**_shared(node), "type": name}
    values = branch.get("enum")
    if isinstance(values, list):
        mine = [
            value
            for value in values
            if _type_of(value) == name or (name == "number" and _type_of(value) == "integer")
        ]
        if name == "null":
            return dict(_NULL)
        if not mine:
            raise _OpenError
        branch["enum"] = mine
    return dict(_NULL) if name == "null" else branch


def _implied_type(node: JsonObject) -> str:
    if "properties" in node:
        return "object"
    values = node.get("enum", [node["const"]] if "const" in node else [])
    found = {_type_of(value) for value in values} if isinstance(values, list) else set[str | None]()
    if len(found) == 1 and (only := found.pop()) is not None:
        return only
    raise _OpenError


def _type_of(value: JsonValue) -> str | None:
    return next((name for kind, name in _TYPES if isinstance(value, kind)), None)


def as_author_meant(value: JsonValue, schema: JsonObject) -> JsonValue:
    """The reply in the author's terms: the wrapping object opened, the nulls of optional fields removed."""
    if not is_object(schema) and isinstance(value, dict) and set(value) == {WRAPPED}:
        value = value[WRAPPED]
    return _without_added_nulls(value, schema, schema)


def _without_added_nulls(value: JsonValue, node: JsonValue, root: JsonObject) -> JsonValue:
    """Follows the value, so a recursive schema ends where the value ends."""
    node = _dereferenced(node, root)
    if node is None:
        return value
    for union in ("anyOf", "oneOf"):
        branches = node.get(union)
        if isinstance(branches, list):
            return _by_branch(value, branches, root)
    match value:
        case list():
            items = node.get("items")
            return [_without_added_nulls(item, items, root) for item in value]
        case dict():
            return _fields(value, node, root)
        case _:
            return value


def _fields(value: JsonObject, node: JsonObject, root: JsonObject) -> JsonObject:
    properties, required = node.get("properties"), node.get("required")
    if not isinstance(properties, dict):
        return value
    needed = required if isinstance(required, list) else []
    kept: JsonObject = {}
    for name, child in value.items():
        optional = name in properties and name not in needed
        if child is None and optional and not _takes_null(properties[name], root):
            continue
        kept[name] = _without_added_nulls(child, properties[name], root) if name in properties else child
    return kept


def _by_branch(value: JsonValue, branches: list[JsonValue], root: JsonObject) -> JsonValue:
    """The first branch that fits by its shape: trying each by validation would be exponential in the depth."""
    for branch in branches:
        node = _dereferenced(branch, root)
        if node is not None and _fits(value, node):
            return _without_added_nulls(value, node, root)
    return value


def _fits(value: JsonValue, node: JsonObject) -> bool:
    match value:
        case list():
            return node.get("type") == "array"
        case dict():
            properties = node.get("properties")
            if not isinstance(properties, dict) or not set(value) <= set(properties):
                return False
            return all(_is_allowed(value[name], properties[name]) for name in value)
        case _:
            return False


def _is_allowed(value: JsonValue, node: JsonValue) -> bool:
    """By `const` and `enum` only, which is what tells the branches of a union apart."""
    if not isinstance(node, dict) or value is None:
        return True
    values = node.get("enum")
    return node.get("const", value) == value and (not isinstance(values, list) or value in values)


def _dereferenced(node: JsonValue, root: JsonObject) -> JsonObject | None:
    for _ in range(20):  # a chain of references; the schema check has refused circles
        if not isinstance(node, dict):
            return None
        reference = node.get("$ref")
        if not isinstance(reference, str):
            return node
        node = resolve(root, reference)
    return None
