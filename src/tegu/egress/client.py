"""The one client for addresses that users give.

    answer = await EgressClient(Guard(allowed)).post(url, headers={...}, body=b"...")

Called by what delivers webhooks. Invariants: a connection is made to an address that the guard gave, for this request alone,
and its certificate is that of the name; no redirect is followed, no proxy or credential of the environment is used, no body
is unpacked; whatever the other side does, it ends within `total_s` and `answer_bytes_max`.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

import httpcore
import httpx

from tegu.domain.errors import EgressError
from tegu.egress.guard import Guard, port_of

USER_AGENT = "Tegu"


@dataclass(frozen=True, slots=True)
class EgressLimits:
    """Of one request: for each phase, for all of it, and how much of an answer is read."""

    connect_s: float = 5.0
    read_s: float = 10.0
    total_s: float = 15.0
    answer_bytes_max: int = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `is_cut`: there was more. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False


class EgressClient:
    """See the module."""

    def __init__(
        self,
        guard: Guard,
        *,
        limits: EgressLimits | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.guard = guard
        self._limits = limits or EgressLimits()
        self._tls = tls

    async def post(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a body, and read what is answered, whatever its status. Raises EgressError."""
        checked = self.guard.check_url(url)
        try:
            async with asyncio.timeout(self._limits.total_s):
                return await self._ask("POST", checked, headers, body)
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise EgressError(
                f"{checked.host!r} did not answer within {self._limits.total_s:g} s", code="timeout"
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise EgressError(
                f"{checked.host!r} could not be asked: {error or type(error).__name__}", code="unreachable"
            ) from error

    async def _ask(self, method: str, url: httpx.URL, headers: Mapping[str, str], body: bytes) -> Answer:
        limits = self._limits
        timeouts = {"connect": limits.connect_s, "read": limits.read_s, "write": limits.read_s}
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=port_of(url), target=url.raw_path
        )
        sent = {"user-agent": USER_AGENT, "accept": "*/*", "host": url.netloc.decode(), **headers}
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls or _tls(),
            max_keepalive_connections=0,
            network_backend=_GuardedNetwork(self.guard),
        )
        async with (
            pool,
            pool.stream(
                method, target, headers=list(sent.items()), content=body, extensions={"timeout": timeouts}
            ) as response,
        ):
            read, is_cut = await _bounded(response, limits.answer_bytes_max)
            said = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            return Answer(response.status, said, read, is_cut)


async def _bounded(response: httpcore.Response, size_max: int) -> tuple[bytes, bool]:
    """The beginning of the body, as it was sent: nothing is unpacked. What follows is left where it is."""
    read = bytearray()
    async for piece in response.aiter_stream():
        read += piece
        if len(read) > size_max:
            return bytes(read[:size_max]), True
    return bytes(read), False


class _GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to what the guard gives, and to nothing else."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        # The library hides its type, as of something that may be missing.
        self._network = cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 (the library's own signature)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        refused: Exception | None = None
        async with asyncio.timeout(timeout):
            for address in await self._guard.addresses(host, port):
                try:
                    return await self._network.connect_tcp(
                        address, port, timeout, local_address, socket_options
                    )
                except httpcore.ConnectError as error:
                    refused = error
        raise httpcore.ConnectError("no connection") from refused

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@cache
def _tls() -> ssl.SSLContext:
    """Made once: it reads all certificates. SSL_CERT_FILE and SSL_CERT_DIR add an operator's own."""
    return httpx.create_ssl_context()
