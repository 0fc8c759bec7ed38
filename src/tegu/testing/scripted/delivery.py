"""How a response travels: at once, in drips, broken off, without end.

Called by the server. Invariant: returns True only when the whole response was handed to a client that was still there.
"""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from tegu.testing.scripted.http import HttpConnection
from tegu.testing.scripted.script import Reply

ENDLESS_LIMIT_BYTES = 1 << 30
_TICK_S = 0.05
_PIECE_BYTES = 65_536
# Long enough for a client to read the head before the reset, which may discard what is under way.
_BEFORE_RESET_S = 0.02


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response, before anything is done to it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    events: "Events | None" = None


@dataclass(frozen=True, slots=True)
class Events:
    """A stream's events, an error event to break it with, and what to go on sending where it never ends."""

    whole: Sequence[bytes]
    broken_by: bytes | None
    padding: bytes


async def deliver(connection: HttpConnection, response: Response, reply: Reply) -> bool:
    """Send the response as the reply says. Raises ClientGoneError when the client left first."""
    if reply.reset == "before":
        connection.reset()
        return False
    if response.events is not None:
        return await _stream(connection, response, response.events, reply)
    if reply.endless:
        await _endless(connection, response, reply)
        return False
    headers, body = response.headers, response.body
    if reply.gzip:
        headers, body = {**headers, "content-encoding": "gzip"}, gzip.compress(body, mtime=0)
    if reply.reset is None and reply.bytes_per_s is None:
        await connection.send_response(response.status, headers, body)
        return True
    await connection.send_head(response.status, {**headers, "content-length": str(len(body))})
    sent = body if reply.reset is None else body[: len(body) // 2]
    async for piece in _drip(sent, reply.bytes_per_s):
        await connection.send_piece(piece)
    if reply.reset is not None:
        await asyncio.sleep(_BEFORE_RESET_S)
        connection.reset()
        return False
    await connection.send_end()
    return True


async def _drip(body: bytes, bytes_per_s: float | None) -> AsyncIterator[bytes]:
    size = _PIECE_BYTES if bytes_per_s is None else max(1, int(bytes_per_s * _TICK_S))
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        if bytes_per_s is not None:
            await asyncio.sleep(len(piece) / bytes_per_s)
        yield piece


async def _endless(connection: HttpConnection, response: Response, reply: Reply) -> None:
    """A JSON string that never ends, until the client leaves or the limit is sent; then the connection breaks."""
    headers = {**response.headers, "content-encoding": "gzip"} if reply.gzip else response.headers
    await connection.send_head(response.status, headers)
    packer = zlib.compressobj(wbits=31) if reply.gzip else None
    piece = b'{"padding": "'
    sent = 0
    while sent < ENDLESS_LIMIT_BYTES:
        packed = packer.compress(piece) if packer else piece
        sent += len(piece)
        async for part in _drip(packed, reply.bytes_per_s):
            await connection.send_piece(part)
        piece = b"x" * _PIECE_BYTES
        # A client that reads as fast as we write must not keep the loop to itself.
        await asyncio.sleep(0)
    connection.reset()


async def _stream(connection: HttpConnection, response: Response, events: Events, reply: Reply) -> bool:
    """Server-sent events, each in a write of its own, or all in drips."""
    packer = zlib.compressobj(wbits=31) if reply.gzip else None
    headers = {**response.headers, "content-encoding": "gzip"} if reply.gzip else response.headers
    await connection.send_head(response.status, headers)

    async def send(event: bytes) -> None:
        packed = packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH) if packer else event
        async for piece in _drip(packed, reply.bytes_per_s):
            await connection.send_piece(piece)

    is_cut = bool(reply.reset or events.broken_by or reply.ends_early or reply.endless)
    for event in events.whole[: len(events.whole) // 2] if is_cut else events.whole:
        await send(event)
        if reply.piece_delay_s:
            await asyncio.sleep(reply.piece_delay_s)
    if reply.endless:
        for _ in range(ENDLESS_LIMIT_BYTES // len(events.padding)):
            await send(events.padding)
            await asyncio.sleep(reply.piece_delay_s)
    if reply.reset or reply.endless:
        await asyncio.sleep(_BEFORE_RESET_S)
        connection.reset()
        return False
    if events.broken_by is not None:
        await send(events.broken_by)
    if packer:
        await connection.send_piece(packer.flush())
    await connection.send_end()
    return not is_cut
