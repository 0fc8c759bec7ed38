"""How an output becomes results."""

import pytest
from pydantic import JsonValue

from tegu.domain.errors import StageError
from tegu.pipeline.definition import ResultSpec, StageDefinition
from tegu.stages.kind import StageOutput
from tegu.stages.results import KEY_LENGTH_MAX, results_of

ITEMS = StageDefinition("items", "extract", result=ResultSpec(type="item", each="lines", key="sku"))


def keys(lines: JsonValue) -> list[str]:
    return [result.key for result in results_of(ITEMS, StageOutput({"lines": lines}))]


def test_keys_come_from_the_field_and_are_never_twice_the_same() -> None:
    assert keys([{"sku": "a"}, {"sku": "a"}, {"sku": 7}, {"sku": None}, {}, "text"]) == [
        "a", "a#2", "7", "3", "4", "5"
    ]  # fmt: skip


def test_a_key_that_is_a_novel_is_shortened_and_stays_different() -> None:
    long = keys([{"sku": "x" * 5000}, {"sku": "x" * 5001}, {"sku": {"b": 1, "a": "\x00"}}])
    assert all(len(key) <= KEY_LENGTH_MAX for key in long)
    assert len(set(long)) == 3


def test_a_missing_list_gives_no_results_and_something_else_is_an_error() -> None:
    assert results_of(ITEMS, StageOutput({"other": 1})) == ()
    assert results_of(ITEMS, StageOutput({"lines": None})) == ()
    with pytest.raises(StageError, match="is no list"):
        results_of(ITEMS, StageOutput({"lines": {"a": 1}}))


def test_without_a_split_the_output_is_the_result_under_the_stages_name() -> None:
    [result] = results_of(StageDefinition("facts", "extract"), StageOutput({"a": 1}))
    assert (result.type, result.key, result.data) == ("facts", "", {"a": 1})
