"""The wrapped schema, and paths as models write them."""

import pytest

from tegu.domain.content import Document
from tegu.domain.evidence import EvidenceStatus, Quote
from tegu.domain.json import JsonObject, canonical_json
from tegu.llm.schema import schema_problems, validator
from tegu.llm.strict import provider_schema
from tegu.stages.evidence import QUOTE_LENGTH_MAX, checked, pointer_into, unwrapped, wrapped
from tegu.stages.inputs import TextInput

OUTPUT: JsonObject = {"people": [{"name": "Ann"}, {"name": "Bob"}], "a/b": 1, "output": {"x": 2}}
TREE: JsonObject = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
    "required": ["name", "children"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("written", "pointer"),
    [
        ("/people/0/name", "/people/0/name"),
        ("people/1/name", "/people/1/name"),
        ("people[0].name", "/people/0/name"),
        ("$.people[1]['name']", "/people/1/name"),
        ("/output/people/0", "/people/0"),
        ("#/output/people/0", "/people/0"),
        ("/output/x", "/output/x"),
        ("/a~1b", "/a~1b"),
        ("", ""),
        ("/people/7", None),
        ("/nobody", None),
        ("/people/0/name/first", None),
    ],
)
def test_a_path_is_read_as_it_was_meant_or_leads_nowhere(written: str, pointer: str | None) -> None:
    assert pointer_into(OUTPUT, written) == pointer


def test_a_schema_that_refers_to_itself_means_the_same_when_it_is_wrapped() -> None:
    before = canonical_json(TREE)
    form = wrapped(TREE)
    assert schema_problems(form) == ()
    leaf: JsonObject = {"name": "b", "children": []}
    good: JsonObject = {"output": {"name": "a", "children": [leaf]}, "evidence": []}
    bad: JsonObject = {"output": {"name": "a", "children": [{"name": 3, "children": []}]}, "evidence": []}
    assert validator(form).problems(good) == ()
    assert validator(form).problems(bad)
    assert provider_schema(form).strict
    assert canonical_json(TREE) == before


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"$ref": "#/$defs/Output", "$defs": {"Output": {"type": "string"}}},
        {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}},
            "required": ["a", "b"],
        },
    ],
)
def test_every_schema_can_be_wrapped(schema: JsonObject) -> None:
    form = wrapped(schema)
    assert schema_problems(form) == ()
    values: JsonObject = {"array": ["x"], "object": {"a": "x", "b": "y"}}
    value = values.get(str(schema.get("type")), "x")
    assert validator(form).problems({"output": value, "evidence": [{"path": "/", "quote": "q"}]}) == ()
    assert validator(form).problems({"output": 3, "evidence": []})


def test_a_wrapped_reply_comes_apart_into_output_and_quotes() -> None:
    value, quotes = unwrapped({"output": {"a": 1}, "evidence": [{"path": "/a", "quote": "one"}]})
    assert (value, quotes) == ({"a": 1}, (Quote("/a", "one"),))


def test_an_empty_quote_and_an_endless_one_are_not_found() -> None:
    text = TextInput("source", Document("some text"), "some text", "hash")
    spans = checked([Quote("/people", " "), Quote("/people", "x" * 100_000)], [text], OUTPUT)
    assert [span.status for span in spans] == [EvidenceStatus.NOT_FOUND] * 2
    assert len(spans[1].quote) == QUOTE_LENGTH_MAX


def test_a_quote_that_stands_in_the_list_twice_is_kept_once() -> None:
    text = TextInput("source", Document("Ann and Bob"), "Ann and Bob", "hash")
    spans = checked([Quote("/people/0", "Ann"), Quote("people.0", "Ann")], [text], OUTPUT)
    assert [(span.path, span.start, span.end) for span in spans] == [("/people/0", 0, 3)]
