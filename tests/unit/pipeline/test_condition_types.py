"""Conditions are compared with the outputs that they read: what can never be right is said, all else passes."""

import pytest

from tegu.pipeline.check import check, examine
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
        ("extract.who.name == 5", "is text, and 5 is a number", "text"),
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


@pytest.mark.parametrize(
    ("when", "message", "hint"),
    [
        ("extract", "extract' is a mapping, and a condition is true or false", "ask for a field of it"),
        ("extract.who", "'extract.who' is a mapping", "field"),
        ("extract.count", "'extract.count' is a number, and a condition is true or false", "compare it"),
        ("!extract.count", "'extract.count' is a number", "! takes true or false"),
        ("extract.urgent && extract.who.name", "'extract.who.name' is text", "&& joins"),
        ("extract.count + 'a' == 3", "'extract.count' is a number, and 'a' is text", "two of a kind"),
        ("extract.urgent + 1 == 2", "'extract.urgent' is true or false", "+ takes numbers"),
        ("extract.who.name - 1 > 2", "'extract.who.name' is text", "- takes numbers"),
        (
            "extract.count * 1.5 > 2.0",
            "'extract.count' is a whole number, and the other is not",
            "double(...)",
        ),
        (
            "extract.count < extract.who.name",
            "'extract.count' is a number, and 'extract.who.name' is text",
            "number",
        ),
        ("extract.tags > 2", "'extract.tags' is a list, and 2 is a number", "compare it with a list"),
        ("extract.who == 'x'", "'extract.who' is a mapping, and 'x' is text", "mapping"),
        ("size(extract.count) > 1", "'extract.count' is a number", "size(...) counts"),
        ("extract.count.size() > 1", "'extract.count' is a number", "size(...) counts"),
        ("extract.tags.contains('x')", "'extract.tags' is a list", "contains compares text"),
        ("extract.who.name.startsWith(1)", "1 is a number", "startsWith compares text"),
        ("'x' in extract.who.name", "'extract.who.name' is text", ".contains(...)"),
        ("extract.who.name.exists(c, c == 'x')", "'extract.who.name' is text", "exists goes over a list"),
        ("extract.tags.exists(t, size(t))", "size(t) is a number", "true or false"),
        ("extract.count ? true : false", "'extract.count' is a number", "before ?"),
        ("extract.tags.first == 'x'", "'extract.tags' is a list, which has no field 'first'", "leave"),
        ("(extract.count)", "'extract.count' is a number", "compare"),
        ("1 + 2", "1 + 2 is a number", "compare"),
        (
            "content.source_typ == 'file'",
            "'content' has no field 'source_typ'",
            "did you mean 'source_type'?",
        ),
        ("content.source_type == 3", "'content.source_type' is text, and 3 is a number", "text"),
        ("content.source_type == 'mail'", "'content.source_type' is never 'mail'", "did you mean 'email'?"),
        ("content.size_bytes > '1'", "is a number, and '1' is text", "number"),
        ("run.nope > 'x'", "'run' has no field 'nope'", "one of: id, metadata, triggered_by"),
        ("run.triggered_by == 'nobody'", "'run.triggered_by' is never 'nobody'", "schedule"),
        ("thread.subject == 'x'", "a run over a content has no 'thread'", "read `content`"),
    ],
)
def test_operators_and_facts_are_compared_with_types(when: str, message: str, hint: str) -> None:
    problem = check(load(DOCUMENT.format(when=when)), StageRegistry())[1][0]
    assert problem.place == "stages.x.when"
    assert message in problem.message
    assert hint in (problem.hint or "")


@pytest.mark.parametrize(
    "when",
    [
        "extract.urgent",
        "!extract.urgent || extract.open",
        "extract.open + 1 == 2 && size(extract.open) > 1",
        "double(extract.count) * 1.5 > 2.0",
        "extract.count - -1 >= 0 && -extract.count < 5",
        "size(extract.who.name) > 3 && 'x' in extract.tags",
        "extract.tags.filter(t, t != 'y' && t.size() > 1).size() > 0",
        "(extract.urgent ? extract.count : 3) > 2",
        "extract.who.name.matches('^a.c$')",
        "timestamp(extract.who.name) > timestamp('2026-01-01T00:00:00Z')",
        "[1, 2].exists(n, n == 1) && {'a': 1}.a == 1 && extract.urgent",
        "string(extract.count) + extract.who.name == '1a'",
        "content.metadata.customer == 'acme' && content.media_type.startsWith('text/') && content.name != null",
        "run.metadata.urgent && run.triggered_by in ['mail', 'schedule'] && has(run.metadata.x)",
        "(" * 90 + "extract.urgent" + ")" * 90,
        "extract.count > 1 && extract.count < 3 && extract.count != 2",
        "classify.category == 'support' || classify.category == 'sales'",
    ],
)
def test_what_operators_can_be_given_passes_without_a_warning(when: str) -> None:
    found = examine(load(DOCUMENT.format(when=when)), StageRegistry())
    assert (found.problems, found.warnings) == ((), ())


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ("false", "it reads nothing, and is false in every run"),
        ("1 == 1", "it reads nothing, and is true in every run"),
        (
            "classify.category == 'support' && (classify.category == 'sales')",
            "'classify.category' cannot be == 'support' and == 'sales'",
        ),
        ("extract.count > 5 && extract.urgent && extract.count < 3", "'extract.count' cannot be > 5 and < 3"),
        ("extract.urgent == true && extract.urgent == false", "'extract.urgent' cannot be"),
        ("classify.confidence * 100 > 70", "fails where only one of both is a whole number"),
    ],
)
def test_what_is_odd_is_a_warning(when: str, message: str) -> None:
    found = examine(load(DOCUMENT.format(when=when)), StageRegistry())
    assert found.problems == ()
    assert message in found.warnings[0].message


def test_a_pipeline_over_threads_reads_the_thread_and_no_content() -> None:
    def problems(when: str) -> list[str]:
        text = 'input: mail_thread\nstages:\n  x: {uses: summarize, when: "' + when + '"}'
        return [problem.message for problem in check(load(text), StageRegistry())[1]]

    assert problems("thread.subject.contains('refund') && run.metadata.x == 1") == []
    assert problems("content.metadata.x == 1") == ["a run over a mail_thread has no 'content'"]
    assert problems("thread.subjct == 'x'") == ["'thread' has no field 'subjct'"]
