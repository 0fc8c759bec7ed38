"""Errors become one sentence and a documented exit code."""

import re
from pathlib import Path

import pytest

from tegu.domain import errors
from tegu.domain.errors import (
    DefinitionError,
    InvalidInputError,
    NoCapacityError,
    Problem,
    ProviderError,
    QuotaError,
    TeguError,
)
from tegu.interfaces.cli.failure import ExitCode, exit_code_of, show_failure

ROOT = Path(__file__).resolve().parents[3]


def _documented() -> dict[str, int]:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|[^|]*\|([^|]*)\|$", page, re.MULTILINE)
    return {name: int(code) for code, names in rows for name in re.findall(r"`(\w+Error)`", names)}


def _made(name: str) -> TeguError:
    kind = getattr(errors, name)
    if kind is ProviderError:
        return ProviderError("no answer", code="server", transient=True)
    if kind is NoCapacityError:
        return NoCapacityError("no room", due_in_s=1.0)
    if kind is QuotaError:
        return QuotaError("too much", retry_after_s=1.0)
    if kind in {DefinitionError, InvalidInputError}:
        return kind((Problem("here", "it is wrong"),))
    return kind("it is so")


@pytest.mark.parametrize("name", sorted(_documented()))
def test_an_error_has_the_exit_code_that_its_page_says(name: str) -> None:
    assert exit_code_of(_made(name)) == _documented()[name]


def test_an_error_is_one_sentence_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    code = show_failure(errors.ConfigurationError("no model", hint="set TEGU_MODEL"), debug=False)
    assert code is ExitCode.CONFIGURATION
    assert capsys.readouterr().err == "error: no model\nhint: set TEGU_MODEL\n"


def test_problems_keep_their_brackets(capsys: pytest.CaptureFixture[str]) -> None:
    problems = (Problem("stages.a.inputs[0]", "there is no [bold]b", "write [b]", 3),)
    assert show_failure(DefinitionError(problems, source="x.yaml"), debug=False) is ExitCode.USAGE
    said = capsys.readouterr().err
    assert "x.yaml has 1 problem" in said
    assert "line 3  stages.a.inputs[0]: there is no [bold]b" in said
    assert "hint: write [b]" in said


def test_what_a_task_group_wraps_is_unwrapped(capsys: pytest.CaptureFixture[str]) -> None:
    inner = errors.StorageUnavailableError("gone")
    group = ExceptionGroup("unhandled errors in a TaskGroup", [ExceptionGroup("again", [inner])])
    assert show_failure(group, debug=False) is ExitCode.UNAVAILABLE
    assert capsys.readouterr().err == "error: gone\n"


def test_an_unexpected_error_offers_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_failure(ZeroDivisionError("division by zero"), debug=False) is ExitCode.FAILED
    said = capsys.readouterr().err
    assert "unexpected ZeroDivisionError: division by zero" in said
    assert "--debug" in said
    assert "Traceback" not in said
