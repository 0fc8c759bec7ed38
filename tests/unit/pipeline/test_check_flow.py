"""What the check says of joins, branches, failures, cancels and maps: what can never happen, and what is only odd."""

import pytest
from pipeline_support import Kinds

from tegu.domain.errors import Problem
from tegu.pipeline.catalog import FunctionContract, FunctionInput
from tegu.pipeline.check import examine
from tegu.pipeline.document import load
from tegu.pipeline.output_schema import schema_of
from tegu.pipeline.outputs import Entity

TAKES_ENTITY = FunctionContract((FunctionInput("entity", "Entity", schema_of(Entity)),), {"type": "number"})
TAKES_NUMBERS = FunctionContract(
    (FunctionInput("numbers", "list[float]", {"type": "array", "items": {"type": "number"}}),),
    {"type": "string"},
)
KINDS = Kinds({"weigh@1": TAKES_ENTITY, "add@1": TAKES_NUMBERS})
HEAD = """
name: sample
stages:
  people: {uses: extract}
  route: {uses: classify, with: {labels: [a, b]}}
"""


def problems_of(*stages: str) -> dict[str, Problem]:
    text = HEAD + "".join(f"  {stage}\n" for stage in stages)
    return {problem.place.removeprefix("stages."): problem for problem in examine(load(text), KINDS).problems}


def warnings_of(*stages: str) -> dict[str, Problem]:
    found = examine(load(HEAD + "".join(f"  {stage}\n" for stage in stages)), KINDS)
    assert found.definition is not None, found.problems
    return {problem.place.removeprefix("stages."): problem for problem in found.warnings}


@pytest.mark.parametrize(
    ("stages", "place", "words"),
    [
        (
            ["x: {uses: extract, inputs: ['people?', 'route?'], join: 3}"],
            "x.join",
            "waits for 3 of 2: it can never start",
        ),
        (["x: {uses: extract, join: any}"], "x.join", "there are none"),
        (
            ["x: {uses: extract, inputs: [people, 'route?'], join: any}"],
            "x.inputs[0]",
            "may be absent where a stage does not wait for all",
        ),
        (["x: {uses: extract, else_of: [people]}"], "x.else_of", "has no condition that could be false"),
        (
            [
                "a: {uses: extract, inputs: ['people?', 'route?'], join: any, when: people != null}",
                "x: {uses: extract, else_of: [a]}",
            ],
            "x.else_of",
            "does not wait for all",
        ),
        (
            [
                "a: {uses: extract, needs: [route], when: route.category == 'a'}",
                "x: {uses: extract, inputs: [a], else_of: [a]}",
            ],
            "x.else_of",
            "is skipped whenever this may run",
        ),
        (
            [
                "a: {uses: summarize, each: people.entities, when: item.name == 'x'}",
                "x: {uses: extract, else_of: [a]}",
            ],
            "x.else_of",
            "is asked of each item",
        ),
        (
            ["a: {uses: extract, on_failure: x}", "x: {uses: extract, inputs: [a]}"],
            "x.inputs",
            "handles the failure of 'a', and so may not require it",
        ),
        (["a: {uses: extract, inputs: [x], on_failure: x}", "x: {uses: extract}"], "a", "in a circle"),
        (
            ["a: {uses: extract, inputs: [people]}", "x: {uses: extract, inputs: [a], cancels: [people]}"],
            "x.cancels",
            "has always ended when this starts",
        ),
        (
            ["x: {uses: extract, cancels: [y]}", "y: {uses: extract, inputs: [x]}"],
            "x.cancels",
            "is cancelled by it whenever it could start",
        ),
        (["x: {uses: extract, each: people.entitys}"], "x.each", "has no field 'entitys'"),
        (["x: {uses: extract, each: people.category}"], "x.each", "'people.category' is text, no list"),
        (["x: {uses: extract, each: people}"], "x.each", "is a mapping, no list"),
        (
            ["x: {uses: extract, inputs: ['people?'], each: people.entities}"],
            "x.each",
            "the list of 'people' may be absent",
        ),
        (
            ["x: {uses: extract, inputs: ['route?'], each: people.entities, join: any}"],
            "x.join",
            "the list of 'people' may be absent",
        ),
        (["x: {uses: extract, when: item.name == 'x'}"], "x.when", "there is no 'item'"),
        (
            ["x: {uses: extract, each: people.entities, when: item.nam == 'x'}"],
            "x.when",
            "the output of 'item' has no field 'nam'",
        ),
        (
            [
                "a: {uses: extract, on_failure: x}",
                "x: {uses: extract, inputs: ['a?'], when: a.error.cod == 'timeout'}",
            ],
            "x.when",
            "has no field 'cod'",
        ),
        (
            [
                "a: {uses: extract, on_failure: x}",
                "x: {uses: extract, inputs: ['a?'], when: a.category == 'b'}",
            ],
            "x.when",
            "has no field 'category'",
        ),
        (
            ["x: {uses: python, with: {function: weigh@1}, inputs: [item, route], each: people.entities}"],
            "x.inputs",
            "takes 1 inputs",
        ),
        (
            [
                "a: {uses: extract, with: {schema: {n: 'list[str]'}}}",
                "x: {uses: python, with: {function: weigh@1}, inputs: [], each: a.n}",
            ],
            "x.inputs[0]",
            "the item does not fit parameter 'entity'",
        ),
        (
            [
                "x: {uses: python, with: {function: weigh@1}, inputs: [], each: {over: people.entities, on_failure: skip}}",
                "y: {uses: python, with: {function: add@1}, inputs: [x]}",
            ],
            "y.inputs[0]",
            "the output of 'x' does not fit parameter 'numbers'",
        ),
    ],
)
def test_what_can_never_be_is_a_problem(stages: list[str], place: str, words: str) -> None:
    problem = problems_of(*stages)[place]
    assert words in problem.message
    assert problem.hint


def test_everything_is_said_at_once() -> None:
    found = problems_of(
        "a: {uses: extract, join: 2, inputs: [people]}",
        "b: {uses: extract, else_of: [people], cancels: [nobody]}",
        "c: {uses: extract, each: people.nothing, on_failure: sometimes}",
    )
    assert {
        "a.join",
        "a.inputs[0]",
        "b.else_of",
        "b.cancels",
        "c.each",
        "c.on_failure",
    } <= found.keys()


@pytest.mark.parametrize(
    "stages",
    [
        # Ancestors that need not have ended may be cancelled: those that came later than the first.
        ["x: {uses: extract, inputs: ['people?', 'route?'], join: any, cancels: [people, route]}"],
        # A mapped Python stage takes the item, and its list goes where a list is taken.
        [
            "x: {uses: python, with: {function: weigh@1}, inputs: [], each: people.entities}",
            "y: {uses: python, with: {function: add@1}, inputs: [x]}",
        ],
        # A handler of one reads its error, and one of two asks which it is.
        [
            "a: {uses: extract, on_failure: x}",
            "x: {uses: extract, inputs: ['a?'], when: a.error.code == 'timeout'}",
        ],
        # What is mapped over may be the output of a map, a list itself.
        [
            "x: {uses: summarize, inputs: [], each: people.entities}",
            "y: {uses: summarize, inputs: [], each: x}",
        ],
        # The source and the content have lists of their own.
        ["x: {uses: summarize, inputs: [], each: content.children}"],
        # The else of an else.
        [
            "a: {uses: extract, needs: [route], when: route.category == 'a'}",
            "b: {uses: extract, needs: [route], when: route.confidence > 0.5, else_of: [a]}",
            "c: {uses: extract, else_of: [b]}",
        ],
        ["x: {uses: same, inputs: [route]}", "y: {uses: summarize, needs: [x], when: x.category == 'a'}"],
    ],
)
def test_what_may_be_is_none(stages: list[str]) -> None:
    assert problems_of(*stages) == {}


def test_what_a_kind_hands_on_is_known_of_its_output() -> None:
    found = problems_of(
        "x: {uses: same, inputs: [route]}", "y: {uses: summarize, needs: [x], when: x.no == 1}"
    )
    assert "has no field 'no'" in found["y.when"].message


def test_an_output_that_nobody_gets_is_a_warning() -> None:
    assert "read by no stage" in warnings_of("x: {uses: extract, result: false}")["x"].message
    assert (
        warnings_of("x: {uses: extract, result: false}", "y: {uses: summarize, inputs: [x]}").keys() == set()
    )
    assert (
        warnings_of(
            "x: {uses: extract, result: false}", "y: {uses: summarize, needs: [x], when: x.category == 'a'}"
        ).keys()
        == set()
    )


def test_reading_fields_of_what_may_be_absent_is_a_warning() -> None:
    inputs = "inputs: ['people?', 'route?'], join: any"
    assert (
        "route"
        in warnings_of(f"x: {{uses: extract, {inputs}, when: route.category == 'a'}}")["x.when"].message
    )
    asked = "route != null && route.category == 'a'"
    assert warnings_of(f'x: {{uses: extract, {inputs}, when: "{asked}"}}') == {}


def test_the_list_form_says_the_same_words_and_its_edges_are_optional_where_they_can_be_no_other() -> None:
    text = """
stages:
  - {name: a, job_module: extract, on_failure: mend}
  - {name: b, job_module: extract, each: a.entities}
  - {name: mend, job_module: summarize}
  - {name: first, job_module: summarize, join: any, cancels: [b]}
edges: [{from: a, to: b}, {from: a, to: mend}, {from: a, to: first}, {from: b, to: first}]
"""
    found = examine(load(text), KINDS)
    assert found.definition is not None, found.problems
    assert found.definition.stage("b").inputs == ("source", "item")  # which waits for the list already
    assert found.definition.stage("mend").optional_inputs == {"a"}
    assert found.definition.stage("first").optional_inputs == {"a", "b"}
