"""Probes: many at once cost one look at the database."""

import asyncio

from tegu.domain.installation import Health
from tegu.interfaces.http.asgi import Message
from tegu.interfaces.http.mount import MountedTegu

HEALTH = Health(is_open=True, is_database_reachable=True, latency_ms=1.0, schema="head")


class Slow:
    """A `Served` that counts how often it is asked."""

    def __init__(self) -> None:
        self.looks = 0

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def health(self) -> Health:
        self.looks += 1
        await asyncio.sleep(0.05)
        return HEALTH


async def ask(app: MountedTegu) -> int:
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        said.append(message)

    await app({"type": "http", "method": "GET", "path": "/health", "headers": []}, receive, send)
    return said[0]["status"]


async def test_a_thousand_probes_at_once_are_one_look_and_the_next_is_another() -> None:
    slow = Slow()
    app = MountedTegu(slow)
    answers = await asyncio.gather(*(ask(app) for _ in range(1000)))
    assert (len(set(answers)), slow.looks) == (1, 1)
    await ask(app)
    assert slow.looks == 2
