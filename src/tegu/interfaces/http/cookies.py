"""The cookie that holds a session's token.

Called by authentication and the pages of signing in. Invariant: no script reads it, no other site's form sends it, and it
goes over TLS to this one host, but where the service is on this machine alone, over plain HTTP.
"""

from starlette.requests import Request
from starlette.responses import Response

from tegu.actions.sign_in import SESSION_S
from tegu.settings import SignInSettings


def name_of(settings: SignInSettings) -> str:
    """`__Host-`: browsers take it only with Secure, for this host and the whole of it."""
    return "tegu" if settings.is_local else "__Host-tegu"


def token_in(request: Request, settings: SignInSettings) -> str | None:
    """The token that the request brings."""
    return request.cookies.get(name_of(settings))


def give(response: Response, settings: SignInSettings, token: str) -> None:
    """Let the browser keep it."""
    response.set_cookie(
        name_of(settings),
        token,
        max_age=int(SESSION_S),
        path="/",
        secure=not settings.is_local,
        httponly=True,
        samesite="lax",
    )


def take_away(response: Response, settings: SignInSettings) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        name_of(settings), path="/", secure=not settings.is_local, httponly=True, samesite="lax"
    )
