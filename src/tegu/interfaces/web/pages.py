"""The files of the web application, and its one page at the address of each of its pages.

    /assets/...     built files; their names change with their content, so browsers keep them for good
    /, /runs/...    the page, whose addresses below the prefix are written in when it is asked for

Called by `http.service`. Invariants: only files that were built are served, read once at the start; the page says nothing of
anybody, so that it is served before anybody signed in.
"""

import mimetypes
from functools import cache
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

DIST = Path(__file__).with_name("dist")
PAGES = ("inbox", "runs", "review", "compare", "pipelines", "costs", "status", "admin", "settings")
"""First steps of the paths that the application itself shows."""
_FOR_GOOD = "public, max-age=31536000, immutable"
_BRIEFLY = "public, max-age=300"


def is_built() -> bool:
    """Whether there is an application to serve: a checkout has none before `make ui`."""
    return (DIST / "index.html").is_file()


def pages() -> list[Route]:
    """The routes, of an application that is built."""
    return [
        Route("/", _page, methods=["GET"]),
        *(Route(f"/{page}{rest}", _page, methods=["GET"]) for page in PAGES for rest in ("", "/{rest:path}")),
        Route("/assets/{name}", _asset, methods=["GET"]),
        *(Route(f"/{name}", _public, methods=["GET"], name=name) for name in _files() if "/" not in name),
    ]


async def _page(request: Request) -> HTMLResponse:
    prefix = escape(str(request.scope.get("root_path", "")).rstrip("/"), quote=True)
    text = _files()["index.html"].decode().replace('="./', f'="{prefix}/')
    return HTMLResponse(text, headers={"cache-control": "no-cache"})


async def _asset(request: Request) -> Response:
    return _file(f"assets/{request.path_params['name']}", _FOR_GOOD)


async def _public(request: Request) -> Response:
    return _file(request.url.path.rpartition("/")[2], _BRIEFLY)


def _file(name: str, kept: str) -> Response:
    data = _files().get(name)
    if data is None:
        return Response("there is no such file", 404, media_type="text/plain")
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(data, headers={"cache-control": kept}, media_type=media_type)


@cache
def _files() -> dict[str, bytes]:
    return {
        path.relative_to(DIST).as_posix(): path.read_bytes()
        for path in sorted(DIST.rglob("*"))
        if path.is_file()
    }
