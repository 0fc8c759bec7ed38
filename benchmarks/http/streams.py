"""Thousands of clients of the live feed, some of which lose their connection and come again; and what each of them heard."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from time import time
from urllib.parse import urlsplit

from benchmarks.http.people import Tenant

Place = tuple[str, int]
_RETRY_S = 1.0


@dataclass(slots=True)
class Follower:
    """One client. `delays_ms` are from when an event was written to when it was read here, of events that came live."""

    tenant: Tenant
    url: str
    heard: list[Place] = field(default_factory=list[Place])
    delays_ms: list[float] = field(default_factory=list[float])
    resyncs: int = 0
    comebacks: int = 0
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)
    last_id: str | None = None
    _writer: asyncio.StreamWriter | None = None
    _caught_up_at: float = 0.0

    async def follow(self) -> None:
        """Until cancelled: whenever the connection is lost, another one, with the last id."""
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self._read()
            self.comebacks += 1
            await asyncio.sleep(_RETRY_S)

    def break_off(self) -> None:
        """Lose the connection."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def _read(self) -> None:
        parts = urlsplit(self.url)
        reader, self._writer = await asyncio.open_connection(parts.hostname, parts.port)
        head = f"GET /api/events?topics=runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.tenant.key}\r\n"
        if self.last_id is not None:
            head += f"Last-Event-ID: {self.last_id}\r\n"
        self._writer.write(f"{head}\r\n".encode())
        kind = id_ = ""
        try:
            while line := await reader.readline():
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                match name:
                    case "event":
                        kind = value
                    case "id":
                        id_ = value
                    case "data":
                        self._hear(kind, value)
                    case "" if not value and id_:
                        self.last_id, id_ = id_, ""
                    case _:
                        pass
        finally:
            self._writer.transport.abort()

    def _hear(self, kind: str, data: str) -> None:
        if kind == "ready":
            self._caught_up_at = time()
            self.is_ready.set()
        elif kind == "resync":
            self.resyncs += 1
        elif kind == "run":
            event = json.loads(data)
            self.heard.append((event["run_id"], event["seq"]))
            at = datetime.fromisoformat(event["at"]).timestamp()
            if at > self._caught_up_at:
                self.delays_ms.append((time() - at) * 1000)


async def connected(
    url: str, tenants: Sequence[Tenant], count: int
) -> tuple[list[Follower], list[asyncio.Task[None]]]:
    """So many clients, all of whom are told what happens from now on."""
    followers = [Follower(tenants[number % len(tenants)], url) for number in range(count)]
    tasks: list[asyncio.Task[None]] = []
    for number, follower in enumerate(followers):
        tasks.append(asyncio.create_task(follower.follow()))
        if number % 20 == 19:  # as they would come: not all in one millisecond
            await asyncio.sleep(0.05)
    async with asyncio.timeout(300):
        for follower in followers:
            await follower.is_ready.wait()
    return followers, tasks


async def break_some_off(
    followers: Sequence[Follower], *, share: float, every_s: float, random: Random
) -> None:
    """For ever: a share of them loses its connection."""
    while True:
        await asyncio.sleep(every_s)
        for follower in random.sample(followers, int(len(followers) * share)):
            follower.break_off()


def faults(follower: Follower, written: set[Place]) -> tuple[int, int]:
    """How many events it missed, and how many it first heard out of their run's order."""
    first = list(dict.fromkeys(follower.heard))
    last: dict[str, int] = {}
    disordered = 0
    for run_id, seq in first:
        disordered += seq < last.get(run_id, 0)
        last[run_id] = max(seq, last.get(run_id, 0))
    return len(written - set(first)), disordered
