"""One HTTP/1.1 connection: h11 over asyncio streams.

Called by the server. Invariant: nothing is read or held without a limit; a client that went away raises
ClientGoneError at the next read or write.
"""

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import h11

_READ_SIZE_BYTES = 65_536
_HEAD_LIMIT_BYTES = 65_536
_LINGER_S = 1.0


class ClientGoneError(Exception):
    """The client closed the connection, or sent something that is no HTTP."""


class BodyTooLargeError(Exception):
    """The request body is over the limit."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request with its whole body. `path` has no query, which is `query`; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: str = ""


class HttpConnection:
    """Reads requests and writes responses, one after the other, until either side closes."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        body_limit_bytes: int,
        idle_timeout_s: float,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._body_limit_bytes = body_limit_bytes
        self._idle_timeout_s = idle_timeout_s
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_LIMIT_BYTES)

    async def next_request(self) -> HttpRequest | None:
        """The next request; None when the connection ends between two. Raises BodyTooLargeError, ClientGoneError."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE:
            return None
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return None
        body = bytearray()
        while isinstance(data := await self._next_event(), h11.Data):
            body += data.data
            if len(body) > self._body_limit_bytes:
                raise BodyTooLargeError
        if not isinstance(data, h11.EndOfMessage):
            raise ClientGoneError
        path, _, query = event.target.decode("ascii", "replace").partition("?")
        return HttpRequest(
            method=event.method.decode("ascii", "replace"),
            path=path,
            query=query,
            headers={k.decode("latin-1"): v.decode("latin-1") for k, v in event.headers},
            body=bytes(body),
        )

    async def _next_event(self) -> object:
        """The next h11 event or PAUSED; ConnectionClosed when the other side has ended."""
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise ClientGoneError from error
            if event is not h11.NEED_DATA:
                return event
            if self._http.they_are_waiting_for_100_continue:
                interim = self._http.send(h11.InformationalResponse(status_code=100, headers=[]))
                await self._write(interim)
            try:
                async with asyncio.timeout(self._idle_timeout_s):
                    received = await self._reader.read(_READ_SIZE_BYTES)
            except (TimeoutError, ConnectionError) as error:
                raise ClientGoneError from error
            self._http.receive_data(received)

    async def send_response(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """A whole response, in one write."""
        head = self._head(status, {**headers, "content-length": str(len(body))})
        data = self._http.send(h11.Data(data=body)) or b""
        end = self._http.send(h11.EndOfMessage()) or b""
        await self._write(head + data + end)

    async def send_head(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of a response whose body follows in pieces; chunked when no content-length is among the headers."""
        await self._write(self._head(status, headers))

    async def send_piece(self, data: bytes) -> None:
        """A piece of the body."""
        await self._write(self._http.send(h11.Data(data=data)))

    async def send_end(self) -> None:
        """The end of the body."""
        await self._write(self._http.send(h11.EndOfMessage()))

    def _head(self, status: int, headers: Mapping[str, str]) -> bytes:
        reason = HTTPStatus(status).phrase if status in _STATUSES else "Overloaded"
        response = h11.Response(status_code=status, headers=list(headers.items()), reason=reason)
        return self._http.send(response) or b""

    async def _write(self, data: bytes | None) -> None:
        if not data:
            return
        if self._reader.at_eof():
            raise ClientGoneError
        try:
            self._writer.write(data)
            await self._writer.drain()
        except ConnectionError as error:
            raise ClientGoneError from error

    def reset(self) -> None:
        """Break the connection with a TCP reset."""
        sock = self._writer.get_extra_info("socket")
        if sock is not None:
            # Lingering for zero seconds makes close() send RST in place of FIN.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def close_after_reading(self) -> None:
        """End the connection so that a client that is still sending reads our answer: unread bytes would reset it."""
        if self._writer.can_write_eof():
            self._writer.write_eof()
        try:
            async with asyncio.timeout(_LINGER_S):
                while await self._reader.read(_READ_SIZE_BYTES):
                    pass
        except (TimeoutError, ConnectionError):
            return

    async def close(self) -> None:
        """End the connection."""
        self._writer.close()
        try:
            async with asyncio.timeout(_LINGER_S):
                await self._writer.wait_closed()
        except TimeoutError:
            # A client that does not read would keep what is buffered, and us, for ever.
            self._writer.transport.abort()
        except ConnectionError:
            return


_STATUSES = frozenset(int(status) for status in HTTPStatus)
