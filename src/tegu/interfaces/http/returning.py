"""Where somebody wanted to go who was sent to sign in, kept by their browser until they have.

Called by the pages of signing in. Invariant: it is a page of the application, by its path below it: whatever else is asked for,
by whomever, is no place to go.
"""

import re
from urllib.parse import quote, unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from tegu.interfaces.web.pages import PAGES
from tegu.settings import SignInSettings

KEPT_S = 3600
LENGTH_MAX = 1_000
_PLACE = re.compile(r"[\w~.%/@:,;!$'()*+-]+(\?[\w~.%/@:,;!$'()*+=&?-]*)?", re.ASCII)


def place_of(asked: str) -> str | None:
    """The page that is asked for, as it stands below the application's own address; None: it is none."""
    if len(asked) > LENGTH_MAX or not _PLACE.fullmatch(asked):
        return None
    steps = unquote(urlsplit(f"//host/{asked}").path).split("/")[1:]
    is_ours = steps[0] in PAGES and all(step not in {"", ".", ".."} and "\\" not in step for step in steps)
    return asked if is_ours else None


def keep(response: Response, settings: SignInSettings, asked: str) -> None:
    """Let the browser keep it, where it is a page."""
    place = place_of(asked)
    if place is not None:
        response.set_cookie(
            _name(settings),
            quote(place, safe=""),
            max_age=KEPT_S,
            path="/",
            secure=not settings.is_local,
            httponly=True,
            samesite="lax",
        )


def kept(request: Request, settings: SignInSettings) -> str:
    """What it kept; nothing where that is no page."""
    return place_of(unquote(request.cookies.get(_name(settings), ""))) or ""


def forget(request: Request, response: Response, settings: SignInSettings) -> None:
    """Let the browser forget it, if it kept any: it has been gone to."""
    if _name(settings) in request.cookies:
        response.delete_cookie(
            _name(settings), path="/", secure=not settings.is_local, httponly=True, samesite="lax"
        )


def _name(settings: SignInSettings) -> str:
    return "tegu-next" if settings.is_local else "__Host-tegu-next"
