"""What is another in one definition than in another."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.check import checked
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.difference import StageChange, WhatChanged, difference
from tegu.pipeline.document import load, to_document
from tegu.pipeline.edge_form import to_edge_form
from tegu.stages.registry import StageRegistry

CATALOG = StageRegistry()
STAGES: Mapping[str, JsonObject] = {
    "extract": {"uses": "extract", "with": {"instructions": "People.\nAmounts.\nDates."}},
    "classify": {
        "uses": "classify",
        "with": {"labels": {"support": "asks for help", "sales": "wants to buy"}},
    },
    "summarize": {"uses": "summarize", "inputs": ["source", "extract", "classify?"], "needs": ["check"]},
    "check": {
        "uses": "prompt",
        "with": {"instructions": "Is it spam?"},
        "when": "classify.category == 'support'",
        "needs": ["classify"],
    },
    "parts": {"uses": "split", "with": {"size": 500}},
    "each_part": {
        "uses": "extract",
        "inputs": ["item"],
        "each": {"over": "parts.chunks", "on_failure": "skip"},
    },
}


def defined(stages: Mapping[str, JsonValue] = STAGES, **head: JsonValue) -> PipelineDefinition:
    return checked(
        load({"tegu": 1, "name": "mails", "input": "content", "stages": {**stages}, **head}), CATALOG
    )


def changed(name: str, fields: JsonObject) -> PipelineDefinition:
    return defined({**STAGES, name: {**STAGES[name], **fields}})


def only(before: PipelineDefinition, after: PipelineDefinition) -> StageChange:
    (found,) = difference(before, after).stages
    return found


def test_equal_definitions_have_no_difference_whatever_the_order_of_their_stages() -> None:
    backwards = defined({name: STAGES[name] for name in [*STAGES][::-1]})
    found = difference(defined(), backwards)
    assert (found.fields, found.stages) == ((), ())


def test_instructions_are_compared_line_by_line() -> None:
    found = only(defined(), changed("extract", {"with": {"instructions": "People.\nMoney.\nDates."}}))
    (field,) = found.fields
    assert (found.change, field.path) == (WhatChanged.CHANGED, "with.instructions")
    assert [line for line in field.lines if line[0] in "+-"] == ["-Amounts.", "+Money."]


def test_labels_and_other_settings_are_told_one_by_one() -> None:
    labels: JsonObject = {"support": "needs help", "other": "anything else"}
    found = only(defined(), changed("classify", {"with": {"labels": labels}}))
    assert {(each.path, each.change.value) for each in found.fields} == {
        ("with.labels.support", "changed"),
        ("with.labels.other", "added"),
        ("with.labels.sales", "removed"),
    }


def test_wiring_flow_and_the_head_are_told() -> None:
    found = only(
        defined(), changed("summarize", {"inputs": ["source", "extract"], "join": "all", "retries": 5})
    )
    assert {each.path for each in found.fields} == {"inputs", "retries"}
    found = only(
        defined(),
        changed("each_part", {"each": {"over": "parts.chunks", "max_parallel": 3, "on_failure": "skip"}}),
    )
    assert [(each.path, each.before, each.after) for each in found.fields] == [("each.max_parallel", 10, 3)]
    head = difference(defined(), defined(model="rules", description="Mails."))
    assert {(each.path, each.change.value) for each in head.fields} == {
        ("model", "added"),
        ("description", "added"),
    }


def test_a_stage_that_only_has_another_name_is_renamed_and_its_readers_are_not_changed() -> None:
    stages = {("facts" if name == "extract" else name): entry for name, entry in STAGES.items()}
    stages["summarize"] = {**STAGES["summarize"], "inputs": ["source", "facts", "classify?"]}
    found = only(defined(), defined(stages))
    assert (found.stage, found.was, found.change, found.fields) == (
        "facts",
        "extract",
        WhatChanged.RENAMED,
        (),
    )


def test_what_came_and_went_is_told() -> None:
    without = {name: entry for name, entry in STAGES.items() if name not in {"parts", "each_part"}}
    assert {(each.stage, each.change) for each in difference(defined(), defined(without)).stages} == {
        ("parts", WhatChanged.REMOVED),
        ("each_part", WhatChanged.REMOVED),
    }
    assert {(each.stage, each.uses) for each in difference(defined(without), defined()).stages} == {
        ("parts", "split"),
        ("each_part", "extract"),
    }


def test_the_list_form_gives_the_same_hash_where_it_is_read() -> None:
    listed = to_edge_form(to_document(defined()))
    assert isinstance(listed["stages"], list)
    assert checked(load(listed), CATALOG).hash == defined().hash
    edges = listed["edges"]
    assert isinstance(edges, list)
    assert {"from": "classify", "to": "summarize"} in edges
    assert {"from": "parts", "to": "each_part"} in edges


@st.composite
def definitions(draw: st.DrawFn) -> PipelineDefinition:
    names = [f"s{i}" for i in range(draw(st.integers(1, 6)))]
    stages: dict[str, JsonValue] = {}
    for i, name in enumerate(names):
        before = st.lists(st.sampled_from(names[:i]), unique=True, max_size=3) if i else st.just([])
        inputs: list[JsonValue] = [*draw(st.sampled_from([["source"], []])), *draw(before)]
        marked: list[JsonValue] = [
            f"{each}?" if each != "source" and draw(st.booleans()) else each for each in inputs
        ]
        entry: JsonObject = {"uses": "summarize", "inputs": marked or ["source"]}
        if needs := [each for each in draw(before) if each not in inputs]:
            entry["needs"] = [*needs]
        if i and draw(st.booleans()):
            entry["when"] = "run.metadata != null"
        stages[name] = entry
    return defined(stages)


@given(definitions())
def test_any_pipeline_goes_through_every_form_and_keeps_its_hash(definition: PipelineDefinition) -> None:
    document = to_document(definition)
    assert checked(load(document), CATALOG).hash == definition.hash
    assert checked(load(to_edge_form(document)), CATALOG).hash == definition.hash


@given(definitions(), definitions())
def test_only_one_hash_has_no_difference_and_it_is_the_same_both_ways(
    first: PipelineDefinition, second: PipelineDefinition
) -> None:
    there, back = difference(first, second), difference(second, first)
    is_same = not there.fields and not there.stages
    assert is_same == (first.hash == second.hash)
    assert is_same == (not back.fields and not back.stages)
