"""Schemas and values, judged: what is said, and that nothing can hang."""

import time

import pytest

from tegu.domain.errors import DefinitionError
from tegu.domain.json import JsonObject
from tegu.llm.patterns import matches
from tegu.llm.schema import schema_problems, validator

PERSON: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


def test_a_value_that_obeys_has_no_problems() -> None:
    assert validator(PERSON).problems({"name": "Ada", "age": 36}) == ()


def test_every_problem_is_named_with_its_place() -> None:
    schema: JsonObject = {"type": "object", "properties": {"people": {"type": "array", "items": PERSON}}}
    problems = validator(schema).problems({"people": [{"age": -1}, {"name": "Ada", "mail": "a@b.c"}]})
    assert problems == (
        "/people/0/age: -1 is less than the minimum of 0",
        "/people/0: 'name' is a required property",
        "/people/1: 'mail' is not a field of this object",
    )


def test_a_place_is_a_json_pointer() -> None:
    schema: JsonObject = {"properties": {"a/b": {"properties": {"c~d": {"type": "string"}}}}}
    assert validator(schema).problems({"a/b": {"c~d": 1}}) == ("/a~1b/c~0d: 1 is not of type 'string'",)


def test_the_number_and_length_of_problems_are_bounded() -> None:
    schema: JsonObject = {"type": "array", "items": {"enum": ["x" * 50]}}
    problems = validator(schema).problems([f"{n}{'y' * 5000}" for n in range(500)])
    assert len(problems) == 20
    assert max(map(len, problems)) == 300


@pytest.mark.parametrize(
    ("format_name", "good", "bad"),
    [
        ("date", "2026-02-28", "28.2.2026"),
        ("date-time", "2026-02-28T10:00:00Z", "yesterday"),
        ("email", "a@b.c", "a"),
    ],
)
def test_formats_are_enforced(format_name: str, good: str, bad: str) -> None:
    judge = validator({"type": "string", "format": format_name})
    assert judge.problems(good) == ()
    assert judge.problems(bad) == (f"/: {bad!r} is not a '{format_name}'",)


def test_a_catastrophic_pattern_is_linear() -> None:
    judge = validator({"type": "string", "pattern": "^(a+)+$"})
    started = time.perf_counter()
    assert judge.problems("a" * 5000 + "!") != ()
    assert time.perf_counter() - started < 0.5


def test_a_catastrophic_pattern_on_a_property_name_is_linear() -> None:
    schema: JsonObject = {
        "patternProperties": {"^(a+)+$": {"type": "integer"}},
        "additionalProperties": False,
    }
    started = time.perf_counter()
    assert validator(schema).problems({"a" * 5000 + "!": 1}) != ()
    assert validator(schema).problems({"aa": "x"}) == ("/aa: 'x' is not of type 'integer'",)
    assert time.perf_counter() - started < 0.5


def test_a_pattern_is_searched_not_matched_from_the_start() -> None:
    assert matches("[0-9]+", "invoice 42") is True
    assert matches("^[0-9]+$", "invoice 42") is False


def test_a_text_too_long_for_its_pattern_is_refused_and_not_searched() -> None:
    (problem,) = validator({"pattern": "a"}).problems("b" * 20_001)
    assert "20001 characters" in problem


@pytest.mark.parametrize("pattern", ["(?=a)b", r"(a)\1", "(", "(a{100}){100}", "a" * 501])
def test_a_pattern_that_is_not_linear_is_a_problem_of_the_schema(pattern: str) -> None:
    (problem,) = schema_problems({"properties": {"x": {"type": "string", "pattern": pattern}}})
    assert problem.place == "/properties/x"
    assert problem.message.startswith(f"pattern {pattern!r} cannot be used: ")


def test_such_a_pattern_is_not_enforced_where_the_schema_is_not_the_users() -> None:
    assert validator({"type": "string", "pattern": "(?=a)b"}).problems("c") == ()


def test_items_are_compared_in_linear_time() -> None:
    judge = validator({"type": "array", "uniqueItems": True})
    started = time.perf_counter()
    assert judge.problems([{"n": n} for n in range(20_000)]) == ()
    assert judge.problems([{"n": 1}, {"n": 1}]) == ("/: has items that are not unique",)
    assert time.perf_counter() - started < 2


def test_a_recursive_union_is_cut_off() -> None:
    branches: list[JsonObject] = [
        {"properties": {"c": {"$ref": "#/$defs/n"}, name: {"const": 1}}, "required": [name]} for name in "xy"
    ]
    schema: JsonObject = {"$defs": {"n": {"anyOf": [*branches]}}, "$ref": "#/$defs/n"}
    value: JsonObject = {}
    for _ in range(45):
        value = {"c": value}
    started = time.perf_counter()
    assert validator(schema).problems(value) == ("/: too deep and too branched to be checked",)
    assert time.perf_counter() - started < 10


def test_a_value_that_is_nested_too_deep_is_refused() -> None:
    value: JsonObject = {}
    for _ in range(100):
        value = {"c": value}
    assert validator({}).problems(value) == ("/: nested more than 60 levels deep",)


def test_a_remote_reference_is_a_problem_and_never_fetched() -> None:
    schema: JsonObject = {"properties": {"a": {"$ref": "http://127.0.0.1:1/schema.json"}}}
    (problem,) = schema_problems(schema)
    assert problem.place == "/properties/a"
    with pytest.raises(DefinitionError, match="leads nowhere"):
        validator(schema)


def test_a_reference_in_a_circle_is_a_problem() -> None:
    schema: JsonObject = {
        "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/b"}]}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}},
        "properties": {"x": {"$ref": "#/$defs/a"}},
    }
    (problem,) = schema_problems(schema)
    assert "leads back to itself" in problem.message


def test_a_recursive_structure_is_no_circle() -> None:
    tree: JsonObject = {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#"}}},
    }
    assert schema_problems(tree) == ()
    assert validator(tree).problems({"children": [{"children": [3]}]}) == (
        "/children/0/children/0: 3 is not of type 'object'",
    )


def test_a_schema_that_is_none_is_refused_with_every_place() -> None:
    problems = schema_problems({"type": "strnig", "properties": {"a": {"minimum": "one"}}})
    assert {problem.place for problem in problems} == {"/type", "/properties/a/minimum"}


def test_a_keyword_that_is_not_enforced_is_reported() -> None:
    (problem,) = schema_problems({"unevaluatedProperties": False})
    assert problem.message == "keyword 'unevaluatedProperties' is not supported"


def test_a_schema_that_is_too_deep_or_too_large_is_refused() -> None:
    deep: JsonObject = {"type": "string"}
    for _ in range(50):
        deep = {"type": "array", "items": deep}
    assert "levels deep" in schema_problems(deep)[0].message
    assert "characters" in schema_problems({"enum": ["x" * 300_000]})[0].message


def test_references_that_double_at_every_step_are_refused_at_once() -> None:
    steps: JsonObject = {
        f"d{i}": {"allOf": [{"$ref": f"#/$defs/d{i + 1}"}, {"$ref": f"#/$defs/d{i + 1}"}]} for i in range(30)
    }
    schema: JsonObject = {
        "type": "object",
        "$defs": {**steps, "d30": {"type": "object"}},
        "properties": {"a": {"$ref": "#/$defs/d0"}},
    }
    (problem,) = schema_problems(schema)
    assert "unfold" in problem.message


def test_hundreds_of_heavy_patterns_are_refused_before_one_is_compiled() -> None:
    fields: JsonObject = {f"a{i}": {"type": "string", "pattern": rf"[\w{i}]{{1000}}"} for i in range(400)}
    (problem,) = schema_problems({"type": "object", "properties": fields})
    assert "400 different patterns" in problem.message
