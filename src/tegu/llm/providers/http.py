"""The HTTP client that every provider's SDK is given.

Called by `clients`. Invariant: one call sends one request, whatever the SDK would like, to the host that the credential
is bound to: redirects are not followed. A reply is read whole, never beyond BODY_BYTES_MAX (unpacked), unless the call
asked for a stream and gets one: that is handed on line by line (`sse`), and bounded too. What the SDKs hide of a reply
(headers, the raw usage) is kept in the `Exchange` of the call.
"""

import ssl
import zlib
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx2

from tegu.llm.admission import headers_heard
from tegu.llm.providers.sse import LineTooLongError, SseWatch

BODY_BYTES_MAX = 8_000_000
STREAM_BYTES_MAX = 64_000_000
"""Of a stream, in which each token is wrapped in some hundred bytes."""
_CONNECT_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 600.0
"""A backstop only: each attempt has a timeout of its own."""
_CHUNK_BYTES = 65_536
_SECRET_LENGTH_MIN = 12
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding"})


@dataclass(slots=True)
class Exchange:
    """What went over the wire for one call. `problem` is why the body could not be read, in our words; `secret` is the
    key that was sent, which no reply may show to anybody. `timeout_s` is for senders that no timeout reaches otherwise.
    With `wants_stream` a reply of server-sent events is handed on as it comes; `stream` then says what was seen of it.
    """

    is_sent: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    problem: str | None = None
    secret: str | None = None
    timeout_s: float | None = None
    wants_stream: bool = False
    stream: SseWatch | None = None

    def without_secret(self, text: str) -> str:
        """The text with the key blotted out. Short keys are words such as `none` that replies may well hold."""
        is_secret = self.secret is not None and len(self.secret) >= _SECRET_LENGTH_MIN
        return text.replace(self.secret, "***") if self.secret and is_secret else text


exchange: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


@cache
def _tls() -> ssl.SSLContext:
    """Shared by all clients: making one reads all certificates and takes 50 ms."""
    return httpx2.create_ssl_context()


class BodyError(httpx2.TransportError):
    """The body of a reply cannot be read within its limits."""


class BoundedClient(httpx2.AsyncClient):
    """An HTTP client whose replies are bounded, and noted in the current Exchange."""

    def __init__(self) -> None:
        super().__init__(
            verify=_tls(),
            timeout=httpx2.Timeout(_READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
            limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100),
            follow_redirects=False,
            headers={"accept-encoding": "gzip"},
        )

    async def send(
        self, request: httpx2.Request, *, stream: bool = False, auth: Any = None, follow_redirects: Any = None
    ) -> httpx2.Response:
        del (
            stream,
            auth,
            follow_redirects,
        )  # always whole, keys travel in headers, redirects would take them along
        noted = exchange.get() or Exchange()
        if noted.is_sent:
            noted.problem = "the SDK wanted a second request for one call"
            raise BodyError(noted.problem)
        noted.is_sent = True
        response = await super().send(request, stream=True, follow_redirects=False)
        headers = [(name, noted.without_secret(value)) for name, value in response.headers.multi_items()]
        noted.status, noted.headers = response.status_code, dict(headers)
        if (heard := headers_heard.get()) is not None:
            heard(noted.status, noted.headers)
        if noted.wants_stream and response.status_code == 200 and _is_event_stream(response):
            noted.stream = SseWatch()
            kept = [(name, value) for name, value in headers if name not in _FRAMING]
            events = _Events(response, noted, noted.stream)
            return httpx2.Response(response.status_code, headers=kept, stream=events, request=request)
        try:
            # Latin-1 keeps every byte as it is.
            noted.body = noted.without_secret((await _bounded(response)).decode("latin-1")).encode("latin-1")
        except BodyError as error:
            noted.problem = str(error)
            raise
        finally:
            await response.aclose()
        kept = [(name, value) for name, value in headers if name not in _FRAMING]
        whole = httpx2.Response(response.status_code, headers=kept, content=noted.body, request=request)
        whole.elapsed = response.elapsed
        return whole


class _Events(httpx2.AsyncByteStream):
    """The lines of a stream, each as soon as it is there, with the key blotted out; watched and bounded."""

    def __init__(self, response: httpx2.Response, noted: Exchange, watch: SseWatch) -> None:
        self._response = response
        self._noted = noted
        self._watch = watch

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in _unpacked(self._response):
                if lines := self._watch.feed(chunk):
                    yield self._noted.without_secret(lines.decode("latin-1")).encode("latin-1")
        except (BodyError, LineTooLongError) as error:
            self._noted.problem = str(error)
            raise BodyError(str(error)) from error
        if rest := self._watch.end():
            yield self._noted.without_secret(rest.decode("latin-1")).encode("latin-1")

    async def aclose(self) -> None:
        await self._response.aclose()


def _is_event_stream(response: httpx2.Response) -> bool:
    return response.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/event-stream"


async def _unpacked(response: httpx2.Response) -> AsyncIterator[bytes]:
    """The chunks of a stream as they arrive: never waiting for a chunk to fill up."""
    unpack = _unpacker(response.headers.get("content-encoding", "identity").strip().lower())
    received = unpacked = 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        try:
            data = unpack.decompress(chunk, STREAM_BYTES_MAX + 1 - unpacked) if unpack else chunk
        except zlib.error as error:
            raise BodyError(f"the stream is not the gzip that it claims to be: {error}") from error
        unpacked += len(data)
        if received > STREAM_BYTES_MAX or unpacked > STREAM_BYTES_MAX:
            raise BodyError(f"the stream is larger than {STREAM_BYTES_MAX} bytes")
        yield data


async def _bounded(response: httpx2.Response) -> bytes:
    unpack = _unpacker(response.headers.get("content-encoding", "identity").strip().lower())
    received, body = 0, bytearray()
    async for chunk in response.aiter_raw(_CHUNK_BYTES):
        received += len(chunk)
        try:
            body += unpack.decompress(chunk, BODY_BYTES_MAX + 1 - len(body)) if unpack else chunk
        except zlib.error as error:
            raise BodyError(f"the reply is not the gzip that it claims to be: {error}") from error
        if received > BODY_BYTES_MAX or len(body) > BODY_BYTES_MAX:
            raise BodyError(f"the reply is larger than {BODY_BYTES_MAX} bytes")
    if unpack is not None and not unpack.eof:
        raise BodyError("the reply ends in the middle of its gzip")
    return bytes(body)


def _unpacker(encoding: str) -> "zlib._Decompress | None":  # the only name of this type
    match encoding:
        case "identity" | "":
            return None
        case "gzip" | "x-gzip":
            return zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        case "deflate":
            return zlib.decompressobj()
        case _:
            raise BodyError(f"the reply has the encoding {encoding!r}, which was not asked for")
