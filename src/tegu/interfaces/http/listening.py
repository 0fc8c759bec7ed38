"""Listening: uvicorn in the event loop of the work itself, with a guard against clients that hold on to connections.

Called by `tegu serve`, and by `tegu worker` for its metrics. Invariants: whoever sends a request too slowly, or takes an answer
too slowly, is cut off; when there are too many connections those go first that ask for nothing; signals are the caller's.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tegu.domain.errors import UsageError
from tegu.interfaces.http.problems import MEDIA_TYPE, problem
from tegu.interfaces.http.security_headers import SECURITY_HEADERS

log = logging.getLogger("tegu.http")

_HOST = "127.0.0.1"
_BACKLOG = 2048
_STOP_S = 5

Application = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections, how large the head of a request, and for how long: to send a head, to take an answer, to be idle
    between requests.
    """

    connections_max: int = 20_000
    head_bytes_max: int = 32_768
    head_s: float = 10.0
    take_s: float = 30.0
    idle_s: float = 30.0


@dataclass(frozen=True, slots=True)
class _Guard:
    """What the connections of one server share: `idle` are those without a request, from the oldest to the newest."""

    limits: ConnectionLimits
    idle: "dict[_GuardedProtocol, None]" = field(default_factory=dict["_GuardedProtocol", None])


class _GuardedProtocol(H11Protocol):
    """One connection. What uvicorn does not bound is bounded here: the time that a head and an answer may take."""

    def __init__(self, guard: _Guard, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._guard = guard
        self._head_ends: asyncio.TimerHandle | None = None
        self._taking_ends: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        if len(self.connections) > self._guard.limits.connections_max:
            victim = next(iter(self._guard.idle), self)
            self._guard.idle.pop(victim, None)
            victim.transport.abort()
        self._rest()
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._guard.idle.pop(self, None)
        self._forget_head()
        self._forget_taking()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_asking:
            self._guard.idle.pop(self, None)
            self._forget_head()
        elif self._head_ends is None:
            self._expect_head()

    def on_response_complete(self) -> None:
        self._rest()
        if self.transport.get_write_buffer_size():
            self._expect_taking()
        super().on_response_complete()  # it may begin the next request, which came along with the last
        if self._is_asking:
            self._guard.idle.pop(self, None)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._forget_taking()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or a head that is too large. The answer to an earlier request may be under way: then there is none."""
        del msg
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        code, said = {431: ("head_too_large", "the head of the request is too large")}.get(
            status, ("bad_request", "this is no request in HTTP/1.1")
        )
        body = problem(status, code, said).model_dump_json(exclude_none=True).encode()
        headers = [
            *SECURITY_HEADERS,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        try:
            for event in (
                h11.Response(status_code=status, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            self.transport.abort()
        else:
            self.transport.close()
            self._expect_taking()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._expect_taking()

    @property
    def _is_asking(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison] (it is None before the first)

    def _rest(self) -> None:
        self._guard.idle.pop(self, None)
        self._guard.idle[self] = None

    def _expect_head(self) -> None:
        self._forget_head()
        self._head_ends = self.loop.call_later(self._guard.limits.head_s, self.transport.abort)

    def _forget_head(self) -> None:
        if self._head_ends is not None:
            self._head_ends.cancel()
            self._head_ends = None

    def _expect_taking(self) -> None:
        if self._taking_ends is None:
            self._taking_ends = self.loop.call_later(self._guard.limits.take_s, self._give_up)

    def _give_up(self) -> None:
        self._taking_ends = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _forget_taking(self) -> None:
        if self._taking_ends is not None:
            self._taking_ends.cancel()
            self._taking_ends = None


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """None are: what a signal means is for the command to say."""
        yield


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
async def served(
    application: Application,
    listener: socket.socket,
    *,
    limits: ConnectionLimits | None = None,
    trusted_proxies: str = _HOST,
) -> AsyncGenerator[str]:
    """Serve while this lasts, at the URL that it gives."""
    bounds = limits or ConnectionLimits()
    server = _Server(
        uvicorn.Config(
            application,
            http=partial(_GuardedProtocol, _Guard(bounds)),  # type: ignore[arg-type]  # called as the class is
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # what breaks is logged by `front`, and what clients do wrong is theirs
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=bounds.head_bytes_max,
            timeout_keep_alive=bounds.idle_s,  # type: ignore[arg-type]  # seconds for call_later
            timeout_graceful_shutdown=_STOP_S,
            forwarded_allow_ips=trusted_proxies,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.listens.wait()
        yield url_of(listener)
    finally:
        server.should_exit = True
        await asyncio.wait([serving])


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds it."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": _HOST, "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 (compared only)
    return f"http://{shown}:{port}"


def listener_at(host: str, port: int) -> socket.socket:
    """Listen; port 0 takes a free one. Raises UsageError when it cannot."""
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        raise UsageError(
            f"cannot listen at {host}:{port}: {error.strerror or error}",
            hint="choose another address or port",
        ) from error


def allow_many_connections() -> int:
    """Let this process open as many files as it may. Returns how many that is."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 2**31
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
