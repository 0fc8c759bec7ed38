"""The one client for addresses that users give.

    answer = await EgressClient(Guard(allowed)).post(url, headers={...}, body=b"...")

Called by what delivers webhooks and by stages that ask over HTTP. Invariants: a connection is made to an address that the
guard gave, for this request alone, and its certificate is that of the name; a redirect is followed only where the caller says
so, and is checked as the first address was; no proxy or credential of the environment is used, no body is unpacked; whatever
the other side does, it ends within `total_s` and `answer_bytes_max`.
"""

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from functools import cache
from typing import cast

import httpcore
import httpx

from tegu.domain.errors import EgressError
from tegu.egress.guard import Guard, port_of
from tegu.egress.request import Answer, EgressLimits, EgressRequest

USER_AGENT = "Tegu"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_REPEATABLE = frozenset({"GET", "HEAD"})


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
        return await self.request(EgressRequest("POST", url, headers, body=body))

    async def request(
        self, asked: EgressRequest, *, limits: EgressLimits | None = None, redirects_max: int = 0
    ) -> Answer:
        """Ask, and read what is answered, whatever its status. Redirects are followed of GET and HEAD alone, at most
        `redirects_max`; the one after is the answer. Raises EgressError.
        """
        limits = limits or self._limits
        checked = self.guard.check_url(asked.url)
        host, home = checked.host, _origin(checked)
        try:
            async with asyncio.timeout(limits.total_s):
                answer = await self._ask(asked, checked, limits, is_home=True)
                for _ in range(redirects_max if asked.method in _REPEATABLE else 0):
                    following = self._redirect(checked, answer)
                    if following is None:
                        break
                    checked, host = following, following.host
                    answer = await self._ask(asked, checked, limits, is_home=_origin(checked) == home)
                return answer
        except (TimeoutError, httpcore.TimeoutException) as error:
            raise EgressError(
                f"{host!r} did not answer within {limits.total_s:g} s", code="timeout"
            ) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            raise EgressError(
                f"{host!r} could not be asked: {error or type(error).__name__}", code="unreachable"
            ) from error

    def _redirect(self, asked: httpx.URL, answer: Answer) -> httpx.URL | None:
        """Where an answer points to, checked like any address. None: it is the answer. Raises EgressError."""
        location = answer.headers.get("location")
        if answer.status not in _REDIRECTS or location is None:
            return None
        try:
            following = self.guard.check_url(str(asked.join(location)))
        except httpx.InvalidURL as error:
            raise EgressError(f"{asked.host!r} redirects to what is no URL", code="bad_url") from error
        if asked.scheme == "https" and following.scheme != "https":
            raise EgressError(
                f"{asked.host!r} redirects to an address that is not encrypted", code="not_allowed"
            )
        return following

    async def _ask(
        self, asked: EgressRequest, url: httpx.URL, limits: EgressLimits, *, is_home: bool
    ) -> Answer:
        timeouts = {"connect": limits.connect_s, "read": limits.read_s, "write": limits.read_s}
        target = httpcore.URL(
            scheme=url.raw_scheme, host=url.raw_host, port=port_of(url), target=url.raw_path
        )
        sent = {"user-agent": USER_AGENT, "accept": "*/*", "host": url.netloc.decode(), **asked.headers}
        if is_home:
            sent |= asked.private
        pool = httpcore.AsyncConnectionPool(
            ssl_context=self._tls or _tls(),
            max_keepalive_connections=0,
            network_backend=_GuardedNetwork(self.guard),
        )
        async with (
            pool,
            pool.stream(
                asked.method,
                target,
                headers=list(sent.items()),
                content=asked.body or None,
                extensions={"timeout": timeouts},
            ) as response,
        ):
            read, is_cut = await _bounded(response, limits.answer_bytes_max)
            said = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            return Answer(response.status, said, read, is_cut)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, port_of(url)


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
