"""Collecting, merging and deduping outputs: what comes out, who said what, and what is refused."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from stage_support import Bench, task_of

from tegu.domain.json import JsonObject
from tegu.pipeline.definition import StageDefinition
from tegu.pipeline.task import StageTask
from tegu.stages import placed
from tegu.stages.dedupe import normalized
from tegu.stages.merging import MergeRules, Merging
from tegu.stages.parts import stable_json
from tegu.stages.placed import Placed
from tegu.stages.registry import StageRegistry

ANNA: JsonObject = {"name": "Anna Lind", "city": "Kiel", "tags": ["a", "b"]}
BORIS: JsonObject = {"name": "Boris", "city": "Bonn", "tags": []}


def task(uses: str, config: JsonObject, outputs: Mapping[str, JsonValue]) -> StageTask:
    upstream = tuple(StageDefinition(name, "extract") for name in outputs)
    stage = StageDefinition("gather", uses, config, tuple(outputs))
    return task_of(stage, upstream=upstream, outputs=outputs, model=None)


async def gathered(uses: str, config: JsonObject, /, **outputs: Any) -> Any:
    return (await Bench().completed(task(uses, config, outputs))).output


async def refused(uses: str, config: JsonObject, /, **outputs: Any) -> str:
    failed = await Bench().failed(task(uses, config, outputs))
    assert failed.error.hint
    return failed.error.code


async def test_the_outputs_of_a_map_become_one_list_without_what_was_skipped() -> None:
    found = await gathered(
        "collect", {"take": "people"}, extract=[{"people": [1, 2]}, None, {"people": [3]}, {}]
    )
    assert found == {"items": [1, 2, 3], "count": 3, "dropped": 2}


async def test_the_outputs_of_several_stages_are_gathered_in_the_order_wired() -> None:
    assert (await gathered("collect", {}, one=ANNA, two=None, three=BORIS))["items"] == [ANNA, BORIS]
    kept = await gathered("collect", {"drop_nulls": False, "flatten": False}, one=[1, [2]], two=None)
    assert kept == {"items": [[1, [2]], None], "count": 2, "dropped": 0}
    assert (await gathered("collect", {}, one=[1, [2]], two=3))["items"] == [1, 2, 3]


async def test_an_object_has_the_names_of_the_stages() -> None:
    assert await gathered("collect", {"form": "object"}, one=ANNA, two=None) == {"one": ANNA}
    taken = await gathered("collect", {"form": "object", "take": "city"}, one=ANNA, two=[BORIS, {}])
    assert taken == {"one": "Kiel", "two": ["Bonn"]}
    assert await gathered("collect", {"form": "object", "drop_nulls": False}, two=None) == {"two": None}


async def test_the_run_s_text_is_not_collected() -> None:
    bench = Bench()
    failed = await bench.failed(
        task_of(StageDefinition("gather", "collect"), content=bench.store.add(b"A text."), model=None)
    )
    assert failed.error.code == "wrong_input"


async def test_a_merge_keeps_what_the_first_knows_and_says_who_disagrees() -> None:
    first: JsonObject = {"total": 10, "vat": None, "seller": {"name": "ACME", "city": None}, "lines": [1, 2]}
    second: JsonObject = {"total": 12, "vat": 2, "seller": {"name": "ACME", "city": "Kiel"}, "lines": [2, 3]}
    found = await gathered("merge", {}, cheap=first, dear=second)
    assert found["value"] == {
        "total": 10,
        "vat": 2,
        "seller": {"name": "ACME", "city": "Kiel"},
        "lines": [1, 2, 3],
    }
    assert found["conflicts"] == [
        {
            "path": "/total",
            "kept": "cheap",
            "values": [{"source": "cheap", "value": 10}, {"source": "dear", "value": 12}],
        }
    ]
    assert found["conflict_count"] == 1
    last = await gathered("merge", {"prefer": "last", "lists": "choose"}, cheap=first, dear=second)
    assert (last["value"]["total"], last["value"]["vat"], last["value"]["lines"]) == (12, 2, [2, 3])
    assert {each["path"] for each in last["conflicts"]} == {"/total", "/lines"}


async def test_the_items_of_a_map_are_merged_and_named_by_their_index() -> None:
    found = await gathered(
        "merge", {"take": "facts"}, extract=[{"facts": {"a": 1}}, None, {"facts": {"a": 2, "b": 3}}]
    )
    assert found["value"] == {"a": 1, "b": 3}
    assert found["conflicts"][0]["kept"] == "extract/0/facts"
    assert found["conflicts"][0]["values"][1] == {"source": "extract/2/facts", "value": 2}


async def test_one_is_no_conflict_with_one_point_zero_and_nothing_merges_to_nothing() -> None:
    found = await gathered("merge", {}, a={"total": 1}, b={"total": 1.0})
    assert found["conflicts"] == []
    assert (await gathered("merge", {}, a=None, b=None))["value"] == {}


async def test_equal_items_are_one_and_their_places_are_told() -> None:
    found = await gathered("dedupe", {}, collect={"items": [ANNA, BORIS, {**ANNA}], "count": 3})
    assert found == {"items": [ANNA, BORIS], "count": 2, "duplicates": [{"item": 0, "found_at": [0, 2]}]}


async def test_items_are_told_apart_by_their_key_without_what_makes_no_difference() -> None:
    people: list[JsonValue] = [
        {"name": "José  Núñez", "city": None},
        {"name": "jose nunez", "city": "Bonn"},
        {"name": None, "city": "Kiel"},
        {"name": None, "city": "Kiel"},
        {"name": "", "city": "Ulm"},
    ]
    config: JsonObject = {"path": "people", "key": ["name"], "normalize": ["case", "space", "accents"]}
    found = await gathered("dedupe", config, extract={"people": people})
    assert found["items"] == [people[0], *people[2:]]
    merged = await gathered("dedupe", {**config, "keep": "merge"}, extract={"people": people})
    assert merged["items"][0] == {"name": "José  Núñez", "city": "Bonn"}
    last = await gathered("dedupe", {**config, "keep": "last"}, extract={"people": people})
    assert last["items"][0] == people[1]


async def test_what_cannot_be_gathered_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await refused("merge", {}, a={"x": 1}, b=3) == "wrong_input"
    assert await refused("dedupe", {}, a=[1], b=[2]) == "wrong_input"
    assert await refused("dedupe", {"path": "people"}, a={"people": 3}) == "wrong_input"
    assert await refused("dedupe", {"key": ["a..b"]}, a=[1]) == "bad_config"
    assert await refused("collect", {}, a=[None] * 0 + [0] * (placed.ITEMS_MAX + 1)) == "too_many_items"
    assert await refused("dedupe", {}, a=[0] * (placed.ITEMS_MAX + 1)) == "too_many_items"


TEXT: JsonObject = {"type": "string"}
PERSON: JsonObject = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name"],
}
FOUND: JsonObject = {"type": "object", "properties": {"people": {"type": "array", "items": PERSON}}}
MAPPED: JsonObject = {"type": "array", "items": {"anyOf": [FOUND, {"type": "null"}]}}


def derived(uses: str, config: JsonObject, **inputs: JsonObject) -> Any:
    return cast("Any", StageRegistry().output_schema(uses, config, inputs))["properties"]


def test_what_is_known_of_the_inputs_is_known_of_the_output() -> None:
    assert derived("collect", {"take": "people"}, extract=MAPPED)["items"]["items"] == PERSON
    assert derived("collect", {}, one=PERSON, two=TEXT)["items"]["items"] == {"anyOf": [PERSON, TEXT]}
    assert derived("collect", {"form": "object"}, one=PERSON) == {"one": PERSON}
    assert derived("dedupe", {"path": "people"}, extract=FOUND)["items"]["items"] == PERSON
    collected: JsonObject = {"type": "object", "properties": {"items": {"type": "array", "items": PERSON}}}
    assert derived("dedupe", {}, collect=collected)["items"]["items"] == PERSON
    other: JsonObject = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "city": {"type": "string"}},
        "required": ["name", "city"],
    }
    merged = derived("merge", {}, one=PERSON, two=other)["value"]
    assert (list(merged["properties"]), merged["required"]) == (["name", "age", "city"], ["name"])
    assert derived("merge", {"take": "people"}, extract=MAPPED)["value"]["required"] == ["name"]


def test_what_is_not_known_is_left_open() -> None:
    recursive: JsonObject = {"type": "array", "items": {"$ref": "#/$defs/Node"}, "$defs": {"Node": PERSON}}
    unknowns: tuple[JsonObject, ...] = ({}, recursive, {"type": "array"})
    for unknown in unknowns:
        assert derived("collect", {}, one=unknown)["items"] == {"items": {}, "type": "array"}
    assert derived("merge", {}, one={}, two=PERSON)["value"] == {"type": "object"}


SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["a", "b", ""])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3), min_size=1, max_size=4)


def merge(objects: list[dict[str, Any]], **rules: Any) -> tuple[JsonValue, int]:
    merging = Merging(MergeRules(**rules))
    value = merging.merged([Placed(each, f"s{i}") for i, each in enumerate(objects)])
    return value, merging.conflict_count


@given(OBJECTS)
def test_merging_what_agrees_changes_nothing_and_null_says_nothing(objects: list[dict[str, Any]]) -> None:
    one = objects[0]
    again, conflicts = merge([one, one], lists="choose")
    assert (again, conflicts) == (one, 0)
    with_nulls, _ = merge([{}, one, dict.fromkeys(one)], lists="choose")
    assert with_nulls == one


@given(OBJECTS)
def test_who_is_preferred_decides_only_where_they_disagree(objects: list[dict[str, Any]]) -> None:
    first, conflicts = merge(objects, lists="choose")
    last, as_many = merge(objects, prefer="last", lists="choose")
    assert conflicts == as_many
    if not conflicts:
        assert first == last
    backwards, _ = merge(objects[::-1], prefer="last", lists="choose")
    assert backwards == first


@given(st.lists(VALUES, max_size=12))
def test_deduping_twice_finds_nothing_more_and_loses_nothing(values: list[Any]) -> None:
    once = asyncio.run(gathered("dedupe", {}, all=values))
    assert {stable_json(each) for each in once["items"]} == {stable_json(each) for each in values}
    again = asyncio.run(gathered("dedupe", {}, all=once["items"]))
    assert (again["items"], again["duplicates"]) == (once["items"], [])
    for value in values:
        plain = normalized(value, {"case", "space", "punctuation", "accents"})
        assert normalized(plain, {"case", "space", "punctuation", "accents"}) == plain


@given(st.lists(st.lists(VALUES, max_size=3), max_size=4))
def test_what_is_collected_flat_is_in_the_order_in_which_it_stands(values: list[Any]) -> None:
    found = [each.value for each in placed.flat(Placed(cast("JsonValue", values), "all"))]
    assert found == [*_leaves(values)]


def _leaves(value: list[Any]) -> list[Any]:
    found: list[Any] = []
    for item in value:
        found += _leaves(cast("list[Any]", item)) if isinstance(item, list) else [item]
    return found


@pytest.mark.parametrize(("uses", "config"), [("dedupe", {"normalize": ["case"]}), ("merge", {})])
async def test_others_go_on_while_a_long_list_is_gone_through(uses: str, config: JsonObject) -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    going_on = asyncio.create_task(others())
    found: list[JsonValue] = [
        {"name": f"Name {number % 20_000}", "number": number} for number in range(60_000)
    ]
    await gathered(uses, config, found=found)
    going_on.cancel()
    assert turns > 50
