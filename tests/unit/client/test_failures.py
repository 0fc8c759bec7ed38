"""An error that went over HTTP is the error that it was."""

import pytest

from tegu.client.failures import error_of
from tegu.domain import errors
from tegu.domain.errors import Problem, TeguError
from tegu.interfaces.http.problems import error_response

RAISED = [
    errors.UnauthenticatedError("no key", hint="sign in"),
    errors.ForbiddenError("not you", hint="ask an owner"),
    errors.NotFoundError("there is no run 1", hint="`tegu runs` lists the newest"),
    errors.ConflictError("it has ended"),
    errors.QuotaError("too much", retry_after_s=7.0, hint="wait"),
    errors.QuotaError("too fast", retry_after_s=7.0, code="rate_limited"),
    errors.UsageError("it cannot be", hint="do it so"),
    errors.ConfigurationError("no model", code="no_model", hint="set TEGU_MODEL"),
    errors.IntakeError("a zip", code="unknown_type"),
    errors.IntakeError("too large", code="too_large"),
    errors.IntakeError("nothing in it", code="empty"),
    errors.ProviderError("no answer", code="overloaded", transient=True),
    errors.ProviderError("no such model", code="unknown_model", transient=False),
    errors.StorageUnavailableError("the database is not there"),
    errors.NoCapacityError("no room", due_in_s=2.0),
]


@pytest.mark.parametrize("raised", RAISED, ids=lambda error: f"{type(error).__name__}-{error.code}")
def test_class_code_words_and_hint_come_back(raised: TeguError) -> None:
    answer = error_response(raised)
    found = error_of(answer.status_code, answer.headers, bytes(answer.body))
    assert type(found) is type(raised)
    assert (found.code, found.message, found.hint) == (raised.code, raised.message, raised.hint)
    for name in ("retry_after_s", "due_in_s", "transient"):
        if getattr(raised, name, None) is not None:
            assert getattr(found, name) == getattr(raised, name)


def test_every_problem_of_a_document_comes_back_with_its_place() -> None:
    problems = (Problem("stages.a", "no such kind", "did you mean extract?", 4), Problem("name", "missing"))
    answer = error_response(errors.DefinitionError(problems))
    found = error_of(answer.status_code, answer.headers, bytes(answer.body))
    assert isinstance(found, errors.DefinitionError)
    assert found.problems == problems


@pytest.mark.parametrize(
    ("status", "code"), [(502, "unreachable"), (500, "unexpected_answer"), (418, "unexpected_answer")]
)
def test_what_a_proxy_says_is_an_error_too(status: int, code: str) -> None:
    found = error_of(status, {}, b"<html>Bad gateway</html>")
    assert found.code == code
    assert "Bad gateway" in found.message
