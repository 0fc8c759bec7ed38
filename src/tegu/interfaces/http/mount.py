"""The ASGI application that `tegu.asgi()` returns: `app.mount("/tegu", tegu.asgi())`.

    GET /health    200 {"status": "ok", ...} or 503 while something is missing, and how the installation is
    GET /metrics   figures for Prometheus; anything else is a 404 problem

Both are the operator's: they name no organization, but count the runs of all. With `installation=False` neither is told:
/health is about this process alone, and there is no /metrics.

It opens nothing when mounted, because servers do not run the lifespan of a mounted application: the host's own lifespan
opens Tegu. Served alone, its lifespan does. Invariant: it decides nothing, and depends on no web framework.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, replace
from typing import Any, Protocol

from tegu.domain.installation import Health, Installation

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

    def __init__(self, tegu: Served, *, installation: bool = True) -> None:
        self._tegu = tegu
        self._tells = installation

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
        if path not in ({"/health", "/metrics"} if self._tells else {"/health"}):
            return await _problem(send, 404, "there is nothing at this address", scope)
        if scope["method"] not in {"GET", "HEAD"}:
            return await _problem(send, 405, "only GET is answered here", scope)
        health = await self._tegu.health()
        if path == "/metrics":
            from tegu.interfaces.http.exposition import CONTENT_TYPE, exposition

            return await _respond(send, 200, exposition(health), scope, media_type=CONTENT_TYPE)
        shown = _shown(health if self._tells else replace(health, installation=None))
        return await _respond(send, 200 if health.is_ready else 503, json.dumps(shown).encode(), scope)

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


def mounted(tegu: Served, *, installation: bool = True) -> MountedTegu:
    """The application of this Tegu."""
    return MountedTegu(tegu, installation=installation)


def _shown(health: Health) -> dict[str, Any]:
    worker = {"runs": health.runs, "slots": health.slots} if health.slots is not None else None
    return {
        "status": "ok" if health.is_ready else "unavailable",
        "open": health.is_open,
        "database": health.is_database_reachable,
        "database_latency_ms": health.latency_ms,
        "schema": health.schema,
        "worker": worker,
        "problem": health.problem,
        "installation": summary(health.installation) if health.installation is not None else None,
    }


def summary(found: Installation) -> dict[str, Any]:
    """How the installation is, without naming hosts."""
    return {
        "at": found.at.isoformat(),
        "workers": {"alive": len(found.workers), "slots": found.slots, "slots_used": found.slots_used},
        "backlog": asdict(found.backlog),
        "waiting_for": {reason.code: reason.runs for reason in found.reasons},
        "unserved": [asdict(each) for each in found.unserved],
        "leases": asdict(found.leases),
        "in_flight": {"stages": found.stages, "calls": found.calls},
        "counted_max": found.counted_max,
        "is_capped": found.is_capped,
    }


async def _problem(send: Send, status: int, detail: str, scope: Message) -> None:
    title = {404: "Not Found", 405: "Method Not Allowed"}[status]
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    await _respond(send, status, json.dumps(body).encode(), scope, media_type=b"application/problem+json")


async def _respond(
    send: Send, status: int, data: bytes, scope: Message, *, media_type: bytes = b"application/json"
) -> None:
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(data)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})
