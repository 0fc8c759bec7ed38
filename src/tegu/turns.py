"""Places that are shared fairly: whoever asks for many waits for the next one, and not everybody else with them.

Used where work is dear: the sandbox of readers, checks of documents, requests. Invariants: an organization and an actor have at most
their share under way, so that there is a place for others; of those who wait the organizations go in turn, and so do the actors of
each; who asks is known from the context, which the actions set (`on_behalf`), and the stages.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator, Generator, Hashable
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from tegu.domain.errors import QuotaError

_RETRY_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf work is done. `actor` is whatever tells them apart from others of the organization."""

    organization_id: UUID | None = None
    actor: Hashable = None


@dataclass(frozen=True, slots=True)
class Shares:
    """How many are under way at once: of all, of one organization, of one actor. Who waits longer than `wait_s`, or comes when
    `waiting` of theirs wait already, is told so; None: they wait on.
    """

    at_once: int
    of_organization: int
    of_actor: int
    wait_s: float | None = None
    waiting: int | None = None


_asker: ContextVar[Asker | None] = ContextVar("tegu_asker", default=None)
_NOBODY = Asker()


def asker() -> Asker:
    """On whose behalf this is done, as far as that was said."""
    return _asker.get() or _NOBODY


@contextmanager
def on_behalf(whom: Asker) -> Generator[None]:
    """What is done within this is done for somebody."""
    token = _asker.set(whom)
    try:
        yield
    finally:
        _asker.reset(token)


class FairTurns:
    """See the module. It belongs to one event loop."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._under_way: Counter[object] = Counter()
        self._waiting: OrderedDict[UUID | None, OrderedDict[Hashable, deque[asyncio.Future[None]]]] = (
            OrderedDict()
        )

    @asynccontextmanager
    async def turn(self, whom: Asker, *, refusal: str) -> AsyncGenerator[None]:
        """A place while this lasts. Raises QuotaError with that message for whoever waits too long."""
        await self.take(whom, refusal=refusal)
        try:
            yield
        finally:
            self.give_back(whom)

    async def take(self, whom: Asker, *, refusal: str) -> None:
        """A place, perhaps after a while, to be given back. Raises QuotaError."""
        if self._has_room(whom):
            self._count(whom, 1)
            return
        turn = self._queue(whom, refusal)
        try:
            async with asyncio.timeout(self._shares.wait_s):
                await turn
        except BaseException as error:
            self._forget(whom, turn)
            if turn.done() and not turn.cancelled():
                self.give_back(whom)  # it came in the same moment
            if isinstance(error, TimeoutError):
                raise _refused(refusal) from None
            raise

    def give_back(self, whom: Asker) -> None:
        """The next one may come."""
        self._count(whom, -1)
        while (following := self._next()) is not None:
            next_one, turn = following
            self._count(next_one, 1)
            turn.set_result(None)

    def _queue(self, whom: Asker, refusal: str) -> asyncio.Future[None]:
        actors = self._waiting.setdefault(whom.organization_id, OrderedDict())
        turns = actors.setdefault(whom.actor, deque())
        if self._shares.waiting is not None and len(turns) >= self._shares.waiting:
            raise _refused(refusal)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        turns.append(turn)
        return turn

    def _next(self) -> tuple[Asker, asyncio.Future[None]] | None:
        """Who goes next, of those who wait: then theirs wait behind the others."""
        for organization_id, actors in self._waiting.items():
            for actor, turns in actors.items():
                whom = Asker(organization_id, actor)
                turn = next((each for each in turns if not each.done()), None)
                if turn is not None and self._has_room(whom):
                    self._waiting.move_to_end(organization_id)
                    actors.move_to_end(actor)
                    self._forget(whom, turn)
                    return whom, turn
        return None

    def _has_room(self, whom: Asker) -> bool:
        taken, shares = self._under_way, self._shares
        return (
            taken[None] < shares.at_once
            and taken[whom.organization_id, None] < shares.of_organization
            and taken[whom.organization_id, whom.actor, None] < shares.of_actor
        )

    def _count(self, whom: Asker, by: int) -> None:
        for key in (None, (whom.organization_id, None), (whom.organization_id, whom.actor, None)):
            self._under_way[key] += by
            if not self._under_way[key]:
                del self._under_way[key]

    def _forget(self, whom: Asker, turn: asyncio.Future[None]) -> None:
        actors = self._waiting.get(whom.organization_id)
        turns = actors.get(whom.actor) if actors is not None else None
        if actors is None or turns is None or turn not in turns:
            return
        turns.remove(turn)
        if not turns:
            del actors[whom.actor]
        if not actors:
            del self._waiting[whom.organization_id]


def _refused(message: str) -> QuotaError:
    return QuotaError(
        message,
        hint="wait until some of what you asked for has ended",
        code="rate_limited",
        retry_after_s=_RETRY_AFTER_S,
    )
