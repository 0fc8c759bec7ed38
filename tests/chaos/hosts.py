"""Hosts of their own: network namespaces, each with a link to a hub where the database and the provider are.

Nothing leaves them: the hub's ports lead, through this process, to the sockets of the tests' own servers.
"""

import asyncio
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count

_CLONE_NEWNET = 0x40000000
_BLOCK_BYTES = 2**16
_FIRST_BLOCKS = 4

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Reach = Callable[[], Awaitable[Streams]]
"""Connects to what a port of the hub stands for."""


def why_not() -> str | None:
    """Why this machine cannot have such hosts; None where it can."""
    name = f"tegu-probe-{os.getpid()}"
    try:
        _ip("netns", "add", name)
        _ip("link", "add", "probe", "netns", name, "type", "veth", "peer", "name", "peer", "netns", name)
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        return f"no network namespaces here: {said.strip()}"
    finally:
        with suppress(OSError, subprocess.CalledProcessError):
            _ip("netns", "del", name)
    return None


@dataclass(frozen=True, slots=True)
class Host:
    """One host. `address` is the hub's, as the host sees it."""

    name: str
    hub: str
    port: str
    address: str

    @property
    def own_address(self) -> str:
        """Its own, as the hub sees it."""
        return f"{self.address.rpartition('.')[0]}.2"

    @property
    def prefix(self) -> tuple[str, ...]:
        """What makes a command run there."""
        return ("ip", "netns", "exec", self.name)

    def cut_off(self) -> None:
        """The link is down; what both sides sent is lost, and neither is told."""
        _ip("-n", self.hub, "link", "set", self.port, "down")

    def heal(self) -> None:
        """The link is up again."""
        _ip("-n", self.hub, "link", "set", self.port, "up")


@asynccontextmanager
async def hosts_around(
    *names: str, ports: Mapping[int, Reach], heard: Callable[[str, bytes], None]
) -> AsyncGenerator[list[Host]]:
    """So many hosts around a hub with these ports. `heard` gets what is answered first, and to which address."""
    hub = f"tegu-{os.getpid()}-hub"
    made, servers = [hub], list[asyncio.Server]()
    try:
        _ip("netns", "add", hub)
        hosts: list[Host] = []
        for number, name in enumerate(names, start=1):
            host = Host(f"tegu-{os.getpid()}-{name}", hub, f"to-{name}", f"10.231.{number}.1")
            made.append(host.name)
            hosts.append(host)
            _link(host)
        for port, reach in ports.items():
            listening = await asyncio.to_thread(_listening_in, hub, port)
            servers.append(await asyncio.start_server(_passing_on(reach, heard), sock=listening))
        yield hosts
    finally:
        for server in servers:
            server.close()
        for name in made:
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "del", name)


def _link(host: Host) -> None:
    _ip("netns", "add", host.name)
    _ip(
        "link", "add", host.port, "netns", host.hub, "type", "veth", "peer", "name", "up0", "netns", host.name
    )
    for namespace, device, address in (
        (host.hub, host.port, host.address),
        (host.name, "up0", host.own_address),
    ):
        _ip("-n", namespace, "address", "add", f"{address}/30", "dev", device)
        _ip("-n", namespace, "link", "set", device, "up")
        _ip("-n", namespace, "link", "set", "lo", "up")


def _ip(*arguments: str) -> None:
    subprocess.run(("ip", *arguments), check=True, capture_output=True, text=True, timeout=30)


def _listening_in(namespace: str, port: int) -> socket.socket:
    """A socket belongs to the namespace that its thread was in when it was made."""
    found: list[socket.socket] = []

    def listen() -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/var/run/netns/{namespace}") as there:  # noqa: PTH123 (a file descriptor is wanted)
            if libc.setns(there.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        found.append(socket.create_server(("0.0.0.0", port)))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    return found[0]


def _passing_on(
    reach: Reach, heard: Callable[[str, bytes], None]
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = str(writer.get_extra_info("peername")[0])
        try:
            inner_reader, inner_writer = await reach()
        except OSError:
            writer.transport.abort()
            return
        with suppress(asyncio.CancelledError):  # at the end of the test; a server's task must not say so
            back = _pump(inner_reader, writer, lambda block: heard(address, block))
            await asyncio.gather(_pump(reader, inner_writer), back)

    return serve


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    heard: Callable[[bytes], None] | None = None,
) -> None:
    with suppress(OSError, asyncio.CancelledError):
        for number in count():
            if not (block := await reader.read(_BLOCK_BYTES)):
                break
            if heard is not None and number < _FIRST_BLOCKS:
                heard(block)
            writer.write(block)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.close()
