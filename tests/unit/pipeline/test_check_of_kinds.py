"""What the kinds that ship say of their settings beyond their schemas, and that a check ends soon whatever is wired to what."""

import pytest

from tegu.domain.errors import Problem
from tegu.pipeline.check import examine
from tegu.pipeline.document import load
from tegu.stages.registry import StageRegistry

HEAD = """
name: sample
stages:
  refund: {uses: extract, with: {schema: {due: datetime, amount: float, lines: "list[str]"}}}
"""


def problems_of(*stages: str) -> dict[str, Problem]:
    text = HEAD + "".join(f"  {stage}\n" for stage in stages)
    found = examine(load(text), StageRegistry())
    return {problem.place.removeprefix("stages."): problem for problem in found.problems}


@pytest.mark.parametrize(
    ("stage", "place", "words"),
    [
        ("x: {uses: wait, with: {until: refund.due}}", "x.with.until", "there is no input 'refund'"),
        (
            "x: {uses: wait, inputs: [refund], with: {until: refund.date}}",
            "x.with.until",
            "the output of 'refund' has no field 'date'",
        ),
        (
            "x: {uses: wait, inputs: [refund], with: {until: refund.lines}}",
            "x.with.until",
            "'refund.lines' is a list, no time",
        ),
        (
            "x: {uses: http, inputs: [refund], with: {url: 'https://a.example', query_from: refnd}}",
            "x.with.query_from",
            "there is no input 'refnd'",
        ),
        (
            "x: {uses: http, with: {url: 'https://a.example', headers: {Host: b.example}}}",
            "x.with.headers.Host",
            "the header 'Host' cannot be set",
        ),
        (
            "x: {uses: loop, with: {pipeline: p, until: output.a = 1, times_max: 2}}",
            "x.with.until",
            "character",
        ),
        (
            "x: {uses: loop, with: {pipeline: p, until: outptu.a == 1, times_max: 2}}",
            "x.with.until",
            "there is no 'outptu' here",
        ),
        (
            "x: {uses: loop, with: {pipeline: p, until: iteration == 'two', times_max: 2}}",
            "x.with.until",
            "'iteration' is a number",
        ),
        (
            "x: {uses: loop, with: {pipeline: p, until: output.b, times_max: 2, schema: {a: bool}}}",
            "x.with.until",
            "the output of 'output' has no field 'b'",
        ),
        (
            "x: {uses: loop, with: {pipeline: p, until: 'true'}}",
            "x.with",
            "'loop' needs 'times_max'",
        ),
    ],
)
def test_a_setting_that_can_never_be_right_is_a_problem_with_its_place(
    stage: str, place: str, words: str
) -> None:
    problem = problems_of(stage)[place]
    assert words in problem.message
    assert problem.hint


def test_a_map_waits_and_asks_by_its_item() -> None:
    found = problems_of(
        "listed: {uses: extract, with: {schema: {all: [{at: datetime}]}}}",
        "x: {uses: wait, inputs: [], each: listed.all, with: {until: item.at}}",
        "y: {uses: http, inputs: [], each: listed.all, with: {url: 'https://a.example', query_from: item}}",
        "z: {uses: wait, inputs: [], each: listed.all, with: {until: item.on}}",
    )
    assert found.keys() == {"z.with.until"}


def test_what_is_declared_of_a_nested_pipeline_types_the_edges_behind_it() -> None:
    found = problems_of(
        "inner: {uses: pipeline, with: {pipeline: p, schema: {category: 'a | b'}}}",
        "again: {uses: loop, with: {pipeline: p, until: 'true', times_max: 2, schema: {done: bool}}}",
        "x: {uses: summarize, needs: [inner], when: inner.category == 'c'}",
        "y: {uses: summarize, needs: [again], when: again.output.dnoe}",
        "z: {uses: summarize, inputs: [], each: inner.category}",
    )
    assert found.keys() == {"x.when", "y.when", "z.each"}


def test_a_reviewed_value_is_what_was_looked_at_or_what_may_be_put_in_its_place() -> None:
    found = problems_of(
        "same: {uses: review, inputs: [refund]}",
        "other: {uses: review, inputs: [refund], with: {schema: {total: float}}}",
        "x: {uses: summarize, needs: [same], when: same.value.amount > 1.0}",
        "y: {uses: summarize, needs: [same], when: same.value.total > 1.0}",
        "z: {uses: summarize, needs: [other], when: other.value.total > 1.0}",
    )
    assert found.keys() == {"y.when"}


def test_chains_and_nets_of_stages_that_join_each_other_are_checked_soon() -> None:
    # Written last to first, so that what the first reads is found through all others; each joins the two before it.
    lines = [f"s{i}: {{uses: merge, inputs: [s{i - 1}, s{i - 2}]}}" for i in range(900, 1, -1)]
    found = problems_of(*lines, "s1: {uses: extract}", "s0: {uses: extract}")
    assert found == {}
