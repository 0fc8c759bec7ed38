"""The outermost middleware: a number and a log line for every request, security headers on every answer, and an answer of ours
whatever happens within.

Called by `service`. Invariants: an exception is logged once, and its client gets a problem that says nothing of it; the log has
paths, and no query, since a query may hold a token.
"""

import logging
import re
from time import perf_counter
from typing import Any

from tegu.domain.ids import new_id
from tegu.interfaces.http.asgi import Application, Message, Receive, Send, header_of, path_of, respond_problem
from tegu.interfaces.http.security_headers import SECURITY_HEADERS, TRANSPORT_SECURITY
from tegu.telemetry.logs import begin_fields, end_fields

log = logging.getLogger("tegu.http")
access = logging.getLogger("tegu.http.access")

REQUEST_ID = b"x-request-id"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_QUIET = frozenset({"/health", "/metrics"})
"""Asked every few seconds by machines: not worth a line."""


class Front:
    """See the module."""

    def __init__(self, inner: Application, *, is_https: bool) -> None:
        self._inner = inner
        self._headers = (*SECURITY_HEADERS, *([TRANSPORT_SECURITY] if is_https else []))

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return await self._inner(scope, receive, send)
        request_id = _request_id(scope)
        answer = _Answer(send, (*self._headers, (REQUEST_ID, request_id)))
        token = begin_fields({"request_id": request_id.decode()})
        began = perf_counter()
        try:
            await self._inner(scope, receive, answer.send)
        except Exception as error:
            log.exception("a request could not be answered")
            if answer.status is not None:
                raise _CutOffError from error  # half an answer: the server closes the connection
            await respond_problem(answer.send, scope, 500, "internal", "the server has logged it")
        finally:
            if path_of(scope) not in _QUIET:
                _note(scope, answer, perf_counter() - began)
            end_fields(token)


class _CutOffError(Exception):
    """An answer was begun and cannot be ended; what broke it is logged already."""


class _Answer:
    """What is sent, with our headers."""

    def __init__(self, send: Send, headers: tuple[tuple[bytes, bytes], ...]) -> None:
        self.status: int | None = None
        self.size_bytes = 0
        self._send = send
        self._headers = headers

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given: list[tuple[bytes, bytes]] = [
                (key.lower(), value) for key, value in message.get("headers", ())
            ]
            there = {key for key, _ in given}
            kept = [each for each in given if each[1]]  # an empty one says that ours is not wanted
            message = {
                **message,
                "headers": [*kept, *(each for each in self._headers if each[0] not in there)],
            }
        elif message["type"] == "http.response.body":
            self.size_bytes += len(message.get("body", b""))
        await self._send(message)


def _request_id(scope: Message) -> bytes:
    """What the caller or its proxy calls the request, where that is safe to repeat."""
    given = header_of(scope, REQUEST_ID)
    return given if given is not None and _REQUEST_ID.fullmatch(given) else new_id().hex.encode()


def _note(scope: Message, answer: _Answer, took_s: float) -> None:
    client: tuple[str, int] | None = scope.get("client")
    about: dict[str, Any] = {
        "method": scope["method"],
        "path": scope["path"],
        "status": answer.status,
        "elapsed_ms": round(took_s * 1000, 1),
        "size_bytes": answer.size_bytes,
        "address": client[0] if client else None,
    }
    access.info("%s %s %s", scope["method"], scope["path"], answer.status, extra=about)
