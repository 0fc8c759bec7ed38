"""The wrapped schema, and paths as models write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tegu.domain.content import Document
from tegu.domain.evidence import PLACES_MAX, EvidenceStatus, Quote, verify
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


TEXTS = st.text(alphabet="ab1.,- \n\u00e9\U0001f600", max_size=60)


@given(TEXTS, st.text(alphabet="ab1.,- ", max_size=3), st.none() | st.integers(-5, 70))
def test_the_text_at_a_verified_span_is_the_quote(text: str, words: str, start: int | None) -> None:
    span = verify(Quote("", words, start), text)
    assert (span.status is EvidenceStatus.VERIFIED) == (bool(words.strip()) and words in text)
    if span.status is EvidenceStatus.VERIFIED:
        assert span.start is not None
        assert text[span.start : span.end] == words


@given(TEXTS, st.integers(0, 59), st.integers(1, 5))
def test_a_claimed_place_is_kept(text: str, start: int, length: int) -> None:
    words = text[start : start + length]
    if words.strip():
        assert verify(Quote("", words, start), text).start == start


@pytest.mark.parametrize(
    ("words", "text", "start"),
    [
        ("1", "Speicherstrasse 14, grinder 1 129.00", 28),
        ("1", "1.50 and 2,1 and 2026-03-1 and 1, too", 31),
        ("2", "12 and 2.", 7),
        ("Ann", "Annual fee, Joann, Ann", 19),
        ("1", "14 and 21", 0),
        ("EUR", "EUR 1.00 and EUR 2.00", 0),
        ("(a)", "x(a)x", 1),
    ],
)
def test_a_quote_without_a_place_stands_for_itself_where_it_can(words: str, text: str, start: int) -> None:
    assert verify(Quote("", words), text).start == start


def test_a_wrong_place_is_not_believed() -> None:
    assert verify(Quote("", "Bob", 0), "Ann and Bob").start == 8
    assert verify(Quote("", "Ann", 10**30), "Ann and Bob").start == 0


def test_only_so_many_places_of_a_quote_are_looked_at() -> None:
    assert verify(Quote("", "1"), "11" * PLACES_MAX + " 1").start == 0


def test_a_place_counts_from_the_stretch_that_the_model_got_and_a_span_from_the_whole_text() -> None:
    stretch = TextInput("parse", Document("Ann, Ann"), "Ann, Ann", "hash", start=100)
    spans = checked([Quote("/people/0", "Ann", 5)], [stretch], OUTPUT)
    assert [(span.start, span.end) for span in spans] == [(105, 108)]


def test_a_place_is_one_of_the_text_that_is_named_source() -> None:
    first = TextInput("page_one", Document("Bob, Ann"), "Bob, Ann", "hash")
    source = TextInput("source", Document("Cal, Ann"), "Cal, Ann, Ann", "hash", start=50)
    placed = checked([Quote("/people/0", "Ann", 10)], [first, source], OUTPUT)
    assert [(span.start, span.end) for span in placed] == [(60, 63)]
    elsewhere = checked([Quote("/people/1", "Bob", 0)], [first, source], OUTPUT)
    assert [(span.start, span.end) for span in elsewhere] == [(0, 3)]
