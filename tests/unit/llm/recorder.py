"""A server that writes down what arrives, byte for byte, and refuses it: for what the scripted provider does not keep."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from tegu.domain.json import JsonObject


@dataclass
class Arrived:
    """One request. Header names are lower case."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> JsonObject:
        found: JsonObject = json.loads(self.body)
        return found


@dataclass
class Recorder:
    """`answer` is sent to every request."""

    url: str = ""
    arrived: list[Arrived] = field(default_factory=list[Arrived])
    status: str = "400 Bad Request"
    headers: tuple[str, ...] = ()
    body: str = "{}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        pairs = (header.partition(": ") for header in rest)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.arrived.append(Arrived(line, headers, body))
        extra = "".join(f"{header}\r\n" for header in self.headers)
        writer.write(
            f"HTTP/1.1 {self.status}\r\ncontent-type: application/json\r\nconnection: close\r\n{extra}"
            f"content-length: {len(self.body.encode())}\r\n\r\n{self.body}".encode()
        )
        await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


@asynccontextmanager
async def recording(
    status: str = "400 Bad Request", headers: tuple[str, ...] = (), body: str = "{}"
) -> AsyncGenerator[Recorder]:
    recorder = Recorder(status=status, headers=headers, body=body)
    server = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
    async with server:
        recorder.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield recorder
