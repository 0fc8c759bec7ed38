"""How many requests are under way at once, and how many wait for their turn; whoever comes then is told to come again.

Called by `service`. A request has a place at the door until it is known who asks; from then on it has one of the share of its actor
and organization (`let_in`), and the door is free for the next. Invariants: a probe needs no place; streams and waits, which
take long and do little, have places of their own, so that they cannot take those of others; nobody waits longer than `wait_s`.
"""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from tegu.domain.actor import Actor
from tegu.interfaces.http.asgi import Application, Message, Receive, Send, path_of, respond_problem
from tegu.turns import Asker, FairTurns, Shares

_RETRY_AFTER = (b"retry-after", b"2")


@dataclass(frozen=True, slots=True)
class Places:
    """`at_once` are under way, `waiting` more wait up to `wait_s`."""

    at_once: int
    waiting: int = 0
    wait_s: float = 4.0


ORDINARY = Places(at_once=64, waiting=512)
WAITS = Places(at_once=1_000)
STREAMS = Places(at_once=10_000)
ORDINARY_SHARES = Shares(at_once=96, of_organization=64, of_actor=48, wait_s=4.0, waiting=256)
WAIT_SHARES = Shares(at_once=1_000, of_organization=200, of_actor=100, wait_s=0.0)
_ENTRY = "tegu.entry"


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


class _Entry:
    """The place of one request."""

    def __init__(self, door: Turns, shared: FairTurns | None) -> None:
        self._door: Turns | None = door
        self._shared = shared
        self._whom: Asker | None = None

    async def belong_to(self, whom: Asker) -> None:
        """Go on within the share of whoever asks, which may take a while. Raises QuotaError."""
        if self._shared is None or self._door is None:
            return
        door, self._door = self._door, None
        door.give_back()
        await self._shared.take(whom, refusal="too many of your requests are under way")
        self._whom = whom

    def leave(self) -> None:
        """The request has ended."""
        if self._door is not None:
            self._door.give_back()
        if self._shared is not None and self._whom is not None:
            self._shared.give_back(self._whom)


class Admission:
    """See the module."""

    def __init__(
        self,
        inner: Application,
        *,
        ordinary: Places = ORDINARY,
        waits: Places = WAITS,
        streams: Places = STREAMS,
        ordinary_shares: Shares = ORDINARY_SHARES,
        wait_shares: Shares = WAIT_SHARES,
    ) -> None:
        self._inner = inner
        self._shared, self._shared_waits = FairTurns(ordinary_shares), FairTurns(wait_shares)
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
        shared = None
        if turns is not self._streams:  # of streams `actions.live` counts
            shared = self._shared_waits if turns is self._waits else self._shared
        entry = scope[_ENTRY] = _Entry(turns, shared)
        try:
            await self._inner(scope, receive, send)
        finally:
            entry.leave()

    def _turns_for(self, path: str) -> Turns:
        if path == "/api/events":
            return self._streams
        return self._waits if path.endswith("/wait") else self._ordinary


async def let_in(actor: Actor, scope: Message) -> None:
    """It is known who asks: from here on their share is taken. Raises QuotaError."""
    entry: _Entry | None = scope.get(_ENTRY)
    if entry is not None:
        await entry.belong_to(Asker(actor.organization_id, actor.answers))
