"""The live feed: one stream of server-sent events for each client, over all topics that it follows.

    GET /api/events?topics=runs,run:ID@0&partials=true

    event: ready      from here on everything is told: read the present state now, then apply what comes
    event: run        something that happened in a run; `seq` counts within the run
    event: partial    what a model has said so far, of the moment: without an id, and never again
    event: resync     something was left out: read the present state again; what comes is complete again from here
    event: end        the last one: come again with the id (`stopping`), or sign in again (`signed_out`)

Called by `api`. Invariants: an id is only sent when everything before it was; a comment or an id comes every few seconds, so that
either side notices a dead connection; nobody is told more after what let them in has ended.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Annotated, Any, assert_never

from fastapi import APIRouter, Header, Query, Request
from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from tegu.actions.live import Follow, Live, followed
from tegu.actions.scope import Scope
from tegu.domain.actor import ActorKind
from tegu.domain.errors import TeguError
from tegu.domain.run import RunEvent
from tegu.engine.subscription import Began, Ended, EndReason, Note, Resync, Told
from tegu.interfaces.http.problems import error_response
from tegu.interfaces.http.reading import CheckedRoute, ScopeOf
from tegu.storage.event_news import Snapshot

BEAT_S = 15.0
HOST_CHECK_S = 60.0
"""How often a host is asked whether its user is still there."""
RETRY_MS = 2000
_CHUNK_BYTES = 65_536
_EVENT = TypeAdapter(RunEvent)
_HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)


def events(scope_of: ScopeOf) -> APIRouter:
    """The route."""
    router = APIRouter(route_class=CheckedRoute)

    async def follow_events(
        request: Request,
        topics: Annotated[
            str, Query(max_length=10_000, description="`runs`, `pipeline:NAME`, `run:ID`, `run:ID@SEQ`.")
        ] = "runs",
        partials: Annotated[
            bool, Query(description="Also what the models of `run:` topics have said so far.")
        ] = False,
        cursor: Annotated[
            str | None, Query(max_length=2000, description="Where `Last-Event-ID` cannot be sent.")
        ] = None,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=2000)] = None,
    ) -> Response:
        named = tuple(topic.strip() for topic in topics.split(",") if topic.strip())
        asked = Follow(named, partials, last_event_id or cursor)
        return _Stream(await scope_of(request), asked, lambda: scope_of(request))

    router.add_api_route(
        "/events",
        follow_events,
        methods=["GET"],
        name="events.follow",
        include_in_schema=False,  # `event_paths` says what it is
    )
    return router


class _Stream(Response):
    """An answer that ends when the client goes, or is told the end."""

    def __init__(self, scope: Scope, asked: Follow, again: Callable[[], Awaitable[Scope]]) -> None:
        super().__init__()
        self._scope = scope
        self._asked = asked
        self._again = again

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """See Starlette."""
        try:
            async with followed(self._scope, self._asked) as live, _gone(receive, live) as gone:
                await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
                await self._write(live, gone, send)
        except TeguError as error:  # raised before anything was sent
            await error_response(error)(scope, receive, send)

    async def _write(self, live: Live, gone: "asyncio.Task[None]", send: Send) -> None:
        await send(_body(b"retry: %d\n\n" % RETRY_MS))
        checked_at = monotonic()
        while not gone.done():
            notes = await live.subscription.take(within_s=BEAT_S)
            pieces = [_written(note, live.write_cursor) for note in notes] or [_beat(live)]
            for chunk in _chunks(pieces):
                await send(_body(chunk))
            if notes and isinstance(notes[-1], Ended):
                return await send(_body(b"", is_last=True))
            if self._scope.actor.kind is ActorKind.HOST and monotonic() > checked_at + HOST_CHECK_S:
                checked_at = monotonic()
                with suppress(TeguError):
                    await self._again()
                    continue
                live.subscription.end(EndReason.SIGNED_OUT)
        return None


@asynccontextmanager
async def _gone(receive: Receive, live: Live) -> AsyncGenerator["asyncio.Task[None]"]:
    """A task that ends when the client is gone; whoever waits for news is woken then."""

    async def wait() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        live.subscription.leave()

    task = asyncio.create_task(wait())
    try:
        yield task
    finally:
        task.cancel()


def _written(note: Note, write_cursor: Callable[[Snapshot], str]) -> bytes:
    match note:
        case Told():
            if note.written is None:
                kind = "partial" if note.event.kind == "stage.partial" else "run"
                id_ = write_cursor(note.position) if note.position is not None else None
                note.written = _sse(kind, _EVENT.dump_json(note.event), id_)
            return note.written
        case Began():
            return _sse("ready", b"{}", write_cursor(note.position))
        case Resync():
            return _sse("resync", _reason(note.reason), write_cursor(note.position))
        case Ended():
            return _sse("end", _reason(note.reason), None)
        case _:
            assert_never(note)


def _reason(reason: str) -> bytes:
    return json.dumps({"reason": reason}).encode()


def _sse(kind: str, data: bytes, id_: str | None) -> bytes:
    """One event. JSON has no line breaks, and a cursor none either."""
    head = f"id: {id_}\nevent: {kind}\n" if id_ is not None else f"event: {kind}\n"
    return b"%sdata: %s\n\n" % (head.encode(), data)


def _beat(live: Live) -> bytes:
    """A sign of life; with an id where everything up to it was told, so that who comes again is not far behind."""
    position = live.position()
    return b": alive\n\n" if position is None else f": alive\nid: {live.write_cursor(position)}\n\n".encode()


def _chunks(pieces: list[bytes]) -> list[bytes]:
    """The same in as few pieces as may be, none of which is very large."""
    found, size = [bytearray()], 0
    for piece in pieces:
        if size + len(piece) > _CHUNK_BYTES and found[-1]:
            found.append(bytearray())
            size = 0
        found[-1] += piece
        size += len(piece)
    return [bytes(each) for each in found]


def _body(data: bytes, *, is_last: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": not is_last}
