"""Values from schemas."""

import pytest
from jsonschema import Draft202012Validator

from tegu.domain.json import JsonObject
from tegu.testing.scripted.derive import derive, violate

SCHEMAS: list[JsonObject] = [
    {"type": "string", "minLength": 3},
    {"type": "string", "format": "date-time"},
    {"type": "string", "maxLength": 0},
    {"type": "integer", "minimum": 5},
    {"type": "integer", "exclusiveMinimum": 5, "maximum": 6},
    {"type": "number", "maximum": -1.5},
    {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
    {"type": ["string", "null"]},
    {"const": {"a": 1}},
    {"enum": ["b", "a"]},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 2},
    {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
        ]
    },
    {
        "type": "object",
        "properties": {"next": {"$ref": "#"}, "child": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["child"],
        "additionalProperties": False,
    },
    {"$defs": {"a/b": {"type": "string"}}, "type": "object", "properties": {"x": {"$ref": "#/$defs/a~1b"}}},
]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_derived_value_is_valid(schema: JsonObject) -> None:
    assert Draft202012Validator(schema).is_valid(derive(schema))  # pyright: ignore[reportUnknownMemberType] - its stubs


@pytest.mark.parametrize("schema", SCHEMAS[:-1])
def test_a_violating_value_is_not_valid(schema: JsonObject) -> None:
    assert not Draft202012Validator(schema).is_valid(violate(schema))  # pyright: ignore[reportUnknownMemberType]


def test_a_schema_that_no_finite_value_satisfies_still_ends() -> None:
    schema: JsonObject = {"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]}
    assert derive(schema) is not None


def test_the_simplest_object_has_only_what_is_required() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "label": {"enum": ["spam", "ham"]},
            "score": {"type": "number"},
            "note": {"type": "string"},
        },
        "required": ["label", "score"],
    }
    assert derive(schema) == {"label": "spam", "score": 0}
