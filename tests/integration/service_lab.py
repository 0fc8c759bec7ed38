"""The whole service over a real socket, for a host whose users say who they are in headers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.domain.identity import HostUser
from tegu.interfaces.http.listening import ConnectionLimits, listener_at, served
from tegu.interfaces.http.service import service


async def resolve_user(request: Any) -> HostUser | None:
    """`x-user: acme/anna/editor`."""
    said = request.headers.get("x-user")
    if said is None:
        return None
    organization, name, role = said.split("/")
    return HostUser(organization, name, Role(role))


@dataclass
class ServedTegu:
    """Where it is, and a client that asks as Anna, an editor of the organization `default`."""

    url: str
    http: httpx.AsyncClient

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def connect(self, said: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A bare connection on which this was said."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(said)
        return reader, writer


@asynccontextmanager
async def serving(
    tegu: Tegu, *, limits: ConnectionLimits | None = None, user: str = "default/anna/editor"
) -> AsyncGenerator[ServedTegu]:
    """Serve while this lasts."""
    application = service(tegu, resolve_user=resolve_user, is_mounted=False)
    async with (
        served(application, listener_at("127.0.0.1", 0), limits=limits) as url,
        httpx.AsyncClient(
            base_url=url, headers={"x-user": user, "sec-fetch-site": "same-origin"}, timeout=30
        ) as http,
    ):
        yield ServedTegu(url, http)


async def until_closed(reader: asyncio.StreamReader, *, within_s: float = 30) -> bytes:
    """What is read until the other side closes."""
    async with asyncio.timeout(within_s):
        try:
            return await reader.read()
        except ConnectionError:
            return b""


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close at once, whatever was not sent yet."""
    writer.transport.abort()
    for _ in range(3):
        await asyncio.sleep(0)
