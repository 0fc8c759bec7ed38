"""How many requests are under way at once, and how many wait for their turn; whoever comes then is told to come again.

Called by `service`. Invariants: a probe needs no place; streams and waits, which take long and do little, have places of their
own, so that they cannot take those of others; nobody waits longer than `wait_s`.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from tegu.interfaces.http.asgi import Application, Message, Receive, Send, path_of, respond_problem

_RETRY_AFTER = (b"retry-after", b"2")


@dataclass(frozen=True, slots=True)
class Places:
    """`at_once` are under way, `waiting` more wait up to `wait_s`."""

    at_once: int
    waiting: int = 0
    wait_s: float = 4.0


ORDINARY = Places(at_once=64, waiting=512)
WAITS = Places(at_once=200)
STREAMS = Places(at_once=10_000)


class Turns:
    """Places for one kind of request."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self) -> bool:
        """A place, perhaps after a while. False: there is none."""
        if self._under_way < self._places.at_once:
            self._under_way += 1
            return True
        if len(self._waiting) >= self._places.waiting:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._places.wait_s):
                await turn
        except TimeoutError:
            return not turn.cancelled()  # it may have come in the same moment
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            raise
        finally:
            with suppress(ValueError):
                self._waiting.remove(turn)
        return True

    def give_back(self) -> None:
        """The next one may come."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)  # the place is handed on
                return
        self._under_way -= 1


class Admission:
    """See the module."""

    def __init__(
        self,
        inner: Application,
        *,
        ordinary: Places = ORDINARY,
        waits: Places = WAITS,
        streams: Places = STREAMS,
    ) -> None:
        self._inner = inner
        self._ordinary, self._waits, self._streams = Turns(ordinary), Turns(waits), Turns(streams)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One request."""
        path = path_of(scope) if scope["type"] == "http" else "/health"
        if path == "/health":
            return await self._inner(scope, receive, send)
        turns = self._turns_for(path)
        if not await turns.take():
            return await respond_problem(
                send, scope, 503, "busy", "too many requests are under way", hint="try again in a moment",
                headers=(_RETRY_AFTER,),
            )  # fmt: skip
        try:
            await self._inner(scope, receive, send)
        finally:
            turns.give_back()

    def _turns_for(self, path: str) -> Turns:
        if path == "/api/events":
            return self._streams
        return self._waits if path.endswith("/wait") else self._ordinary
