"""From an answer that is no success to the error that the action raised there: the same class, code and hint.

Called by `asking`. Invariant: whoever catches an error of the library catches it from the service as well; an answer that is not
ours (of a proxy) becomes an error too.
"""

from collections.abc import Mapping
from typing import Any, cast

from pydantic_core import from_json

from tegu.domain import errors
from tegu.domain.errors import Problem, TeguError

_DETAIL_MAX = 300
_CONFIGURATION = frozenset({"configuration", "no_model", "unpriced"})
_INTAKE = frozenset(
    {
        "unknown_type",
        "empty",
        "undecodable",
        "too_large",
        "encrypted",
        "hostile",
        "timeout",
        "not_a_file",
        "unreadable",
        "intake",
    }
)
_BUSY_S = 2.0
_NO_TEGU = "is a Tegu at this address, and does it answer by itself?"


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> TeguError:
    """The error that an answer tells."""
    said = _object(body)
    code = _text(said, "code") or "unexpected_answer"
    message = _text(said, "detail") or f"the service answered {status}: {_excerpt(body)}"
    hint = _text(said, "hint") or (_NO_TEGU if code == "unexpected_answer" else None)
    match status:
        case 401:
            return errors.UnauthenticatedError(message, hint=hint, code=code)
        case 403:
            return errors.ForbiddenError(message, hint=hint, code=code)
        case 404:
            return errors.NotFoundError(message, hint=hint, code=code)
        case 409 | 412:
            return errors.ConflictError(message, hint=hint, code=code)
        case 413 | 415:
            return errors.IntakeError(message, hint=hint, code=code)
        case 429:
            wait_s = retry_after_s(headers) or _BUSY_S
            return errors.QuotaError(message, retry_after_s=wait_s, hint=hint, code=code)
        case 502 | 503 | 504:
            return _unavailable(code, message, hint, headers)
        case 422 if code in errors.OF_THE_QUESTION:
            return errors.ProviderError(message, code=code, transient=False, hint=hint)
        case 400 | 405 | 422 | 431:
            return _unusable(said, code, message, hint)
        case _:
            return TeguError(message, hint=hint, code=code)


def _unusable(said: dict[str, Any], code: str, message: str, hint: str | None) -> TeguError:
    """Something is wrong with what was sent."""
    problems = tuple(_problems(said))
    if code == "definition":
        return errors.DefinitionError(problems)
    if code in _CONFIGURATION:
        return errors.ConfigurationError(message, hint=hint, code=code)
    if code in _INTAKE:
        return errors.IntakeError(message, hint=hint, code=code)
    if problems:
        return errors.InvalidInputError(problems)
    return errors.UsageError(message, hint=hint, code=code)


def _unavailable(code: str, message: str, hint: str | None, headers: Mapping[str, str]) -> TeguError:
    """The service, its database or a model's provider cannot do it now."""
    match code:
        case "storage_unavailable":
            return errors.StorageUnavailableError(message, hint=hint)
        case "no_capacity" | "budget_exhausted":
            due_in_s = retry_after_s(headers) or _BUSY_S
            return errors.NoCapacityError(message, due_in_s=due_in_s, hint=hint, code=code)
        case "unexpected_answer" | "busy" | "closing":
            return errors.UnreachableError(message, hint=hint)
        case _:
            is_transient = code in {"rate_limited", "overloaded", "server", "connection", "timeout"}
            return errors.ProviderError(message, code=code, transient=is_transient, hint=hint)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """When the service has room again, where it says so in seconds."""
    written = headers.get("retry-after", "")
    return float(written) if written.isascii() and written.isdigit() else None


def _problems(said: dict[str, Any]) -> list[Problem]:
    found: object = said.get("problems")
    if not isinstance(found, list):
        return []
    each = [cast("dict[str, Any]", one) for one in cast("list[object]", found) if isinstance(one, dict)]
    return [
        Problem(
            _text(one, "place") or "request",
            _text(one, "message") or "",
            _text(one, "hint"),
            one["line"] if isinstance(one.get("line"), int) else None,
        )
        for one in each
    ]


def _object(body: bytes) -> dict[str, Any]:
    try:
        found: object = from_json(body)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _text(said: dict[str, Any], key: str) -> str | None:
    found = said.get(key)
    return found if isinstance(found, str) else None


def _excerpt(body: bytes) -> str:
    return " ".join(body[:_DETAIL_MAX].decode("utf-8", "replace").split()) or "with nothing"
