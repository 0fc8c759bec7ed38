"""A server on 127.0.0.1 that answers each request by a function.

Used by `replay` and `recorder`. Invariant: it listens on this machine only; what it holds is bounded, and when it ends
no connection and no task of it is left.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from tegu.testing.recorded.exchange import RecordedResponse
from tegu.testing.scripted.http import BodyTooLargeError, ClientGoneError, HttpConnection, HttpRequest

Answer = Callable[[HttpRequest], Awaitable[RecordedResponse]]

HOST = "127.0.0.1"
_REQUEST_BYTES_MAX = 32_000_000
_CONNECTIONS_MAX = 256
_IDLE_TIMEOUT_S = 120.0
_NOT_SENT_ON = frozenset(
    {"connection", "content-encoding", "content-length", "date", "keep-alive", "server", "transfer-encoding"}
)
"""Headers of the recorded connection, not of the reply."""


class LocalServer:
    """Open while it is entered. `requests` counts what was answered."""

    def __init__(self, answer: Answer) -> None:
        self.requests = 0
        self._answer = answer
        self._port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, HOST, 0)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The root, without a slash at its end."""
        return f"http://{HOST}:{self._port}"

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= _CONNECTIONS_MAX:
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = HttpConnection(
            reader, writer, body_limit_bytes=_REQUEST_BYTES_MAX, idle_timeout_s=_IDLE_TIMEOUT_S
        )
        try:
            while (request := await connection.next_request()) is not None:
                self.requests += 1
                response = await self._answer(request)
                await connection.send_response(response.status, _sendable(response), response.body)
        except (BodyTooLargeError, ClientGoneError):
            return
        finally:
            await connection.close()


def _sendable(response: RecordedResponse) -> dict[str, str]:
    """The recorded headers that HTTP allows: files hold anything."""
    return {
        name: value.strip()
        for name, value in response.headers.items()
        if name not in _NOT_SENT_ON
        and name.replace("-", "").replace("_", "").isalnum()
        and name.isascii()
        and value.isascii()
        and value.isprintable()
    }
