"""The provider's form of a schema, and the way back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.llm.schema import validator
from tegu.llm.strict import as_author_meant, provider_schema

INVOICE: JsonObject = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "total": {"type": "number", "description": "with tax"},
        "paid": {"type": ["string", "null"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
    },
    "required": ["number"],
    "$defs": {
        "Line": {"type": "object", "properties": {"text": {"type": "string"}, "price": {"type": "number"}}}
    },
}


def test_every_property_is_required_and_optional_ones_take_null() -> None:
    form = provider_schema(INVOICE)
    assert form.strict
    assert form.schema == {
        "type": "object",
        "properties": {
            "number": {"type": "string"},
            "total": {"description": "with tax", "anyOf": [{"type": "number"}, {"type": "null"}]},
            "paid": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "lines": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Line"}}, {"type": "null"}]},
        },
        "required": ["number", "total", "paid", "lines"],
        "additionalProperties": False,
        "$defs": {
            "Line": {
                "type": "object",
                "properties": {
                    "text": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "price": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                },
                "required": ["text", "price"],
                "additionalProperties": False,
            }
        },
    }


def test_the_nulls_that_were_added_are_removed_and_others_stay() -> None:
    reply: JsonValue = {"number": "7", "total": None, "paid": None, "lines": [{"text": "Pen", "price": None}]}
    meant = as_author_meant(reply, INVOICE)
    assert meant == {"number": "7", "paid": None, "lines": [{"text": "Pen"}]}
    assert validator(INVOICE).problems(meant) == ()


def test_a_null_in_a_required_field_stays_and_is_refused() -> None:
    meant = as_author_meant({"number": None}, INVOICE)
    assert validator(INVOICE).problems(meant) == ("/number: None is not of type 'string'",)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"enum": ["a", "b"]},
        {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "null"}]},
        {"$ref": "#/$defs/List", "$defs": {"List": {"type": "array", "items": {"type": "integer"}}}},
    ],
)
def test_a_root_that_is_no_object_is_wrapped_and_opened_again(schema: JsonObject) -> None:
    form = provider_schema(schema)
    assert form.strict
    assert form.schema["type"] == "object"
    assert form.schema["required"] == ["value"]
    assert as_author_meant({"value": ["x"]}, schema) == ["x"]


def test_a_root_reference_is_replaced_by_what_it_names() -> None:
    form = provider_schema(
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"a": {"type": "string"}}}}}
    )
    assert form.strict
    assert "$ref" not in form.schema
    assert form.schema["required"] == ["a"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": {}}},
        {
            "type": "object",
            "properties": {"a": {"type": "object", "additionalProperties": {"type": "number"}}},
        },
        {"type": "object", "properties": {"a": {"type": "array"}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True},
        {"type": "object", "properties": {"a": {"allOf": [{"type": "string"}]}}},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]},
    ],
)
def test_a_schema_that_strict_mode_cannot_say_is_sent_as_it_is(schema: JsonObject) -> None:
    form = provider_schema(schema)
    assert not form.strict
    assert form.schema == schema


def test_a_union_is_told_apart_by_its_constants() -> None:
    branches: list[JsonObject] = [
        {
            "type": "object",
            "properties": {
                "kind": {"const": kind},
                "n": {"type": "number"},
                "m": {"type": ["number", "null"]},
            },
            "required": ["kind", *needed],
            "additionalProperties": False,
        }
        for kind, needed in (("a", ["n"]), ("b", []))
    ]
    schema: JsonObject = {"type": "object", "properties": {"it": {"oneOf": [*branches]}}, "required": ["it"]}
    assert provider_schema(schema).strict
    assert as_author_meant({"it": {"kind": "b", "n": None, "m": None}}, schema) == {
        "it": {"kind": "b", "m": None}
    }


def test_the_form_of_an_enum_with_null_has_a_type_per_branch() -> None:
    form = provider_schema(
        {"type": "object", "properties": {"a": {"type": ["string", "null"], "enum": ["x", None]}}}
    )
    assert form.schema["properties"] == {
        "a": {"anyOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}]}
    }


def test_a_recursive_schema_keeps_its_reference() -> None:
    tree: JsonObject = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name"],
    }
    form = provider_schema(tree)
    assert form.strict
    assert as_author_meant({"name": "a", "children": [{"name": "b", "children": None}]}, tree) == {
        "name": "a",
        "children": [{"name": "b"}],
    }


SCALARS: list[JsonObject] = [
    {"type": "string"},
    {"type": "integer"},
    {"type": "boolean"},
    {"enum": ["a", "b"]},
]
VALUES: dict[str, list[JsonValue]] = {"0": ["x"], "1": [4], "2": [True], "3": ["a", "b"]}


@given(
    kinds=st.lists(st.integers(0, 3), min_size=1, max_size=6),
    needed=st.sets(st.integers(0, 5)),
    given_fields=st.sets(st.integers(0, 5)),
    choice=st.integers(0, 1),
)
def test_what_obeys_the_author_survives_the_way_there_and_back(
    kinds: list[int], needed: set[int], given_fields: set[int], choice: int
) -> None:
    names = [f"f{index}" for index in range(len(kinds))]
    schema: JsonObject = {
        "type": "object",
        "properties": {name: SCALARS[kind] for name, kind in zip(names, kinds, strict=True)},
        "required": [name for index, name in enumerate(names) if index in needed],
        "additionalProperties": False,
    }
    value: JsonObject = {
        name: VALUES[str(kind)][choice % len(VALUES[str(kind)])]
        for index, (name, kind) in enumerate(zip(names, kinds, strict=True))
        if index in needed or index in given_fields
    }
    assert validator(schema).problems(value) == ()
    form = provider_schema(schema)
    said: JsonObject = {name: value.get(name) for name in names}
    assert form.strict
    assert validator(form.schema).problems(said) == ()
    assert as_author_meant(said, schema) == value
