from datetime import date
from decimal import Decimal
from typing import Any, Literal

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, JsonValue

from tegu.domain.json import JsonObject, json_hash
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.shorthand import DEPTH_MAX, is_json_schema, optional, to_json_schema


def schema(value: JsonValue) -> JsonObject:
    found, problems = to_json_schema(value, "schema")
    assert problems == ()
    Draft202012Validator.check_schema(found)
    return found


def accepts(checked: JsonObject, value: JsonValue) -> bool:
    validator: Any = Draft202012Validator(checked)
    return validator.is_valid(value)


def only_problem(value: JsonValue) -> tuple[str, str, str]:
    [problem] = to_json_schema(value, "schema")[1]
    return problem.place, problem.message, problem.hint or ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("str", {"type": "string"}),
        ("int", {"type": "integer"}),
        ("float", {"type": "number"}),
        ("bool", {"type": "boolean"}),
        ("date", {"type": "string", "format": "date"}),
        ("datetime", {"type": "string", "format": "date-time"}),
        ("email", {"type": "string", "format": "email"}),
        ("url", {"type": "string", "format": "uri"}),
        ("any", {}),
        ("list[str]", {"type": "array", "items": {"type": "string"}}),
        ("list[list[int]]", {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}),
        ("a | b|c", {"type": "string", "enum": ["a", "b", "c"]}),
        ("enum: a | b", {"type": "string", "enum": ["a", "b"]}),
        ("str - its number", {"type": "string", "description": "its number"}),
        ("a | b - which of them", {"type": "string", "enum": ["a", "b"], "description": "which of them"}),
    ],
)
def test_a_type_is_a_word(text: str, expected: JsonObject) -> None:
    assert schema(text) == expected


def test_a_question_mark_makes_a_field_optional_and_nullable() -> None:
    found = schema({"number": "str", "due": "date? - when", "seller?": {"name": "str"}})
    assert found["required"] == ["number"]
    properties = found["properties"]
    assert isinstance(properties, dict)
    date_or_null: JsonValue = [{"type": "string", "format": "date"}, {"type": "null"}]
    assert properties["due"] == {"anyOf": date_or_null, "description": "when"}
    checked = found
    assert accepts(checked, {"number": "1"})
    assert accepts(checked, {"number": "1", "due": None, "seller": None})
    assert not accepts(checked, {"number": None})


def test_money_is_an_amount_as_number_or_decimal_text_with_a_currency_if_known() -> None:
    checked = schema("money")
    assert accepts(checked, {"amount": "12.50", "currency": "EUR"})
    assert accepts(checked, {"amount": 12.5})
    assert accepts(checked, {"amount": -3, "currency": None})
    assert not accepts(checked, {"amount": "12,50"})
    assert not accepts(checked, {"currency": "EUR"})


def test_a_list_of_one_entry_is_a_list_of_objects() -> None:
    found = schema({"lines": [{"text": "str", "amount": "money"}]})
    assert accepts(found, {"lines": [{"text": "x", "amount": {"amount": 1}}]})


def test_json_schema_is_passed_through_untouched() -> None:
    written: JsonObject = {"type": "object", "properties": {"a": {"enum": [1, 2]}}, "$comment": "mine"}
    assert schema(written) is written
    nested = schema({"a": {"anyOf": [{"type": "string"}, {"type": "number"}]}})
    assert nested["properties"] == {"a": {"anyOf": [{"type": "string"}, {"type": "number"}]}}


def test_a_field_called_type_is_a_field() -> None:
    found = schema({"type": "str", "properties": "list[str]"})
    assert found["required"] == ["type", "properties"]
    assert not is_json_schema({"type": "str"})
    assert is_json_schema({"type": "string"})


@pytest.mark.parametrize(
    ("value", "place", "message", "hint"),
    [
        ({"a": "strr"}, "schema.a", "there is no type 'strr'", "did you mean 'str'?"),
        ({"a": "list[nope]"}, "schema.a", "there is no type 'nope'", "types are"),
        ({"a": "list[str?]"}, "schema.a", "cannot be optional", "list[...]?"),
        ({"a": "str | int"}, "schema.a", "mixes types", "anyOf"),
        ({"a": "x | x"}, "schema.a", "repeated", ""),
        ({"a": 5}, "schema.a", "5 is no type", ""),
        ({"a": ["str", "int"]}, "schema.a", "one entry", ""),
        ({"a b": "str"}, "schema.a b", "no name of a field", ""),
        ({"a": {}}, "schema.a", "no fields", ""),
        (None, "schema", "None is no type", ""),
    ],
)
def test_what_is_no_type_is_reported_with_its_place(
    value: JsonValue, place: str, message: str, hint: str
) -> None:
    found = only_problem(value)
    assert found[0] == place
    assert message in found[1]
    assert hint in found[2]


def test_all_problems_of_a_schema_are_reported_at_once() -> None:
    problems = to_json_schema({"a": "strr", "b": {"c": "datee"}, "d": 1}, "schema")[1]
    assert [each.place for each in problems] == ["schema.a", "schema.b.c", "schema.d"]


def test_a_schema_that_is_too_deep_or_too_wide_is_refused() -> None:
    deep: JsonValue = "str"
    for _ in range(DEPTH_MAX + 1):
        deep = {"a": deep}
    assert "levels deep" in only_problem(deep)[1]
    assert "fields" in only_problem({f"f{i}": "str" for i in range(201)})[1]
    assert "levels deep" in only_problem("list[" * 5000 + "str" + "]" * 5000)[1]


def test_optional_adds_null_once_to_a_union() -> None:
    union: JsonObject = {"anyOf": [{"type": "string"}, {"type": "number"}]}
    assert optional(union) == {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]}


class Line(BaseModel):
    text: str
    amount: float | None = None


class Invoice(BaseModel):
    title: str
    kind: Literal["invoice", "receipt"]
    due: date | None = Field(None, description="when it must be paid")
    lines: list[Line]


class Tree(BaseModel):
    children: list["Tree"] = []


def test_a_pydantic_model_and_the_shorthand_for_it_have_one_hash() -> None:
    shorthand = schema(
        {
            "title": "str",
            "kind": "invoice | receipt",
            "due": "date? - when it must be paid",
            "lines": [{"text": "str", "amount": "float?"}],
        }
    )
    assert json_hash(schema_of(Invoice)) == json_hash(shorthand)


def test_a_recursive_model_keeps_its_reference() -> None:
    found = schema_of(Tree)
    assert found["$defs"] == {
        "Tree": {
            "type": "object",
            "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}, "default": []}},
        }
    }
    assert accepts(found, {"children": [{"children": []}]})


def test_plain_types_have_schemas_too() -> None:
    assert schema_of(str) == {"type": "string"}
    assert schema_of(list[int]) == {"type": "array", "items": {"type": "integer"}}
    assert "anyOf" in schema_of(Decimal)
