"""Probes and the lifespan: what of the service answers without knowing who asks.

    GET /health    200 {"status": "ok", ...} or 503 while something is missing, and how the installation is
    GET /metrics   figures for Prometheus; anything else is a 404 problem

Both are the operator's: they name no organization, but count the runs of all. With `installation=False` neither is told:
/health is about this process alone, and there is no /metrics.

Called by `service` for what no route answers, and by `tegu worker --metrics`. It opens nothing when mounted: the host's own
lifespan opens Tegu. Served alone, its lifespan does. Invariant: it decides nothing, and depends on no web framework.
"""

import asyncio
from dataclasses import asdict, replace
from typing import Any, Protocol

from tegu.domain.installation import Health, Installation
from tegu.interfaces.http.asgi import Message, Receive, Send, path_of, respond, respond_json, respond_problem


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
        self._looking: asyncio.Future[Health] | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request, or the lifespan of a server that serves this alone."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    async def _answer(self, scope: Message, send: Send) -> None:
        path = path_of(scope)
        if path not in ({"/health", "/metrics"} if self._tells else {"/health"}):
            return await respond_problem(send, scope, 404, "not_found", "there is nothing at this address")
        if scope["method"] not in {"GET", "HEAD"}:
            return await respond_problem(send, scope, 405, "no_such_method", "only GET is answered here")
        health = await self._health()
        if path == "/metrics":
            from tegu.interfaces.http.exposition import CONTENT_TYPE, exposition

            return await respond(send, scope, 200, exposition(health), CONTENT_TYPE)
        shown = _shown(health if self._tells else replace(health, installation=None))
        return await respond_json(send, scope, 200 if health.is_ready else 503, shown)

    async def _health(self) -> Health:
        """How it is. Whoever asks while that is being looked at gets the same answer: a thousand askers are one look."""
        if self._looking is None:
            self._looking = asyncio.ensure_future(self._tegu.health())
            self._looking.add_done_callback(self._looked)
        return await asyncio.shield(self._looking)

    def _looked(self, _: "asyncio.Future[Health]") -> None:
        self._looking = None

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
