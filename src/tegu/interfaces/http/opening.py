"""A link that signs in by being opened: for the browser that the process itself opens, on the machine where it runs.

    GET /auth/open?token=...    a session, and on to the application

Called by `tegu serve --demo`. Invariants: there is one, made by the process and kept in its memory; it is good once, and is mailed
to nobody, so that nobody looks through it before (other links ask for a button to be pressed, for that reason).
"""

import hmac

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tegu.actions import sign_in
from tegu.actions.machinery import Machinery
from tegu.actions.sign_in import Visitor
from tegu.actions.tokens import new_token
from tegu.domain.errors import TeguError
from tegu.interfaces.http import cookies
from tegu.interfaces.http.problems import error_response


class Opening:
    """See the module. Whoever opens the link is signed in with this address."""

    def __init__(self, machinery: Machinery, email: str) -> None:
        self._machinery = machinery
        self._email = email
        self._token: str | None = new_token()

    @property
    def link(self) -> str:
        """It leads to where the service is."""
        return f"{self._machinery.settings.sign_in.url}/auth/open?token={self._token or ''}"

    def route(self) -> Route:
        """What answers."""
        return Route("/auth/open", self._open, methods=["GET"])

    async def _open(self, request: Request) -> Response:
        given, token = request.query_params.get("token", ""), self._token
        if token is None or not hmac.compare_digest(given.encode(), token.encode()):
            return RedirectResponse("sign-in", 303)
        self._token = None
        host = request.client.host if request.client else ""
        visitor = Visitor(host, request.headers.get("user-agent", ""))
        try:
            begun = await sign_in.sign_in_by_email(self._machinery, self._email, visitor, how="opened")
        except TeguError as error:
            return error_response(error)
        done = RedirectResponse("../", 303)
        cookies.give(done, self._machinery.settings.sign_in, begun.token)
        return done
