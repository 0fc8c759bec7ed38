"""The words of a stage's entry that say how it takes part in a run: read, refused, written, hashed."""

from typing import Any

import pytest
from jsonschema import Draft7Validator
from pipeline_support import Kinds
from pydantic import JsonValue

from tegu.domain.errors import Problem
from tegu.pipeline.check import check
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.document import load, to_document, to_yaml
from tegu.pipeline.document_schema import document_schema
from tegu.pipeline.flow import EachSpec
from tegu.stages.registry import StageRegistry

FULL = """
name: full
deadline_s: 3600
priority: high
output: answer
stages:
  people: {uses: extract}
  route: {uses: classify, with: {labels: [a, b]}, deadline_s: 60, retries: {default: 1, timeout: 5}}
  letter: {uses: summarize, inputs: [source, people], when: route.category == 'a', needs: [route], on_failure: mend}
  other: {uses: summarize, else_of: [letter]}
  mend: {uses: summarize, inputs: [source, "letter?"]}
  each: {uses: summarize, inputs: [], each: {over: people.entities, max_parallel: 4, on_failure: {at_most: 0.2}}}
  answer: {uses: summarize, inputs: ["letter?", "other?"], join: any, cancels: [each], on_failure: continue}
"""


def problems_of(entry: dict[str, JsonValue], **head: JsonValue) -> dict[str, Problem]:
    document: dict[str, JsonValue] = {"stages": {"a": {"uses": "extract"}, "b": {"uses": "extract", **entry}}}
    return {problem.place: problem for problem in check({**document, **head}, Kinds())[1]}


def definition_of(text: str) -> PipelineDefinition:
    definition, problems = check(load(text), Kinds())
    assert definition is not None, problems
    return definition


def test_every_word_is_read() -> None:
    full = definition_of(FULL)
    assert (full.deadline_s, full.priority, full.output) == (3600, 3, "answer")
    route = full.stage("route")
    assert (route.deadline_s, route.retries, route.retries_by_code) == (60, 1, {"timeout": 5})
    assert (route.retries_after("timeout"), route.retries_after("rate_limited")) == (5, 1)
    assert full.stage("letter").handler == "mend"
    assert full.stage("other").else_of == ("letter",)
    assert full.stage("each").each == EachSpec("people.entities", 4, 0.2)
    assert full.stage("each").inputs == ("item",)
    answer = full.stage("answer")
    assert (answer.join, answer.cancels, answer.on_failure, answer.handler) == (
        "any",
        ("each",),
        "continue",
        None,
    )


def test_a_definition_comes_back_from_its_json_and_its_yaml() -> None:
    full = definition_of(FULL)
    assert PipelineDefinition.from_json(full.to_json()) == full
    assert definition_of(to_yaml(full)).hash == full.hash
    assert to_document(full)["stages"]["each"] == {  # type: ignore[index]
        "uses": "summarize",
        "inputs": [],
        "each": {"over": "people.entities", "max_parallel": 4, "on_failure": {"at_most": 0.2}},
    }


def test_what_is_written_obeys_the_editors_schema() -> None:
    validator: Any = Draft7Validator(document_schema(StageRegistry()))
    full = definition_of(FULL)
    for document in (full.to_json(), to_document(full)):
        assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"join": 1}, {"join": "any"}),
        ({"cancels": "a"}, {"cancels": ["a"]}),
        ({"cancels": ["a", "*"]}, {"cancels": ["*"]}),
        ({"retries": {"default": 3, "timeout": 3}}, {"retries": 3}),
        ({"each": "a.x"}, {"each": {"over": "a.x", "max_parallel": 10, "on_failure": "fail"}}),
        (
            {"each": {"over": "a.x", "on_failure": "skip"}},
            {"each": {"over": "a.x", "on_failure": {"at_most": 1}}},
        ),
        ({"each": "a.x"}, {"each": "a.x", "inputs": ["source", "item"]}),
        ({"join": "all", "on_failure": "fail"}, {}),
    ],
)
def test_two_ways_to_say_the_same_have_one_hash(
    one: dict[str, JsonValue], other: dict[str, JsonValue]
) -> None:
    hashes: set[str] = set()
    for entry in (one, other):
        needs: dict[str, JsonValue] = {"inputs": ["a?"]} if "join" in one else {}
        stages: dict[str, JsonValue] = {"a": {"uses": "extract"}, "b": {"uses": "extract", **needs, **entry}}
        definition, problems = check({"stages": stages})
        assert definition is not None, problems
        hashes.add(definition.hash)
    assert len(hashes) == 1


def test_the_hash_sees_every_word() -> None:
    plain = StageDefinition("b", "extract", inputs=("a",))
    others: list[dict[str, Any]] = [
        {"join": "any"},
        {"join": 2},
        {"else_of": ("a",)},
        {"on_failure": "continue"},
        {"on_failure": "a"},
        {"cancels": ("a",)},
        {"retries_by_code": {"timeout": 4}},
        {"deadline_s": 5.0},
        {"each": EachSpec("a.x")},
        {"each": EachSpec("a.x", 3)},
        {"each": EachSpec("a.x", failed_share_max=0.5)},
    ]
    stages = [plain, *(StageDefinition("b", "extract", inputs=("a",), **other) for other in others)]
    assert len({str(stage.to_json()) for stage in stages}) == len(others) + 1
    for stage in stages:
        assert StageDefinition.from_json("b", stage.to_json()) == stage


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"join": "some"}, "join"),
        ({"join": 0}, "join"),
        ({"join": True}, "join"),
        ({"on_failure": 3}, "on_failure"),
        ({"on_failure": "nobody"}, "on_failure"),
        ({"on_failure": "b"}, "on_failure"),
        ({"else_of": {"a": 1}}, "else_of"),
        ({"else_of": ["nobody"]}, "else_of"),
        ({"cancels": [3]}, "cancels[0]"),
        ({"cancels": ["b"]}, "cancels"),
        ({"retries": {"Time out": 1}}, "retries.Time out"),
        ({"retries": {"timeout": 99}}, "retries.timeout"),
        ({"retries": -1}, "retries"),
        ({"deadline_s": 0}, "deadline_s"),
        ({"deadline_s": "1h"}, "deadline_s"),
        ({"each": 3}, "each"),
        ({"each": {}}, "each"),
        ({"each": "a..x"}, "each"),
        ({"each": "item.x"}, "each"),
        ({"each": "nobody.x"}, "each"),
        ({"each": {"over": "a.x", "max_parallel": 0}}, "each.max_parallel"),
        ({"each": {"over": "a.x", "on_failure": {"at_most": 2}}}, "each.on_failure"),
        ({"each": {"over": "a.x", "parallel": 2}}, "each.parallel"),
        ({"inputs": ["item"]}, "inputs[0]"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_a_hint(entry: dict[str, JsonValue], place: str) -> None:
    problem = problems_of(entry)[f"stages.b.{place}"]
    assert problem.hint or "no stage" in problem.message


def test_what_is_wrong_with_the_pipelines_own_words_is_said_at_once() -> None:
    found = problems_of({}, deadline_s=-1, priority="urgent", output="nobody")
    assert {"deadline_s", "priority", "output"} <= found.keys()


def test_item_is_no_name_for_a_stage() -> None:
    assert "is reserved" in check({"stages": {"item": {"uses": "extract"}}})[1][0].message
