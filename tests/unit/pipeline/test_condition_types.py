"""Conditions are compared with the outputs that they read: what can never be right is said, all else passes."""

import pytest

from tegu.pipeline.check import check
from tegu.pipeline.document import load
from tegu.stages.registry import StageRegistry

DOCUMENT = """\
stages:
  classify: {{uses: classify, with: {{labels: [support, sales]}}}}
  extract:
    uses: extract
    with: {{schema: {{"who?": {{name: str}}, count: int, tags: "list[str]", open: any, urgent: bool}}}}
  free: {{uses: extract, with: {{schema: {{type: object, properties: {{a: {{type: string}}}}, additionalProperties: true}}}}}}
  x:
    uses: summarize
    needs: [classify, extract, free]
    when: "{when}"
"""


@pytest.mark.parametrize(
    ("when", "message", "hint"),
    [
        ("classify.categry == 'support'", "'classify' has no field 'categry'", "did you mean 'category'?"),
        ("classify.category == 'suport'", "'classify.category' is never 'suport'", "did you mean 'support'?"),
        ("classify.category != 'zzz'", "is never 'zzz'", "one of: sales, support"),
        ("classify.confidence > 'high'", "is a number, and 'high' is text", "compare it with a number"),
        ("extract.who.nam == 'x'", "'extract.who' has no field 'nam'", "did you mean 'name'?"),
        ("extract.who.name == 5", "is text, and 5.0 is a number", "text"),
        ("extract.urgent == 'yes'", "is true or false", "true or false"),
        ("has(extract.cuont)", "has no field 'cuont'", "'count'"),
    ],
)
def test_what_can_never_be_right_is_a_problem_of_the_condition(when: str, message: str, hint: str) -> None:
    [problem] = check(load(DOCUMENT.format(when=when)), StageRegistry())[1]
    assert (problem.place, problem.line) == ("stages.x.when", 10)
    assert message in problem.message
    assert hint in (problem.hint or "")


@pytest.mark.parametrize(
    "when",
    [
        "classify.category == 'support' && classify.confidence > 0.7",
        "!(classify.category != 'sales')",
        "classify.category in ['support', 'other']",
        "classify.category == 'sup' + 'port'",
        "extract.who.name.startsWith('x')",
        "extract.count + 1 > 2",
        "size(extract.tags) > 1 && extract.count >= -1.5",
        "extract.open.anything == 1",
        "extract.who == null || extract != null",
        "free.b == 1",
        "extract.tags.exists(t, t == 'x')",
    ],
)
def test_what_may_be_right_passes(when: str) -> None:
    assert check(load(DOCUMENT.format(when=when)), StageRegistry())[1] == ()
