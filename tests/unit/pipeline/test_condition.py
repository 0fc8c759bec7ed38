import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.pipeline.condition import LENGTH_MAX, compile_condition, syntax_hint
from tegu.pipeline.expression import FUNCTIONS

ROUTE: dict[str, JsonValue] = {"classify": {"category": "support", "confidence": 0.9}}


def failure(text: str, variables: dict[str, JsonValue]) -> ErrorInfo:
    answer = compile_condition(text).decide(variables)
    assert isinstance(answer, ErrorInfo)
    return answer


def test_a_condition_is_decided_from_stage_outputs() -> None:
    text = "classify.category == 'support' && classify.confidence > 0.7"
    assert compile_condition(text).decide(ROUTE) is True
    assert compile_condition(text.replace("0.7", "0.95")).decide(ROUTE) is False


def test_whole_numbers_and_fractions_compare() -> None:
    assert compile_condition("a.n > 1").decide({"a": {"n": 1.5}}) is True
    assert compile_condition("a.n == 2.0").decide({"a": {"n": 2}}) is True


def test_names_and_fields_are_known_before_it_is_decided() -> None:
    condition = compile_condition(
        "classify.category in ['a', 'b.c'] && has(extract.items) && size(content) > 0"
    )
    assert condition.names == {"classify", "extract", "content"}
    assert {(read.name, *read.fields) for read in condition.reads} == {
        ("classify", "category"),
        ("extract", "items"),
        ("content",),
    }


def test_the_variable_of_a_loop_is_no_name() -> None:
    condition = compile_condition(
        "extract.lines.exists(line, line.amount > 100 && line.tags.all(t, t != 'x'))"
    )
    assert condition.names == {"extract"}
    lines: JsonValue = [{"amount": 120, "tags": ["y"]}]
    assert condition.decide({"extract": {"lines": lines}}) is True


def test_a_missing_key_is_named() -> None:
    error = failure("classify.categry == 'x'", ROUTE)
    assert error.code == "condition_failed"
    assert "there is no key 'categry'" in error.message
    assert "has(" in (error.hint or "")


def test_a_missing_variable_is_named() -> None:
    assert "'other'" in failure("other.x", ROUTE).message


def test_null_and_wrong_types_are_explained() -> None:
    error = failure("classify.category > 5", ROUTE)
    assert "types do not fit" in error.message
    assert "null" in (failure("a.b == 1", {"a": None}).hint or "")


def test_an_answer_that_is_no_bool_is_no_answer() -> None:
    assert "neither true nor false" in failure("classify.category", ROUTE).message


def test_division_by_zero_and_overflow_fail_and_do_not_raise() -> None:
    assert "division by zero" in failure("1 / a.n == 1", {"a": {"n": 0}}).message
    assert "overflow" in failure("9223372036854775807 + a.n > 0", {"a": {"n": 1}}).message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("classify.category ==", "unexpected end"),
        ("a == 'x", "character 6"),
        ("a ==\n == b", "line 2"),
        ("", "unexpected end"),
        ("x" * (LENGTH_MAX + 1), f"at most {LENGTH_MAX}"),
        ("\ud800", "no valid text"),
        ("a.map(x, x) == []", "no function 'map'"),
        ("a.startswith('x')", "did you mean 'startsWith'"),
        ("import('os')", ""),
        ("a.all(x, b.c == x)", "only its variable 'x'"),
        ("a.all(x, x in a)", "not 'a'"),
        ("&& ".join(["a.all(x, x) "] * 6), "6 loops"),
        ("(" * 400 + "1" + ")" * 400, ""),
    ],
)
def test_what_is_no_bounded_expression_is_refused_with_its_place(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        compile_condition(text)
    assert part in str(caught.value)


def test_text_in_an_expression_is_not_read_as_names_or_loops() -> None:
    condition = compile_condition(r"""a.x == "b.all(y, c)" || a.x == 'it\'s d.e' || a.x == r'\' // && f.g""")
    assert condition.names == {"a"}
    assert not condition.has_loops


def test_a_loop_over_very_many_values_is_refused_when_it_is_decided() -> None:
    values: list[JsonValue] = list(range(100_000))
    began = time.perf_counter()
    assert "at most" in failure("a.all(x, x >= 0)", {"a": values}).message
    assert time.perf_counter() - began < 0.5


def test_a_regular_expression_runs_in_linear_time() -> None:
    began = time.perf_counter()
    assert compile_condition("a.matches('^(x+)+$')").decide({"a": "x" * 5000 + "y"}) is False
    assert time.perf_counter() - began < 0.5


SAMPLES = {
    "size": "size(a.s) == 3",
    "has": "has(a.s)",
    "all": "a.l.all(x, x > 0)",
    "exists": "a.l.exists(x, x == 1)",
    "exists_one": "a.l.exists_one(x, x == 1)",
    "filter": "size(a.l.filter(x, x > 1)) == 1",
    "contains": "a.s.contains('b')",
    "startsWith": "a.s.startsWith('a')",
    "endsWith": "a.s.endsWith('c')",
    "matches": "a.s.matches('a.c')",
    "int": "int('5') == 5",
    "uint": "uint(5) == 5u",
    "double": "double('1.5') == 1.5",
    "string": "string(5) == '5'",
    "bytes": "size(bytes('ab')) == 2",
    "type": "type(a.s) == string",
    "duration": "duration('1h') > duration('30m')",
    "timestamp": "timestamp(a.t) < timestamp('2027-01-01T00:00:00Z')",
    "getFullYear": "timestamp(a.t).getFullYear() == 2026",
    "getMonth": "timestamp(a.t).getMonth() == 10",
    "getDate": "timestamp(a.t).getDate() == 23",
    "getDayOfMonth": "timestamp(a.t).getDayOfMonth() == 22",
    "getDayOfWeek": "timestamp(a.t).getDayOfWeek() == 1",
    "getDayOfYear": "timestamp(a.t).getDayOfYear() > 300",
    "getHours": "timestamp(a.t).getHours() == 4",
    "getMinutes": "timestamp(a.t).getMinutes() == 5",
    "getSeconds": "timestamp(a.t).getSeconds() == 6",
    "getMilliseconds": "timestamp(a.t).getMilliseconds() == 0",
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_that_is_allowed_works(name: str) -> None:
    a: JsonValue = {"s": "abc", "l": [1, 2], "t": "2026-11-23T04:05:06Z"}
    assert compile_condition(SAMPLES[name]).decide({"a": a}) is True


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_no_text_makes_the_compiler_raise_anything_but_value_error(text: str) -> None:
    try:
        condition = compile_condition(text)
    except ValueError:
        return
    assert isinstance(condition.decide({}), bool | ErrorInfo)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("classify.category = 'support'", "== to compare"),
        ("a.b == 'this and that' and a.c", "&& instead of and"),
        ("a.b or a.c", "|| instead of or"),
        ("not a.b", "! instead of not"),
    ],
)
def test_the_words_of_other_languages_are_told_in_cels(text: str, meant: str) -> None:
    assert syntax_hint(text) == f"write {meant}"


def test_words_within_quotes_are_no_words_of_the_condition() -> None:
    assert "CEL" in syntax_hint("a.b == 'not = this or that' &&")
