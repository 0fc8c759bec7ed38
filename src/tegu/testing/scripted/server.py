"""The scripted provider: an HTTP server that answers as model providers do, by script, and remembers every request.

Called by tests, demos and benchmarks, in their process (`async with ScriptedProvider(...)`) or as its own
(`python -m tegu.testing.scripted`). Invariant: what it holds is bounded (connections, bodies, ledger), and when it
ends, no connection and no task of it is left.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tegu.testing.scripted.answering import answer
from tegu.testing.scripted.delivery import Events, Response, deliver
from tegu.testing.scripted.http import BodyTooLargeError, ClientGoneError, HttpConnection, HttpRequest
from tegu.testing.scripted.ledger import LedgerBook, LedgerEntry
from tegu.testing.scripted.openai import write_failure
from tegu.testing.scripted.routes import Routed, route
from tegu.testing.scripted.script import Failed, Raw, Reply, Tokens
from tegu.testing.scripted.state import AnyScript, Chosen, ScriptState
from tegu.testing.scripted.streams import events_of, failure_event, padding_event
from tegu.testing.scripted.wire import Answer, dump

_JSON = {"content-type": "application/json"}
_ROOT_PROVIDERS = frozenset(
    {
        "anthropic",
        "bedrock",
        "cohere",
        "google",
        "google-cloud",
        "google-gla",
        "google-vertex",
        "groq",
        "mistral",
    }
)
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server holds at most."""

    body_bytes: int = 32 << 20
    connections: int = 4096
    ledger_entries: int = 100_000
    idle_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A response that is ready to travel."""

    response: Response
    tokens: Tokens | None


class ScriptedProvider:
    """A model provider on localhost. `ledger` holds every request, in order of arrival.

    `script` is a Script, a list of rules, or a function from request to reply. Without one, every request is answered
    with the smallest value that its schema allows. `keeps_bodies=False` leaves request bodies out of `ledger` (not out
    of the file), for long loads.
    """

    def __init__(
        self,
        script: AnyScript | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        ledger_path: Path | None = None,
        keeps_bodies: bool = True,
        limits: Limits | None = None,
    ) -> None:
        self.ledger: list[LedgerEntry] = []
        self.script = ScriptState(script)
        self._host = host
        self._port = port
        self._limits = limits or Limits()
        self._book = LedgerBook(self.ledger, ledger_path, keeps_bodies)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._book.open()
        self._server = await asyncio.start_server(
            self._connected, self._host, self._port, backlog=_BACKLOG, limit=1 << 20
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        self._book.close()

    @property
    def url(self) -> str:
        """The root, without a slash at its end."""
        return f"http://{self._host}:{self._port}"

    def base_url(self, provider: str) -> str:
        """What to give this provider's SDK as base_url: the root for some, `.../v1` for all others."""
        if provider == "openrouter":
            return f"{self.url}/api/v1"
        return self.url if provider in _ROOT_PROVIDERS else f"{self.url}/v1"

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = HttpConnection(
            reader,
            writer,
            body_limit_bytes=self._limits.body_bytes,
            idle_timeout_s=self._limits.idle_timeout_s,
        )
        try:
            if len(self._tasks) > self._limits.connections:
                await _refuse(connection, Failed(503, "Too many connections."))
                return
            while (request := await connection.next_request()) is not None:
                await self._exchange(connection, request)
        except BodyTooLargeError:
            await _refuse(connection, Failed(413, f"The body is over {self._limits.body_bytes} bytes."))
        except ClientGoneError:
            return
        finally:
            await connection.close()

    async def _exchange(self, connection: HttpConnection, http: HttpRequest) -> None:
        if len(self.ledger) >= self._limits.ledger_entries:
            # Better no answer than one that the ledger does not know.
            await _refuse(connection, Failed(503, "The ledger of the scripted provider is full."))
            return
        routed = route(len(self.ledger) + 1, http)
        self._book.arrived(routed.request, at_s=time.monotonic())
        chosen = await self._choose(routed)
        if chosen.reply.delay_s or self.script.may_wait:
            await asyncio.sleep(chosen.reply.delay_s)
            # One more turn of the loop reads the end of a connection whose client left while we waited.
            await asyncio.sleep(0)
        prepared = _prepare(routed, chosen.reply)
        is_complete = False
        try:
            is_complete = await deliver(connection, prepared.response, chosen.reply)
        finally:
            is_silent = chosen.reply.reset == "before"
            self._book.answered(
                routed.request.number,
                rule=chosen.rule,
                status=None if is_silent else prepared.response.status,
                tokens=prepared.tokens,
                is_complete=is_complete,
                at_s=time.monotonic(),
            )

    async def _choose(self, routed: Routed) -> Chosen:
        if routed.failure is not None:
            return Chosen(Reply(routed.failure))
        try:
            return await self.script.choose(routed.request)
        except Exception as error:  # noqa: BLE001 - a reply function is a test's code: its mistake is shown, not lost
            return Chosen(Reply(Failed(500, f"The reply function raised {type(error).__name__}: {error}")))


def _prepare(routed: Routed, reply: Reply) -> _Prepared:
    request, wire = routed.request, routed.wire
    match reply.body:
        case Raw(text, content_type):
            headers = {**wire.headers(request.key, None), "content-type": content_type}
            return _Prepared(_response(200, headers, reply, text.encode("utf-8", "surrogatepass")), None)
        case Failed() as failed:
            headers = {**wire.headers(request.key, failed), **_JSON}
            body = dump(wire.write_failure(failed))
            return _Prepared(_response(failed.status, headers, reply, body), None)
        case body:
            said = answer(request, reply, body)
            if request.asked.stream:
                return _prepare_stream(routed, reply, said)
            headers = {**wire.headers(request.key, None), **_JSON}
            return _Prepared(_response(200, headers, reply, dump(wire.write(said))), said.tokens)


def _prepare_stream(routed: Routed, reply: Reply, said: Answer) -> _Prepared:
    wire, key = routed.wire, routed.request.key
    whole = events_of(wire.format, wire.write(said), said, characters=reply.piece_characters)
    if whole is None:
        failed = Failed(400, "Streaming is not scripted.")
        return _Prepared(
            _response(400, {**wire.headers(key, failed), **_JSON}, reply, dump(wire.write_failure(failed))),
            None,
        )
    broken_by = reply.breaks_with and failure_event(wire.format, wire.write_failure(reply.breaks_with))
    headers = {**wire.headers(key, None), "content-type": "text/event-stream; charset=utf-8"}
    response = replace(
        _response(200, headers, reply, b""), events=Events(whole, broken_by, padding_event(wire.format))
    )
    return _Prepared(response, said.tokens)


def _response(status: int, headers: Mapping[str, str], reply: Reply, body: bytes) -> Response:
    own = {name.lower(): value for name, value in reply.headers.items()}
    return Response(status, {**headers, **own}, body)


async def _refuse(connection: HttpConnection, failed: Failed) -> None:
    """Answer outside of any script, and end the connection."""
    headers = {**_JSON, "connection": "close"}
    try:
        await connection.send_response(failed.status, headers, dump(write_failure(failed)))
        await connection.close_after_reading()
    except ClientGoneError:
        return
