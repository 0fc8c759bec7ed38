"""Errors as people and programs get them over HTTP: application/problem+json (RFC 9457), with the code and the hint.

Called by `api` for whatever an action raises. Invariant: an error that is not ours says nothing of itself.
"""

import logging
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from tegu.domain import errors

log = logging.getLogger("tegu.http")

MEDIA_TYPE = "application/problem+json"
_BUSY_S = 2


class ProblemPlace(BaseModel):
    """One thing that is wrong with what was sent."""

    place: str
    message: str
    hint: str | None = None
    line: int | None = None


class ProblemDetails(BaseModel):
    """What went wrong. `code` is stable (see docs/errors.md), `hint` says what to do, `problems` has every one of several."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str | None = None
    problems: list[ProblemPlace] = []


_INTAKE_STATUS = {"too_large": 413, "unknown_type": 415}
_CONFLICT_STATUS = {"changed": 412, "erased": 410}
TITLES = {
    400: "The request cannot be understood",
    401: "Nobody knows who asks",
    403: "Not allowed",
    404: "Not found",
    405: "No such method",
    408: "Too slow",
    409: "The present state does not allow it",
    410: "It was deleted",
    412: "It has changed meanwhile",
    413: "Too large",
    415: "Not a type that can be read",
    416: "Not a part of it",
    421: "Not served under this name",
    422: "What was sent cannot be used",
    429: "Too much for now",
    431: "Too many headers",
    460: "Not what its checksum says",
    500: "Something unexpected happened",
    502: "A model could not be called",
    503: "Not available for now",
}


def status_of(error: BaseException) -> int:
    """The HTTP status of an error."""
    match error:
        case errors.UnauthenticatedError():
            return 401
        case errors.ForbiddenError():
            return 403
        case errors.NotFoundError():
            return 404
        case errors.ConflictError():
            return _CONFLICT_STATUS.get(error.code, 409)
        case errors.QuotaError():
            return 429
        case errors.IntakeError():
            return _INTAKE_STATUS.get(error.code, 422)
        case errors.UsageError() | errors.DefinitionError() | ValidationError():
            return 422
        case errors.ProviderError():
            return 422 if error.code in errors.OF_THE_QUESTION else 502
        case errors.StorageUnavailableError() | errors.NoCapacityError():
            return 503
        case _:
            return 500


def problem_of(error: BaseException) -> ProblemDetails:
    """What to say of an error."""
    status = status_of(error)
    code, detail, hint = "internal", "the server has logged it", None
    found: list[ProblemPlace] = []
    match error:
        case errors.DefinitionError():
            code, detail, hint = error.code, error.message.splitlines()[0], error.hint
            found = [
                ProblemPlace(place=p.place, message=p.message, hint=p.hint, line=p.line)
                for p in error.problems
            ]
        case errors.TeguError():
            code, detail, hint = error.code, error.message, error.hint
        case ValidationError():
            code, found = "invalid_input", places_of(error.errors(include_url=False, include_input=False))
            detail = f"{len(found)} of the inputs cannot be used"
        case _:
            pass
    return problem(status, code, detail, hint=hint, problems=found)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    hint: str | None = None,
    problems: list[ProblemPlace] | None = None,
) -> ProblemDetails:
    """A problem in our words."""
    return ProblemDetails(
        type=f"urn:tegu:error:{code}",
        title=TITLES.get(status, "Not done"),
        status=status,
        detail=detail,
        code=code,
        hint=hint,
        problems=problems or [],
    )


def places_of(found: Any) -> list[ProblemPlace]:
    """Pydantic's errors, each with its place: `body.pipeline`."""
    return [
        ProblemPlace(
            place=".".join(str(part) for part in each["loc"]) or "request",
            message=each["msg"].replace("Tuple", "List").replace("tuple", "list"),  # as JSON calls it
        )
        for each in found
    ]


def problem_response(found: ProblemDetails, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that tells it."""
    return Response(
        found.model_dump_json(),
        found.status,
        headers={"cache-control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def error_response(error: BaseException) -> Response:
    """The answer for an error, with when to come back where that is known."""
    headers: dict[str, str] = {}
    match error:
        case errors.QuotaError():
            headers["retry-after"] = str(max(1, round(error.retry_after_s)))
        case errors.StorageUnavailableError() | errors.NoCapacityError():
            headers["retry-after"] = str(_BUSY_S)
        case errors.UnauthenticatedError():
            headers["www-authenticate"] = 'Bearer realm="tegu"'
        case _:
            pass
    return problem_response(problem_of(error), headers)


def answer(error: Exception) -> Response:
    """The answer for an error; one that is not ours is logged, since the answer does not tell it."""
    found = error_response(error)
    if found.status_code == 500:
        log.error("a request could not be answered", exc_info=error)
    return found
