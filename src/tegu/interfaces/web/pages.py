"""The files of the web application, and its one page at the address of each of its pages.

    /assets/...                         built files; their names change with their content, so browsers keep them for good
    /, /runs/...                        the page, whose addresses below the prefix are written in when it is asked for
    /embed/runs/ID, /embed/reviews/ID   what host applications show in a frame, where they may (TEGU_EMBED_ORIGINS)
    /embed/v1/tegu.js                   the elements `<tegu-run>` and `<tegu-review>`, which any page may load

Called by `http.service`. Invariants: only files that were built are served, read once at the start; the pages say nothing of
anybody, so that they are served before anybody signed in.
"""

import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

DIST = Path(__file__).with_name("dist")
PAGES = ("inbox", "runs", "review", "compare", "pipelines", "costs", "status", "admin", "settings")
"""First steps of the paths that the application itself shows."""
ELEMENTS = "embed/v1/tegu.js"
"""The number is that of what host applications rely on: attributes and events."""
_EMBEDDED = "embed.html"
_FOR_GOOD = "public, max-age=31536000, immutable"
_BRIEFLY = "public, max-age=300"
_ANY_PAGE = {"access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin"}
_ORIGINS = 'name="tegu-embed-origins" content=""'


@dataclass(frozen=True, slots=True)
class Framing:
    """Which origins may show a run or a review in a frame, and the headers that say so to browsers."""

    origins: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


NOWHERE = Framing()


def is_built() -> bool:
    """Whether there is an application to serve: a checkout has none before `make ui`."""
    return (DIST / "index.html").is_file()


def checkout() -> Path | None:
    """The checkout that this runs from, whose `make` builds the application; None: it was installed, built."""
    root = Path(__file__).parents[4]
    return root if (root / "Makefile").is_file() and (root / "ui" / "package.json").is_file() else None


def how_to_build() -> str:
    """What to say where it is not built."""
    root = checkout()
    if root is None:
        return "The web application is not in this installation. Install Tegu from its wheel, which has it."
    return f"The web application is not built: `make ui` in {root} builds it, then start this again."


def pages(framing: Framing = NOWHERE) -> list[Route]:
    """The routes, of an application that is built."""
    public = [name for name in _files() if "/" not in name and name != _EMBEDDED]
    return [
        Route("/", _page, methods=["GET"]),
        *(Route(f"/{page}{rest}", _page, methods=["GET"]) for page in PAGES for rest in ("", "/{rest:path}")),
        Route("/assets/{name}", _asset, methods=["GET"]),
        Route(f"/{ELEMENTS}", _elements, methods=["GET"]),
        *(
            Route(f"/embed/{noun}/{{id}}", partial(_embedded, framing=framing), methods=["GET"])
            for noun in ("runs", "reviews")
        ),
        *(Route(f"/{name}", _public, methods=["GET"], name=name) for name in public),
    ]


async def _page(request: Request) -> HTMLResponse:
    return HTMLResponse(_placed(request, "index.html"), headers={"cache-control": "no-cache"})


async def _embedded(request: Request, *, framing: Framing) -> HTMLResponse:
    """It is told whom it may listen to: the same origins that may frame it."""
    told = _ORIGINS.replace('""', f'"{escape(" ".join(framing.origins), quote=True)}"')
    text = _placed(request, _EMBEDDED).replace(_ORIGINS, told)
    return HTMLResponse(text, headers={"cache-control": "no-cache", **framing.headers})


async def _asset(request: Request) -> Response:
    return _file(f"assets/{request.path_params['name']}", _FOR_GOOD)


async def _elements(request: Request) -> Response:
    del request
    found = _file(ELEMENTS, _BRIEFLY)
    found.headers.update(_ANY_PAGE)
    return found


async def _public(request: Request) -> Response:
    return _file(request.url.path.rpartition("/")[2], _BRIEFLY)


def _placed(request: Request, name: str) -> str:
    """A page, with the addresses of what it loads below the prefix that the application is mounted at."""
    prefix = escape(str(request.scope.get("root_path", "")).rstrip("/"), quote=True)
    return _files()[name].decode().replace('="./', f'="{prefix}/')


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
