"""Connections to a provider, one set for each credential.

Called by `direct`. Invariant: at most `limit` clients are kept; one that is in use is never closed under its user; all
are closed by `close`.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tegu.llm.protocol import Credential

if TYPE_CHECKING:
    from pydantic_ai.models import Model

    from tegu.llm.providers.http import BoundedClient

ModelMaker = Callable[[str], "Model"]
"""Makes the library's model of that name, over one client."""
ClientBuilder = Callable[[Credential, "BoundedClient"], ModelMaker]
"""What each provider file offers: the SDK's client for a credential, over our HTTP client."""

CLIENTS_MAX = 64
MODELS_MAX = 32


@dataclass(slots=True)
class Client:
    """One credential's connections, and the models made over them."""

    http: "BoundedClient"
    make: ModelMaker
    loop: asyncio.AbstractEventLoop
    users: int = 0
    models: dict[str, "Model"] = field(default_factory=dict[str, "Model"])

    def model(self, name: str) -> "Model":
        """The model of that name; making one costs about a millisecond, so a few are kept."""
        found = self.models.get(name)
        if found is None:
            if len(self.models) >= MODELS_MAX:
                self.models.pop(next(iter(self.models)))
            found = self.models[name] = self.make(name)
        return found


class ClientCache:
    """Clients by credential and event loop (connections belong to one), least recently used first."""

    def __init__(self, build: ClientBuilder, *, limit: int = CLIENTS_MAX) -> None:
        self._build = build
        self._limit = limit
        self._clients: dict[tuple[Credential, int], Client] = {}

    @asynccontextmanager
    async def lease(self, credential: Credential) -> AsyncGenerator[Client]:
        """The client of a credential, kept open while it is used."""
        loop = asyncio.get_running_loop()
        key = (credential, id(loop))
        client = self._clients.pop(key, None)
        if client is None or client.loop is not loop:
            client = self._new(credential, loop)
        self._clients[key] = client
        client.users += 1
        try:
            yield client
        finally:
            client.users -= 1
            await self._trim()

    def _new(self, credential: Credential, loop: asyncio.AbstractEventLoop) -> Client:
        from tegu.llm.providers.http import BoundedClient

        http = BoundedClient()
        return Client(http, self._build(credential, http), loop)

    async def _trim(self) -> None:
        """Close the oldest idle clients above the limit, and forget those whose event loop has ended."""
        surplus = len(self._clients) - self._limit
        for key, client in list(self._clients.items()):
            if client.loop.is_closed():
                del self._clients[key]
            elif surplus > 0 and client.users == 0:
                surplus -= 1
                del self._clients[key]
                await client.http.aclose()

    async def close(self) -> None:
        """Close every client of the running event loop."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            if client.loop is asyncio.get_running_loop():
                await client.http.aclose()
