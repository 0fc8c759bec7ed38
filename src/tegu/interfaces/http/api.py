"""REST: one route for every action, made from its declaration, with an OpenAPI document that says all of it.

Called by `service`. Invariant: a route finds out who asks before it reads what was sent; an endpoint hands the inputs to the
action, and writes what it returns or raises; it decides nothing.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from functools import cache, partial
from importlib.metadata import version as installed_version
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Header, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tegu.actions.action import Effect
from tegu.actions.registry import ACTIONS
from tegu.actions.scope import Scope
from tegu.interfaces.http.conditional import CHANGES_AT_ONCE, act_if_unchanged, etag_of, representation
from tegu.interfaces.http.csv_rows import csv_response, is_csv_wanted
from tegu.interfaces.http.downloads import downloads
from tegu.interfaces.http.events import events
from tegu.interfaces.http.heard import GONE, while_heard
from tegu.interfaces.http.openapi import document
from tegu.interfaces.http.page_pictures import page_pictures
from tegu.interfaces.http.problems import (
    ProblemDetails,
    error_response,
    places_of,
    problem,
    problem_response,
)
from tegu.interfaces.http.reading import CheckedRoute, ScopeOf, check_query
from tegu.interfaces.http.reference_page import reference_page
from tegu.interfaces.http.resumable import resumable_uploads
from tegu.interfaces.http.routes import FORMAT_FIELD, IDEMPOTENCY_FIELD, Route
from tegu.interfaces.http.uploads import uploads

Endpoint = Callable[..., Coroutine[Any, Any, Response]]


def api(scope_of: ScopeOf) -> FastAPI:
    """The application below /api."""
    app = FastAPI(
        title="Tegu",
        version=installed_version("tegu"),
        description="Durable LLM pipelines over files and e-mail: typed results with evidence, and a ledger of every call.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        separate_input_output_schemas=True,
    )
    routes = [Route(action) for action in ACTIONS.values()]
    app.include_router(uploads(scope_of))
    app.include_router(resumable_uploads(scope_of))
    app.include_router(downloads(scope_of))
    app.include_router(page_pictures(scope_of))
    app.include_router(events(scope_of))
    app.include_router(_router(routes, scope_of))
    app.openapi = cache(partial(document, app, routes))  # type: ignore[method-assign]  # as FastAPI's docs tell
    app.add_route("/docs", _docs, include_in_schema=False)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _not_http)
    app.add_exception_handler(Exception, _unexpected)
    return app


def _router(routes: Iterable[Route], scope_of: ScopeOf) -> APIRouter:
    class DerivedRoute(CheckedRoute):
        """A route of an action: its name is the action's."""

        async def admit(self, request: Request) -> None:
            """See `CheckedRoute`. Who asks is found out once."""
            scope = request.state.scope = await scope_of(request)
            ACTIONS[self.name].check(scope.actor)

    router = APIRouter(route_class=DerivedRoute)
    turns = asyncio.Semaphore(CHANGES_AT_ONCE)
    # What is written out comes before what stands for anything: /pipelines/schema before /pipelines/{pipeline}.
    for route in sorted(routes, key=lambda route: "{" in route.path):
        each = route.action
        router.add_api_route(
            route.path,
            _endpoint(route, turns),
            methods=[route.method],
            status_code=route.status,
            response_model=each.returns,
            name=each.name,
            operation_id=each.name.replace(".", "_"),
            summary=each.summary,
            description=each.description,
            tags=[each.noun],
            responses={422: {"model": ProblemDetails}},
            openapi_extra={"x-effect": each.effect.value, "x-permission": each.permission.value},
        )
    return router


def _endpoint(route: Route, turns: asyncio.Semaphore) -> Endpoint:
    """What answers for an action: FastAPI reads its signature, which is made here."""
    action = route.action
    queried = tuple(route.rest.model_fields) if route.rest is not None and route.is_queried else ()

    async def endpoint(request: Request, **parts: Any) -> Response:
        check_query(request, queried)
        scope: Scope = request.state.scope
        rest = parts.pop("rest", None)
        said = rest.model_dump(exclude_unset=True) if isinstance(rest, BaseModel) else {}
        given = {name: value for name, value in parts.items() if value is not None}
        wanted = said.pop(FORMAT_FIELD, None) if route.is_page else None
        asked = action.input.model_validate({**said, **given})
        expected = request.headers.get("if-match")
        if route.is_page and is_csv_wanted(request, wanted):
            return await csv_response(scope, action, asked)
        if expected is not None and route.method in {"PATCH", "PUT", "DELETE"}:
            done = await act_if_unchanged(
                scope, action, asked, current=route.current, expected=expected, turns=turns
            )
        elif action.effect is Effect.READ:
            done = await while_heard(request, action(scope, asked))
            if done is None:
                return GONE
        else:
            done = await action(scope, asked)
        data = action.output.dump_json(done)
        if route.method == "GET":
            return representation(request, data)
        headers = {"etag": etag_of(data)} if route.shows_current else {}
        return Response(data, route.status_of(done), headers, media_type="application/json")

    endpoint.__signature__ = Signature(_parameters(route))  # type: ignore[attr-defined]  # functions have one
    return endpoint


def _parameters(route: Route) -> Iterator[Parameter]:
    action = route.action
    yield Parameter("request", Parameter.KEYWORD_ONLY, annotation=Request)
    if action.key is not None:
        annotated = Annotated[action.input.model_fields[action.key].annotation, Path()]
        yield Parameter(action.key, Parameter.KEYWORD_ONLY, annotation=annotated)
    if route.rest is not None:
        annotated = Annotated[route.rest, Query() if route.is_queried else Body()]
        yield Parameter("rest", Parameter.KEYWORD_ONLY, annotation=annotated)
    if route.is_keyed:
        annotated = Annotated[str | None, Header(alias="Idempotency-Key", max_length=255)]
        yield Parameter(IDEMPOTENCY_FIELD, Parameter.KEYWORD_ONLY, annotation=annotated, default=None)


async def _docs(request: Request) -> Response:
    return reference_page(request.app.openapi())


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
    """Starlette raises it again after this: `front` logs it."""
    del request
    return error_response(error)
