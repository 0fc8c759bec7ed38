"""MCP over HTTP: one endpoint, to which clients post, and what it says of itself to those who have no key yet.

    POST /mcp                                       the protocol, with `Authorization: Bearer tegu_...`
    GET  /.well-known/oauth-protected-resource/mcp  who issues what it takes (RFC 9728)

Called by the service, which says who asks. Invariants: a cookie lets nobody in, since a page elsewhere could send one along; the
key goes no further than this door; every request is served by a server of its own, so nothing is left of it when it is answered.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Send
from starlette.types import Scope as Asgi

from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.errors import ForbiddenError, UnauthenticatedError
from tegu.interfaces.mcp.agent import Agent

PATH = "/mcp"
METADATA_PATH = f"/.well-known/oauth-protected-resource{PATH}"

ScopeOf = Callable[[Request], Awaitable[Scope]]
"""On whose behalf a request asks. Raises UnauthenticatedError."""
AnswerOf = Callable[[Exception], Response]
"""How an error is told over HTTP."""

# It tells of every request that it began and ended: ours has a line in the access log.
logging.getLogger("mcp.server.streamable_http_manager").setLevel(logging.WARNING)


def mcp_routes(
    scope_of: ScopeOf,
    answer_of: AnswerOf,
    *,
    base_url: str | None,
    body_bytes_max: int,
    authorization_servers: Sequence[str] = (),
) -> list[BaseRoute]:
    """The endpoint and its metadata. `base_url` is where the service is reached, None where a host mounts it;
    `authorization_servers` are the host's own, whose tokens its `resolve_user` takes.
    """
    endpoint = Endpoint(scope_of, answer_of, base_url=base_url, body_bytes_max=body_bytes_max)

    async def metadata(request: Request) -> Response:
        return JSONResponse(
            {
                "resource": _root(request, base_url) + PATH,
                **({"authorization_servers": [*authorization_servers]} if authorization_servers else {}),
                "scopes_supported": [each.value for each in Permission if each is not Permission.SELF],
                "bearer_methods_supported": ["header"],
                "resource_name": "Tegu",
            }
        )

    return [Route(METADATA_PATH, metadata, methods=["GET"]), Route(PATH, endpoint)]


class Endpoint:
    """See the module."""

    def __init__(
        self, scope_of: ScopeOf, answer_of: AnswerOf, *, base_url: str | None, body_bytes_max: int
    ) -> None:
        self._scope_of = scope_of
        self._answer_of = answer_of
        self._base_url = base_url
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Asgi, receive: Receive, send: Send) -> None:
        """One request. With `?tools=all` it has every tool that the key may call."""
        request = Request(scope, receive)
        if request.method != "POST":  # there is no stream to open, and no session to end
            return await Response(status_code=405, headers={"allow": "POST"})(scope, receive, send)
        try:
            acting = await self._acting(request)
        except Exception as error:  # noqa: BLE001 (every error becomes an answer)
            return await self._refusal(request, error)(scope, receive, send)
        agent = Agent(acting, every=request.query_params.get("tools") == "all")
        manager = StreamableHTTPSessionManager(
            agent.server(), json_response=True, stateless=True, max_request_body_size=self._body_bytes_max
        )
        async with manager.run():
            await manager.handle_request(scope, receive, send)
        return None

    async def _acting(self, request: Request) -> Scope:
        """On whose behalf. Raises UnauthenticatedError, ForbiddenError."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc not in self._own_hosts(request):
            raise ForbiddenError(
                "this request comes from a page of another origin",
                code="cross_origin",
                hint="agents are programs, and send no `Origin`",
            )
        if "authorization" not in request.headers:
            raise UnauthenticatedError("nobody knows who asks", hint="send `Authorization: Bearer tegu_...`")
        return await self._scope_of(request)

    def _own_hosts(self, request: Request) -> set[str]:
        hosts = {request.headers.get("host", "")}
        return hosts | {urlsplit(self._base_url).netloc} if self._base_url else hosts

    def _refusal(self, request: Request, error: Exception) -> Response:
        response = self._answer_of(error)
        if response.status_code == 401:
            metadata = _root(request, self._base_url) + METADATA_PATH
            response.headers["www-authenticate"] = f'Bearer realm="tegu", resource_metadata="{metadata}"'
        return response


def _root(request: Request, base_url: str | None) -> str:
    """Where the service is, without a slash at its end."""
    return (base_url or str(request.base_url)).rstrip("/")
