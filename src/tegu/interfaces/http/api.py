"""REST: one route for every action, made from its declaration, with an OpenAPI document that says all of it.

Called by `serving`. Invariant: an endpoint finds out who asks, hands the inputs to the action, and writes what it returns
or raises; it decides nothing.
"""

import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tegu.actions.action import Action
from tegu.actions.registry import ACTIONS
from tegu.actions.scope import Scope
from tegu.interfaces.http.problems import (
    MEDIA_TYPE,
    Problem,
    error_response,
    places_of,
    problem,
    problem_response,
)
from tegu.interfaces.http.routes import IDEMPOTENCY_FIELD, Route

log = logging.getLogger("tegu.http")

ScopeOf = Callable[[Request], Awaitable[Scope]]
"""On whose behalf a request asks. Raises UnauthenticatedError."""
Endpoint = Callable[..., Coroutine[Any, Any, Response]]

_PROBLEM: dict[str, Any] = {
    "description": "What went wrong.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    **dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 429, 500, 502, 503), _PROBLEM),
    422: {**_PROBLEM, "model": Problem},
}


def api(scope_of: ScopeOf) -> FastAPI:
    """The application below /api."""
    app = FastAPI(
        title="Tegu",
        description="Durable LLM pipelines over files and e-mail: typed results with evidence, and a ledger of every call.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        separate_input_output_schemas=True,
    )
    app.include_router(_router(ACTIONS.values(), scope_of))
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _not_http)
    app.add_exception_handler(Exception, _unexpected)
    return app


def _router(actions: Iterable[Action[Any, Any]], scope_of: ScopeOf) -> APIRouter:
    router = APIRouter()
    for each in actions:
        route = Route(each)
        router.add_api_route(
            route.path,
            _endpoint(route, scope_of),
            methods=[route.method],
            status_code=route.status,
            response_model=each.returns,
            name=each.name,
            operation_id=each.name.replace(".", "_"),
            summary=each.summary,
            description=each.description,
            tags=[each.noun],
            responses=_RESPONSES,
            openapi_extra={"x-effect": each.effect.value, "x-permission": each.permission.value},
        )
    return router


def _endpoint(route: Route, scope_of: ScopeOf) -> Endpoint:
    """What answers for an action: FastAPI reads its signature, which is made here."""
    action = route.action

    async def endpoint(request: Request, **parts: Any) -> Response:
        try:
            scope = await scope_of(request)
            rest = parts.pop("rest", None)
            said = rest.model_dump(exclude_unset=True) if isinstance(rest, BaseModel) else {}
            given = {name: value for name, value in parts.items() if value is not None}
            done = await action(scope, action.input.model_validate({**said, **given}))
        except Exception as error:  # noqa: BLE001 (every error becomes an answer)
            return _answer(error)
        return Response(action.output.dump_json(done), route.status, media_type="application/json")

    parameters = [Parameter("request", Parameter.KEYWORD_ONLY, annotation=Request)]
    fields = action.input.model_fields
    if action.key is not None:
        annotated = Annotated[fields[action.key].annotation, Path()]
        parameters.append(Parameter(action.key, Parameter.KEYWORD_ONLY, annotation=annotated))
    if route.rest is not None:
        where = Query() if route.method in {"GET", "DELETE"} else Body()
        annotated = Annotated[route.rest, where]
        parameters.append(Parameter("rest", Parameter.KEYWORD_ONLY, annotation=annotated))
    if route.is_keyed:
        annotated = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]
        parameters.append(
            Parameter(IDEMPOTENCY_FIELD, Parameter.KEYWORD_ONLY, annotation=annotated, default=None)
        )
    endpoint.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # functions have one
    return endpoint


def _answer(error: Exception) -> Response:
    found = error_response(error)
    if found.status_code == 500:
        log.error("a request could not be answered", exc_info=error)
    return found


async def _not_valid(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RequestValidationError)
    found = places_of(error.errors())
    said = problem(422, "invalid_input", f"{len(found)} of the inputs cannot be used", problems=found)
    return problem_response(said)


async def _not_http(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "no_such_method"}.get(error.status_code, "bad_request")
    return problem_response(problem(error.status_code, code, str(error.detail)), error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    del request
    return _answer(error)
