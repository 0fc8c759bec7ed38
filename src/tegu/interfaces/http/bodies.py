"""Bodies of requests: how large, and how slow.

Called by `service`. Invariants: bytes are counted as they come, whatever was announced; a client that sends nothing for
`pause_s`, or less than `bytes_per_s` in the long run, is answered and cut off; what is read of a body is never more than allowed.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from tegu.interfaces.http.asgi import Application, Message, Receive, Send, header_of, respond_problem

_LINGER_S = 2.0
_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """See the module. JSON is held in memory as a whole, so less of it is taken; `grace_s` is how long a body may take however
    small it is.
    """

    size_bytes_max: int
    json_bytes_max: int
    headers_max: int = 100
    pause_s: float = 20.0
    bytes_per_s: float = 500.0
    grace_s: float = 20.0


class Bodies:
    """See the module."""

    def __init__(self, inner: Application, limits: BodyLimits) -> None:
        self._inner = inner
        self._limits = limits

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self._inner(scope, receive, send)
        if len(scope["headers"]) > self._limits.headers_max:
            return await respond_problem(
                send, scope, 431, "head_too_large", f"a request has at most {self._limits.headers_max} headers",
                headers=(_CLOSE,),
            )  # fmt: skip
        announced = header_of(scope, b"content-length") or b"0"
        body = _Body(self._limits, scope, receive, send)
        if announced.isdigit() and int(announced[:20]) > body.size_bytes_max:
            return await body.refuse_size()
        return await self._inner(scope, body.receive, body.send)


class _Body:
    def __init__(self, limits: BodyLimits, scope: Message, receive: Receive, send: Send) -> None:
        self._limits = limits
        self._scope = scope
        self._receive = receive
        self._send = send
        media_type = (header_of(scope, b"content-type") or b"").partition(b";")[0].strip().lower()
        is_file = media_type not in {b"", b"application/json"}
        self.size_bytes_max = limits.size_bytes_max if is_file else limits.json_bytes_max
        self._size_bytes = 0
        self._is_whole = False
        self._is_answered = False
        self._is_refused = False
        self._began = monotonic()

    async def receive(self) -> Message:
        """The next piece. After a refusal the client is gone, as far as the application can tell."""
        if self._is_whole:
            return await self._receive()
        try:
            async with asyncio.timeout(self._limits.pause_s):
                message = await self._receive()
        except TimeoutError:
            return await self._refuse_slowness()
        if message["type"] != "http.request":
            return message
        self._size_bytes += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._size_bytes > self.size_bytes_max:
            await self.refuse_size()
            return {"type": "http.disconnect"}
        spent_s = monotonic() - self._began - self._limits.grace_s
        if not self._is_whole and spent_s * self._limits.bytes_per_s > self._size_bytes:
            return await self._refuse_slowness()
        return message

    async def send(self, message: Message) -> None:
        """What the application answers, unless it was answered already."""
        if self._is_refused:
            return
        self._is_answered = True
        await self._send(message)

    async def refuse_size(self) -> None:
        await self._refuse(413, "too_large", f"a body has at most {self.size_bytes_max:,} bytes")

    async def _refuse_slowness(self) -> Message:
        await self._refuse(408, "too_slow", "the body of the request came too slowly")
        return {"type": "http.disconnect"}

    async def _refuse(self, status: int, code: str, detail: str) -> None:
        """Answer, and read on for a moment: a client that is still sending would lose the answer with its connection."""
        if self._is_answered or self._is_refused:
            return
        self._is_refused = True

        async def unfinished(message: Message) -> None:
            await self._send({**message, "more_body": True} if "body" in message else message)

        await respond_problem(unfinished, self._scope, status, code, detail, headers=(_CLOSE,))
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while not self._is_whole:
                    message = await self._receive()
                    self._is_whole = not message.get("more_body", False)
        self._is_whole = True
        await self._send({"type": "http.response.body", "body": b""})
