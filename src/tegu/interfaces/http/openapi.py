"""The OpenAPI document: what FastAPI says of the routes, made exact enough to generate a client from.

Called by `api`. Invariants: an operation names the statuses that it can give, and no other; what an answer always has is
required; every type has one plain name.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from tegu.actions.action import Effect
from tegu.domain.actor import Permission
from tegu.interfaces.http.error_codes import ERROR_CODES
from tegu.interfaces.http.event_paths import EVENT_PATHS
from tegu.interfaces.http.examples import EXAMPLES
from tegu.interfaces.http.file_paths import FILE_PATHS, FILE_SCHEMAS, UPLOAD_BODIES, UPLOAD_QUERY, UPLOADS_TAG
from tegu.interfaces.http.problems import MEDIA_TYPE, TITLES
from tegu.interfaces.http.routes import Route

Json = dict[str, Any]

_ALWAYS: tuple[int, ...] = (401, 403, 422, 429, 503)
_RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_ETAG = {"ETag": {"description": "Stands for this very answer.", "schema": {"type": "string"}}}
_PARAMETERS: Json = {
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The ETag of what is at hand: 304 where it is still so.",
        "schema": {"type": "string"},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "The ETag of what is to be changed: 412 where it is another by now.",
        "schema": {"type": "string"},
    },
}
_SECURITY: Json = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key: `tegu_<prefix>_<secret>`."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-tegu",
        "description": "Of a person who signed in with a browser.",
    },
}
_PAGE = re.compile(r"Page_(\w+?)_")
_SUCCESS = {200: "It went well.", 201: "It was made."}


def statuses_of(route: Route) -> tuple[int, ...]:
    """The statuses, beside that of success, that an action can give."""
    action = route.action
    found = set(_ALWAYS)
    # What is read by a body names things in it.
    if action.key is not None or action.effect is not Effect.READ or route.method == "POST":
        found.add(404)
    if action.key == "run_id" and action.effect is not Effect.READ:
        found.add(410)
    if action.effect is not Effect.READ:
        found.add(409)
    if route.rest is not None and not route.is_queried:
        found |= {413, 415}
    if route.is_conditional:
        found.add(412)
    if route.method == "GET":
        found.add(304)
    if action.permission is Permission.CALLS_WRITE:
        found.add(502)
    return tuple(sorted(found))


def document(app: FastAPI, routes: Iterable[Route]) -> Json:
    """The whole of it."""
    made = get_openapi(
        title=app.title, version=app.version, description=app.description, routes=app.router.routes
    )
    routes = list(routes)
    for route in routes:
        _finish(made["paths"][route.path][route.method.lower()], route)
    paths = made["paths"] | {
        path: made["paths"].get(path, {}) | item for path, item in (FILE_PATHS | EVENT_PATHS).items()
    }
    create: Json = paths["/contents"]["post"]
    create["requestBody"]["content"] |= UPLOAD_BODIES
    create["parameters"] += UPLOAD_QUERY
    schemas: Json = made["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas |= FILE_SCHEMAS
    schemas["ErrorCode"] = {
        "type": "string",
        "enum": list(ERROR_CODES),
        "description": "What went wrong, for programs. Codes may be added; none changes its meaning.",
    }
    schemas["ProblemDetails"]["properties"]["code"] = {"$ref": "#/components/schemas/ErrorCode"}
    for schema in schemas.values():
        _without_titles(schema)
    inputs = _reached(paths, schemas, "requestBody")
    for name, schema in schemas.items():
        if name not in inputs:
            _as_answered(schema)
    return _renamed(
        {
            "openapi": made["openapi"],
            "info": made["info"] | {"license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
            "servers": [{"url": "/api"}],
            "security": [{"key": []}, {"session": []}],
            "tags": [*_tags(routes), UPLOADS_TAG],
            "paths": dict(sorted(paths.items())),
            "components": {
                "schemas": dict(sorted(schemas.items())),
                "responses": _problems(),
                "parameters": _PARAMETERS,
                "securitySchemes": _SECURITY,
            },
        }
    )


def _finish(operation: Json, route: Route) -> None:
    """Statuses, headers and examples of one operation."""
    done: Json = {str(status): each for status, each in _successes(operation, route)}
    for status in statuses_of(route):
        done[str(status)] = (
            {"description": "It is as you have it.", "headers": _ETAG}
            if status == 304
            else {"$ref": f"#/components/responses/{_name(status)}"}
        )
    operation["responses"] = done
    parameters: list[Json] = operation.setdefault("parameters", [])
    for parameter in parameters:
        _without_titles(parameter)
        parameter["schema"].pop("description", None)
        _without_null(parameter)
    if route.method == "GET":
        parameters.append({"$ref": "#/components/parameters/IfNoneMatch"})
    if route.is_conditional:
        parameters.append({"$ref": "#/components/parameters/IfMatch"})
    example = EXAMPLES.get(route.action.name)
    if example is not None and "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["example"] = example


def _successes(operation: Json, route: Route) -> Iterator[tuple[int, Json]]:
    said: Json = operation["responses"][str(route.status)]
    said["description"] = _SUCCESS[route.status]
    if route.method == "GET" or route.shows_current:
        said["headers"] = _ETAG
    if route.is_page:
        said["content"]["text/csv"] = {"schema": {"type": "string"}}
    yield route.status, said
    if route.action.name == "contents.create":
        yield 200, said | {"description": "It was there already."}


def _problems() -> Json:
    said: Json = {}
    for status, title in TITLES.items():
        said[_name(status)] = {
            "description": title + ".",
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
        }
        if status in {429, 503}:
            said[_name(status)]["headers"] = _RETRY_AFTER
    return said


def _name(status: int) -> str:
    return f"Problem{status}"


def _tags(routes: list[Route]) -> list[Json]:
    """Each noun, with what the module that declares its actions says of itself."""
    found: dict[str, str] = {}
    for route in routes:
        module = sys.modules[route.action.perform.__module__]
        found.setdefault(route.action.noun, (module.__doc__ or "").strip().split("\n\n", 1)[0])
    return [{"name": name, "description": " ".join(said.split())} for name, said in sorted(found.items())]


def _without_titles(schema: Json) -> None:
    """Titles that only repeat the name of what they stand at say nothing."""
    for each in _schemas_in(schema):
        each.pop("title", None)


def _without_null(parameter: Json) -> None:
    """A query or a header is there or not; it is never null."""
    choices = [each for each in parameter["schema"].get("anyOf", ()) if each.get("type") != "null"]
    if len(choices) == 1:
        rest = {key: value for key, value in parameter["schema"].items() if key != "anyOf"}
        parameter["schema"] = choices[0] | rest


def _as_answered(schema: Json) -> None:
    """What an answer has by default, it has: required, and no default is told."""
    for each in _schemas_in(schema):
        if isinstance(each.get("properties"), dict):
            each["required"] = list(each["properties"])
        each.pop("default", None)


def _schemas_in(schema: Json) -> Iterator[Json]:
    """A schema and those within it: never an example, nor a property that is called as a keyword is."""
    yield schema
    for key in ("properties", "$defs"):
        for each in cast("Mapping[str, Any]", schema.get(key, {})).values():
            yield from _schemas_in(each)
    for key in ("items", "additionalProperties", "schema"):
        if isinstance(schema.get(key), dict):
            yield from _schemas_in(schema[key])
    for key in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for each in schema.get(key, ()):
            yield from _schemas_in(each)


def _reached(paths: Json, schemas: Json, key: str) -> set[str]:
    """Names of the schemas that a part of the operations refers to, directly or not."""
    left = [
        name
        for item in paths.values()
        for operation in item.values()
        if isinstance(operation, dict)
        for name in _references(cast("Json", operation).get(key, {}))
    ]
    found: set[str] = set()
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _references(schemas[name])
    return found


def _references(value: Any) -> list[str]:
    return re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(value))


def _renamed(made: Json) -> Json:
    """`Page_Run_` as `RunPage`, wherever it is named."""

    def renamed(value: Any) -> Any:
        match value:
            case dict():
                items = cast("dict[str, Any]", value).items()
                return {_PAGE.sub(r"\1Page", key): renamed(each) for key, each in items}
            case list():
                return [renamed(each) for each in cast("list[Any]", value)]
            case str() if value.startswith("#/components/schemas/"):
                return _PAGE.sub(r"\1Page", value)
            case _:
                return value

    return renamed(made)
