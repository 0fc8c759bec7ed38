"""The ASGI application that `tegu.asgi()` returns: `app.mount("/tegu", tegu.asgi())`.

    GET /health   200 {"status": "ok", ...} or 503 while something is missing; anything else is a 404 problem

It opens nothing when mounted, because servers do not run the lifespan of a mounted application: the host's own lifespan
opens Tegu. Served alone, its lifespan does. Invariant: it decides nothing, and depends on no web framework.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from tegu.domain.operations import Health

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Served(Protocol):
    """What of a `Tegu` is served; it makes this application, so that its class is not imported here."""

    async def open(self) -> None:
        """Open it."""
        ...

    async def close(self) -> None:
        """Close it."""
        ...

    async def health(self) -> Health:
        """Whether it can do its work."""
        ...


class MountedTegu:
    """See the module."""

    def __init__(self, tegu: Served) -> None:
        self._tegu = tegu

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the lifespan of a server that serves this alone."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Message, send: Send) -> None:
        path = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        if path != "/health":
            return await _problem(send, 404, "there is nothing at this address", scope)
        if scope["method"] not in {"GET", "HEAD"}:
            return await _problem(send, 405, "only GET is answered here", scope)
        health = await self._tegu.health()
        return await _respond(send, 200 if health.is_ready else 503, _shown(health), scope)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._tegu.open()
        except Exception as error:  # noqa: BLE001 (the server is told, and ends)
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._tegu.close()
        await send({"type": "lifespan.shutdown.complete"})


def mounted(tegu: Served) -> MountedTegu:
    """The application of this Tegu."""
    return MountedTegu(tegu)


def _shown(health: Health) -> dict[str, Any]:
    worker = {"runs": health.runs, "slots": health.slots} if health.slots is not None else None
    return {
        "status": "ok" if health.is_ready else "unavailable",
        "open": health.is_open,
        "database": health.is_database_reachable,
        "worker": worker,
        "problem": health.problem,
    }


async def _problem(send: Send, status: int, detail: str, scope: Message) -> None:
    title = {404: "Not Found", 405: "Method Not Allowed"}[status]
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    await _respond(send, status, body, scope, media_type=b"application/problem+json")


async def _respond(
    send: Send, status: int, body: dict[str, Any], scope: Message, *, media_type: bytes = b"application/json"
) -> None:
    data = json.dumps(body).encode()
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(data)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})
