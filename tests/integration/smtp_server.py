"""A mail server: as much of SMTP as a sender speaks, over a real connection."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """What it got; the first `refused` connections are told to come back later."""

    port: int = 0
    refused: int = 0
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def arrived(self, count: int) -> list[EmailMessage]:
        async with asyncio.timeout(30):
            while len(self.mails) < count:
                await asyncio.sleep(0.02)
        return self.mails

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refused > 0:
            self.refused -= 1
            writer.write(b"421 later\r\n")
        else:
            writer.write(b"220 ready\r\n")
            while line := await reader.readline():
                verb = line[:4].upper()
                if verb == b"DATA":
                    writer.write(b"354 go on\r\n")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    self.mails.append(message_from_bytes(data[:-3], policy=policy.default))
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
                await writer.drain()
                if verb == b"QUIT":
                    break
        await writer.drain()
        writer.close()


@asynccontextmanager
async def mail_server(*, refused: int = 0) -> AsyncGenerator[MailServer]:
    """A server at its port."""
    found = MailServer(refused=refused)
    server = await asyncio.start_server(found.talk, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found
