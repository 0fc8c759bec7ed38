"""A TCP proxy in front of PostgreSQL that cuts connections after random byte counts, and swallows what passes.

What is swallowed is held, as a network does with packets that are sent again and again: when the hole is mended, what was
sent arrives late, or, by the dice, never. Bytes are counted in both directions together, so a cut falls anywhere: in a
statement, in its answer, between the two.
"""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Self
from urllib.parse import parse_qs, urlsplit


class Way(Enum):
    """A direction."""

    TO_SERVER = "to the server"
    TO_CLIENT = "to the client"


@dataclass(eq=False)
class _Link:
    client: StreamWriter
    server: StreamWriter
    left: int | None = None

    def cut(self) -> None:
        for writer in (self.client, self.server):
            writer.transport.abort()


@dataclass
class Proxy:
    """`cut_after` says of each new connection how many bytes pass before it is cut; None: it is not."""

    socket: str
    random: Random
    cut_after: Callable[[], int | None] = lambda: None
    cuts: int = 0
    port: int = 0
    _links: set[_Link] = field(default_factory=set[_Link])
    _is_open: dict[Way, asyncio.Event] = field(default_factory=dict[Way, asyncio.Event])

    def url(self, database: str) -> str:
        """How clients reach a database through it."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def cut_all(self) -> None:
        """Every connection, now."""
        for link in tuple(self._links):
            self._cut(link)

    def swallow(self, *ways: Way) -> None:
        """From now on nothing arrives, and nobody is told."""
        for way in ways or Way:
            self._is_open[way].clear()

    def mend(self) -> None:
        """What is held arrives now; half of the connections are cut instead."""
        for link in tuple(self._links):
            if self.random.random() < 0.5:
                self._cut(link)
        for event in self._is_open.values():
            event.set()

    def _cut(self, link: _Link) -> None:
        self.cuts += 1
        self._links.discard(link)
        link.cut()

    async def _connect(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            from_server, to_server = await asyncio.open_unix_connection(self.socket)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(writer, to_server, self.cut_after())
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(link, Way.TO_SERVER, reader, to_server))
                group.create_task(self._pump(link, Way.TO_CLIENT, from_server, writer))
        except* OSError:
            pass  # one end has gone
        finally:
            self._links.discard(link)
            link.cut()

    async def _pump(self, link: _Link, way: Way, reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(16384):
            await self._is_open[way].wait()
            if link.left is not None:
                data, link.left = data[: link.left], link.left - len(data)
            writer.write(data)
            await writer.drain()
            if link.left is not None and link.left <= 0:
                # What has passed arrives; then both ends see the end.
                self._links.discard(link)
                self.cuts += 1
                raise ConnectionAbortedError
        with suppress(OSError):
            writer.write_eof()
        if way is Way.TO_CLIENT:
            raise ConnectionAbortedError  # the server has hung up

    @classmethod
    @asynccontextmanager
    async def open(cls, server_dsn: str, random: Random) -> AsyncGenerator[Self]:
        """In front of a server on a unix socket."""
        folder = parse_qs(urlsplit(server_dsn).query)["host"][0]
        proxy = cls(f"{folder}/.s.PGSQL.5432", random)
        proxy._is_open = {way: asyncio.Event() for way in Way}
        proxy.mend()
        server = await asyncio.start_server(proxy._connect, "127.0.0.1", 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            proxy.mend()
            server.close()
            proxy.cut_all()
