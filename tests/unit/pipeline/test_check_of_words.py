"""Words that stand for nothing: error codes, lists of the source, versions of pipelines."""

import re
from pathlib import Path

from tegu.pipeline.check import examine
from tegu.pipeline.document import load
from tegu.pipeline.failure_codes import FAILURE_CODES
from tegu.stages.registry import StageRegistry

ERRORS = (Path(__file__).resolve().parents[3] / "docs" / "errors.md").read_text("utf-8")


def said(stage: str) -> tuple[list[str], list[str]]:
    """Messages with their hints: problems, and warnings."""
    found = examine(load(f"input: mail_thread\nstages:\n  x: {stage}"), StageRegistry())
    return tuple(
        [f"{each.message}; {each.hint}" for each in every] for every in (found.problems, found.warnings)
    )  # type: ignore[return-value]


def test_a_code_that_no_stage_of_the_kind_fails_with_is_a_warning() -> None:
    problems, [warning] = said("{uses: summarize, retries: {default: 1, timeut: 4, rate_limited: 5}}")
    assert problems == []
    assert warning == "a stage of this kind does not fail with 'timeut'; did you mean 'timeout'?"
    assert said("{uses: python, with: {function: mine@1}, retries: {no_stock: 4}}")[1] == []


def test_the_codes_are_those_of_the_page() -> None:
    found: set[str] = set()
    for section in ("Reading input", "Asking a model", "In runs"):
        body = ERRORS.split(f"## {section}\n", 1)[1].split("\n## ", 1)[0]
        for row in re.findall(r"^\| (`[^|]*)\|", body, flags=re.MULTILINE):
            found |= set(re.findall(r"`(\w+)`", row))
    assert found == FAILURE_CODES


def test_a_list_that_the_source_has_not_is_a_warning_where_it_looks_mistyped() -> None:
    _, [warning] = said("{uses: summarize, each: source.messagez}")
    assert warning == "the source has no list 'messagez', unless it is data; did you mean 'messages'?"
    assert said("{uses: summarize, each: source.messages}") == ([], [])
    assert said("{uses: summarize, each: source.input.asks}") == ([], [])


def test_a_nested_pipeline_is_named_with_the_number_of_a_version_or_none() -> None:
    for kind, more in (("pipeline", ""), ("loop", ", until: iteration > 1, times_max: 2")):
        [problem], _ = said(f'{{uses: {kind}, with: {{pipeline: "x@two"{more}}}}}')
        assert "x@two" in problem
        assert said(f'{{uses: {kind}, with: {{pipeline: "x@2"{more}}}}}') == ([], [])
