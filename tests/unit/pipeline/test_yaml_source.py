import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from tegu.domain.json import JsonObject, storable_text
from tegu.pipeline.yaml_source import TEXT_LENGTH_MAX, parse_text, size_problems, write_yaml


def test_plain_values_mean_what_json_and_yaml_1_2_say() -> None:
    text = "a: no\nb: on\nc: 1.5\nd: 2026-11-23\ne: null\nf: ~\ng: 0o17\nh: '5'\ni: 1e3\nj: true\nk: 012\nl:"
    assert parse_text(text).data == {
        "a": "no",
        "b": "on",
        "c": 1.5,
        "d": "2026-11-23",
        "e": None,
        "f": None,
        "g": "0o17",
        "h": "5",
        "i": 1000.0,
        "j": True,
        "k": 12,
        "l": None,
    }


def test_a_question_mark_needs_no_quotes_in_a_flow_list() -> None:
    assert parse_text("{inputs: [source, classify?]}").data == {"inputs": ["source", "classify?"]}


def test_keys_are_text() -> None:
    assert parse_text("no: 1\n5: 2\nnull: 3").data == {"no": 1, "5": 2, "null": 3}


def test_lines_are_known_by_place() -> None:
    lines = parse_text("a:\n  b: 1\n  c:\n    - x\n    - y: 2\n").lines
    assert (lines["a.b"], lines["a.c[0]"], lines["a.c[1].y"]) == (2, 4, 5)


def test_a_key_that_stands_twice_is_reported_with_both_lines() -> None:
    parsed = parse_text("a: 1\nb: 2\na: 3\n")
    [problem] = parsed.problems
    assert (problem.place, problem.line, problem.hint) == ("a", 3, "it is already on line 1")
    assert parsed.data == {"a": 1, "b": 2}


def test_small_aliases_are_allowed() -> None:
    assert parse_text("a: &x [1, 2]\nb: *x").data == {"a": [1, 2], "b": [1, 2]}


BILLION = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (BILLION, "more than 50000 values"),
        ("a: &x [*x]", "stands for itself"),
        ("a: *nothing", "undefined alias|stands for itself"),
        ("[" * 100_000, "levels deep"),
        ("{a: " * 5000, "levels deep"),
        ('{"a":' * 60 + "1" + "}" * 60, "levels deep"),
        ("- " * 5000, "levels deep"),
        ("[" + "1," * 60_000 + "1]", "more than 50000 values"),
        ("x" * (TEXT_LENGTH_MAX + 1), "characters; at most"),
        ("a: !!python/object/apply:os.system [id]", "is not allowed"),
        ("a: !custom x", "is not allowed"),
        ("!!python/name:os.system a: x", "is not allowed"),
        ("a: 1\n---\nb: 2", "more than one document"),
        ("? [a]\n: b", "a key must be text"),
        ("a: b: c", "is no YAML"),
        ("a: [b", "is no YAML"),
        ("a: \x00", "is no YAML"),
        ("a: .inf", "not a finite number"),
        ("a: 1e999", "not a finite number"),
        ('{"a": NaN}', "no number"),
        ('{"a": 1, "a": 2}', "stands twice"),
    ],
)
def test_bombs_and_tricks_end_quickly_in_one_problem(text: str, part: str) -> None:
    began = time.perf_counter()
    problems = parse_text(text).problems
    assert time.perf_counter() - began < 2
    assert len(problems) == 1
    assert any(each in problems[0].message for each in part.split("|"))


def test_json_is_read_as_json() -> None:
    assert parse_text('{"a": "\\ud83e\\udd8e", "b": [1, null, true]}').data == {
        "a": "🦎",
        "b": [1, None, True],
    }


def test_yaml_in_braces_is_read_as_yaml() -> None:
    assert parse_text("{a: b}").data == {"a": "b"}


def test_a_syntax_error_has_its_line() -> None:
    [problem] = parse_text("a: 1\nb: [c\nd: 2\n").problems
    assert problem.line == 3


texts = st.text(max_size=40).map(storable_text)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(texts, values, max_size=4))
def test_what_is_written_is_read_back(data: dict[str, JsonValue]) -> None:
    parsed = parse_text(write_yaml(data))
    assert parsed.problems == ()
    assert parsed.data == (data or {})


@pytest.mark.parametrize(
    "text", ["1e3", "no", "0o17", "null", "~", "", " x", "a: b", "x\n", "x\ny", ".inf", "2026-01-01"]
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    data: JsonObject = {"a": text, "b": [text], text or "k": 1}
    assert parse_text(write_yaml(data)).data == data


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=80))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    parsed = parse_text(text)
    assert parsed.data is None or not any(
        problem.message.startswith("is no YAML") for problem in parsed.problems
    )


def test_half_a_surrogate_pair_is_a_problem() -> None:
    (problem,) = parse_text("name: a\ud800").problems
    assert "surrogate" in problem.message


@pytest.mark.parametrize(
    ("data", "wrong"), [({"retries": 10**5000}, "300 digits"), ({1: "a"}, "no text")], ids=["number", "key"]
)
def test_data_that_is_no_json_is_a_problem(data: dict[Any, Any], wrong: str) -> None:
    (problem,) = size_problems(data)
    assert wrong in problem.message
