"""JSON Schema, as far as filling needs it: references, null, alternatives.

Called by the schema walk. Invariant: a schema that refers to itself is followed only so deep.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

from pydantic import JsonValue

from tegu.domain.json import JsonObject

_HOPS_MAX = 16


@dataclass(frozen=True, slots=True)
class Shape:
    """One schema, resolved: its alternatives other than null, and whether it may be null."""

    nullable: bool
    options: tuple[JsonObject, ...]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Schemas:
    """A schema document; resolves its own `#/...` references."""

    root: JsonObject = field(default_factory=JsonObject)

    def resolve(self, schema: JsonValue) -> JsonObject:
        """The schema with its reference followed and its `allOf` merged; `{}` for what is no object."""
        found = schema if isinstance(schema, dict) else {}
        for _ in range(_HOPS_MAX):
            reference = found.get("$ref")
            if not isinstance(reference, str):
                break
            target = self._at(reference)
            found = {**target, **{key: value for key, value in found.items() if key != "$ref"}}
        parts = found.get("allOf")
        if isinstance(parts, list):
            found = self._merged(found, parts)
        return found

    def _merged(self, schema: JsonObject, parts: list[JsonValue]) -> JsonObject:
        merged: JsonObject = {}
        properties: JsonObject = {}
        required: list[JsonValue] = []
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        for part in [*parts[:_HOPS_MAX], rest]:
            resolved = rest if part is rest else self.resolve(_without(part, "allOf"))
            merged.update(resolved)
            properties.update(members(resolved))
            required += sorted(required_names(resolved))
        if properties:
            merged["properties"] = properties
            merged["required"] = required
        return merged

    def _at(self, reference: str) -> JsonObject:
        node: JsonValue = self.root
        if not reference.startswith("#"):
            return {}
        for step in reference[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            node = node.get(key) if isinstance(node, dict) else None
        return node if isinstance(node, dict) else {}

    def shape(self, schema: JsonValue) -> Shape:
        """What the schema asks for."""
        resolved = self.resolve(schema)
        description = resolved.get("description")
        nullable, options = self._options(resolved, 0)
        return Shape(nullable, tuple(options), description if isinstance(description, str) else "")

    def _options(self, schema: JsonObject, depth: int) -> tuple[bool, list[JsonObject]]:
        alternatives = schema.get("anyOf") or schema.get("oneOf")
        if isinstance(alternatives, list) and depth < _HOPS_MAX:
            rest = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
            nullable, options = False, list[JsonObject]()
            for alternative in alternatives[:_HOPS_MAX]:
                null, more = self._options({**rest, **self.resolve(alternative)}, depth + 1)
                nullable, options = nullable or null, options + more
            return nullable, options
        types = schema.get("type")
        if types == "null" or ("const" in schema and schema["const"] is None):
            return True, []
        if isinstance(types, list):
            return "null" in types, [{**schema, "type": one} for one in types if one != "null"]
        choices = schema.get("enum")
        if isinstance(choices, list) and None in choices:
            return True, [{**schema, "enum": [choice for choice in choices if choice is not None]}]
        return False, [schema]


def _without(schema: JsonValue, key: str) -> JsonObject:
    return {name: value for name, value in schema.items() if name != key} if isinstance(schema, dict) else {}


def members(schema: Mapping[str, JsonValue]) -> JsonObject:
    """The properties of an object schema."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def required_names(schema: Mapping[str, JsonValue]) -> frozenset[str]:
    """The names of the properties that must be there."""
    required = schema.get("required")
    return (
        frozenset(name for name in required if isinstance(name, str))
        if isinstance(required, list)
        else frozenset()
    )


def type_of(schema: Mapping[str, JsonValue]) -> str:
    """The type of a schema without alternatives, guessed from its keywords where it has none."""
    types = schema.get("type")
    if isinstance(types, str):
        return types
    if "properties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    choices = schema.get("enum")
    if isinstance(choices, list) and choices and all(isinstance(choice, bool) for choice in choices):
        return "boolean"
    return "string"


def text_choices(schema: Mapping[str, JsonValue]) -> list[str]:
    """The strings that an enum allows."""
    choices = schema.get("enum")
    return [choice for choice in choices if isinstance(choice, str)] if isinstance(choices, list) else []


class _Validator(Protocol):
    """What is used of jsonschema's validators, whose own types are not complete."""

    def iter_errors(self, instance: JsonValue, /) -> Iterable[object]: ...


def _errors(validator: _Validator, value: JsonValue) -> Iterable[object]:
    return validator.iter_errors(value)


def allows(schema: JsonObject, value: JsonValue) -> bool:
    """Whether a leaf value keeps the rules of its schema (length, pattern, range, enum)."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from referencing.exceptions import Unresolvable

    try:
        return not any(_errors(cast("_Validator", Draft202012Validator(schema)), value))
    except (SchemaError, Unresolvable, re.error):
        return True
