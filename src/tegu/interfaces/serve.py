"""A small HTTP server for what a process says of itself: `tegu worker --metrics` answers scrapes and probes with it.

It serves one ASGI application, in the event loop of the work itself: one request a connection, without a body. Invariants: a
slow or hostile client costs one of a few connections, for seconds; nothing it sends can end the work.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import h11

from tegu.domain.errors import UsageError

log = logging.getLogger("tegu.http")

CONNECTIONS_MAX = 16
EXCHANGE_S = 20.0
"""For reading a request and answering it: longer than looking at the database may take."""
_HEAD_BYTES_MAX = 16_384
_HOST = "127.0.0.1"

Application = Callable[..., Awaitable[None]]


def address_of(text: str) -> tuple[str, int]:
    """`9464`, `0.0.0.0:9464` or `[::1]:9464`; a port alone is only reached from this machine. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) <= 65_535 and (host or not colon)):
        raise UsageError(
            f"{text!r} is no address to listen at",
            hint="write 9464, 127.0.0.1:9464, 0.0.0.0:9464 or [::]:9464",
        )
    return host.removeprefix("[").removesuffix("]") or _HOST, int(port)


@asynccontextmanager
async def served(application: Application, host: str, port: int) -> AsyncGenerator[str]:
    """Serve while this lasts, at the URL that it gives; port 0 takes a free one. Raises UsageError when it cannot listen."""
    open_now: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(open_now) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        open_now.add(task)
        try:
            async with asyncio.timeout(EXCHANGE_S):
                await _exchange(application, reader, writer)
        except (OSError, TimeoutError, h11.RemoteProtocolError):
            pass  # the client's affair
        except Exception:
            log.exception("a request could not be answered")
        finally:
            writer.transport.abort()  # nothing happens to one that was answered and closed
            open_now.discard(task)

    try:
        server = await asyncio.start_server(connected, host, port, limit=_HEAD_BYTES_MAX)
    except OSError as error:
        raise UsageError(
            f"cannot listen at {host}:{port}: {error.strerror or error}",
            hint="choose another address or port",
        ) from error
    try:
        found = server.sockets[0].getsockname()
        shown = f"[{found[0]}]" if ":" in found[0] else found[0]
        yield f"http://{shown}:{found[1]}"
    finally:
        server.close()
        for task in tuple(open_now):
            task.cancel()
        if open_now:
            await asyncio.wait(tuple(open_now), timeout=1)
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await server.wait_closed()


async def _exchange(
    application: Application, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES_MAX)
    request = await _request(connection, reader)
    if request is None:
        writer.close()
        return

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = [*message["headers"], (b"connection", b"close")]
            writer.write(connection.send(h11.Response(status_code=message["status"], headers=headers)) or b"")
        else:
            writer.write(connection.send(h11.Data(data=message.get("body", b""))) or b"")

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    path, _, query = request.target.partition(b"?")
    scope = {
        "type": "http",
        "method": request.method.decode("ascii"),
        "path": path.decode("latin-1"),
        "query_string": query,
        "root_path": "",
        "headers": list(request.headers),
    }
    await application(scope, receive, send)
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _request(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            return event
        if event is not h11.NEED_DATA:
            return None
        connection.receive_data(await reader.read(_HEAD_BYTES_MAX))
