"""Python types as the JSON Schema that documents hold.

Called by the builder and by `function`. Invariant: the schema says what the type means and nothing of how pydantic
says it (no generated titles, no null defaults, no references but recursive ones), so that a pydantic model and the
shorthand for the same thing have the same hash.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import JsonValue

from tegu.domain.errors import UsageError
from tegu.domain.json import JsonObject

_REFERENCE = "#/$defs/"
_NAMED_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "dependentSchemas"})


def schema_of(output_type: Any) -> JsonObject:
    """The JSON Schema of a pydantic model, dataclass, TypedDict or plain type. Raises UsageError for others."""
    from pydantic import PydanticUndefinedAnnotation, PydanticUserError

    try:
        generated = _generated(output_type)
    except (PydanticUndefinedAnnotation, PydanticUserError, TypeError) as error:
        shown = output_type.__name__ if isinstance(output_type, type) else f"{output_type!r:.60}"
        why = str(error).split("\n", 1)[0].split(". Set `", 1)[0]
        raise UsageError(
            f"{shown} is no type that can be written as JSON ({why:.120})",
            hint="use a pydantic model, a dataclass, a TypedDict, or str, int, list[...] and the like",
        ) from error
    return tidy(generated)


@cache
def _generated(output_type: Any) -> JsonObject:
    from pydantic import TypeAdapter

    return TypeAdapter(output_type).json_schema(mode="validation")


def tidy(schema: JsonObject) -> JsonObject:
    """A generated schema without what only the generator needs."""
    found = schema.get("$defs")
    definitions = found if isinstance(found, dict) else {}
    recursive = frozenset(name for name in definitions if _reaches(name, name, definitions))
    body = _tidied({key: item for key, item in schema.items() if key != "$defs"}, definitions, recursive)
    assert isinstance(body, dict)
    if not recursive:
        return body
    return {
        **body,
        "$defs": {name: _tidied(definitions[name], definitions, recursive) for name in sorted(recursive)},
    }


def _tidied(value: JsonValue, definitions: JsonObject, recursive: frozenset[str]) -> JsonValue:
    if isinstance(value, list):
        return [_tidied(item, definitions, recursive) for item in value]
    if not isinstance(value, dict):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str) and (name := reference.removeprefix(_REFERENCE)) not in recursive:
        target = definitions.get(name)
        beside = {key: item for key, item in value.items() if key != "$ref"}
        return _tidied({**(target if isinstance(target, dict) else {}), **beside}, definitions, recursive)
    found: JsonObject = {}
    for key, item in value.items():
        if key == "title" or (key == "default" and item is None):
            continue
        if key in _NAMED_SCHEMAS and isinstance(item, dict):
            found[key] = {name: _tidied(inner, definitions, recursive) for name, inner in item.items()}
        elif key in {"enum", "const", "default", "examples"}:
            found[key] = item
        else:
            found[key] = _tidied(item, definitions, recursive)
    return found


def _reaches(start: str, goal: str, definitions: Mapping[str, JsonValue]) -> bool:
    """Whether a definition refers to the goal, over any number of others."""
    seen: set[str] = set()
    left = [start]
    while left:
        for name in _references(definitions.get(left.pop())):
            if name == goal:
                return True
            if name not in seen:
                seen.add(name)
                left.append(name)
    return False


def _references(value: JsonValue) -> set[str]:
    found: set[str] = set()
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            reference = item.get("$ref")
            if isinstance(reference, str):
                found.add(reference.removeprefix(_REFERENCE))
            left.extend(item.values())
        elif isinstance(item, list):
            left.extend(item)
    return found
