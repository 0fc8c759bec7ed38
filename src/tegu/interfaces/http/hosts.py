"""Which host names requests may be addressed to, so that a page elsewhere whose name leads here (DNS rebinding) gets nothing.

Called by `service`. Invariant: a name that the operator did not give is refused; addresses in digits and this machine's own name
are let through, since no page can have those for its name without being served from there.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from tegu.interfaces.http.asgi import Application, Message, Receive, Send, header_of, path_of, respond_problem

ANY = "*"
_HOST = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[A-Za-z0-9._-]{1,253}))(?::\d{1,5})?")


def hosts_of(base_url: str | None, hosts: Iterable[str]) -> frozenset[str]:
    """The names that are allowed: those given, and that of the base URL."""
    named = urlsplit(base_url).hostname if base_url else None
    return frozenset({each.lower() for each in hosts} | ({named} if named else set()))


class Hosts:
    """See the module."""

    def __init__(self, inner: Application, allowed: frozenset[str]) -> None:
        self._inner = inner
        self._allowed = allowed

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "http" and not self._is_allowed(scope) and path_of(scope) != "/health":
            return await respond_problem(
                send, scope, 421, "unknown_host", "this host name is not served here",
                hint="the operator names hosts by TEGU_BASE_URL and TEGU_HOSTS",
            )  # fmt: skip
        return await self._inner(scope, receive, send)

    def _is_allowed(self, scope: Message) -> bool:
        if ANY in self._allowed:
            return True
        given = header_of(scope, b"host") or b""
        found = _HOST.fullmatch(given.decode("latin-1"))
        if found is None:
            return False
        host = found["v6"] or found["name"].lower().rstrip(".")
        return host in self._allowed or host == "localhost" or _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
