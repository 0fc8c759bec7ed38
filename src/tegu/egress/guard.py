"""The guard: from a URL that a user wrote to the addresses that may be connected to, or a refusal.

Called by `client`, and by the actions that store such URLs (`check_url` asks nobody). Invariant: a name is resolved once for
each connection, by the guard, and refused if any of its addresses is not public; nobody resolves it again.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from tegu.domain.errors import EgressError
from tegu.domain.webhook import URL_LENGTH_MAX
from tegu.egress.addresses import Address, is_public, parsed
from tegu.egress.allowed import AllowList

if TYPE_CHECKING:
    import httpx

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host. Raises OSError."""

_PORTS = frozenset({80, 443})
_FREE_PORT_MIN = 1024
_PORT_MAX = 65_535
_DEFAULT_PORTS = {"http": 80, "https": 443}
_RESOLVERS = 16
"""How many names are looked up at once: a name server that does not answer holds one of them."""


class Guard:
    """See the module."""

    def __init__(self, allowed: AllowList | None = None, *, resolve: Resolve | None = None) -> None:
        self._allowed = allowed or AllowList()
        self._resolve = resolve or SystemResolver()

    def check_url(self, written: str) -> "httpx.URL":
        """The URL, if it may be asked as far as can be told without asking. Raises EgressError."""
        import httpx

        if len(written) > URL_LENGTH_MAX:
            raise EgressError(f"the URL is longer than {URL_LENGTH_MAX} characters", code="bad_url")
        try:
            url = httpx.URL(written)
            port = port_of(url)
        except (httpx.InvalidURL, ValueError, UnicodeError) as error:
            raise EgressError(
                f"{written[:200]!r} is no URL", code="bad_url", hint="write https://host/path"
            ) from error
        if url.scheme not in _DEFAULT_PORTS or not url.host or port > _PORT_MAX:
            raise EgressError(
                f"{written[:200]!r} is no URL of http or https",
                code="bad_url",
                hint="write https://host/path",
            )
        if url.userinfo:
            raise EgressError(
                "a URL with a user or a password is not asked",
                code="bad_url",
                hint="what is signed needs no password; a token can stand in the path",
            )
        if self._allowed.names(url.host):
            return url
        address = parsed(url.host)
        if address is not None:
            self._check_address(url.host, address)
        if port not in _PORTS and port < _FREE_PORT_MIN and not (address and self._allowed.holds(address)):
            raise _refused(f"port {port} is not asked", hint="80, 443, and those from 1024 on are")
        return url

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Where a host may be connected to. Raises EgressError."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise EgressError(f"{host!r} has no address", code="unresolved") from error
        addresses = {written: parsed(written) for written in found}
        for address in addresses.values():
            if not self._allowed.names(host):
                self._check_address(host, address)
        if not addresses:
            raise EgressError(f"{host!r} has no address", code="unresolved")
        return tuple(addresses)

    def _check_address(self, host: str, address: Address | None) -> None:
        """The address itself is not told: names of an inner network are nobody's to look up."""
        if address is None or not (is_public(address) or self._allowed.holds(address)):
            raise _refused(
                f"{host!r} is not at a public address",
                hint="an operator can allow it: TEGU_EGRESS_ALLOW names hosts and networks",
            )


class SystemResolver:
    """What the machine's own resolver says, in threads of its own."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="tegu-resolver")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """See `Resolve`."""
        look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return [str(address[0]) for *_, address in found]


def port_of(url: "httpx.URL") -> int:
    """The port that a URL means."""
    return url.port or _DEFAULT_PORTS.get(url.scheme, 0)


def _refused(message: str, *, hint: str) -> EgressError:
    return EgressError(message, code="not_allowed", hint=hint)
