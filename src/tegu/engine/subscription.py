"""One who follows events: what they want to hear, and what waits to be told to them.

Made by `broadcast`, read by whatever writes to the follower. Invariants: what waits is bounded; who falls behind is told so
(`Resync`), once, instead of what is left out; after `Ended` nothing comes.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from tegu.domain.actor import Actor
from tegu.domain.run import RunEvent
from tegu.storage.event_news import Snapshot

WAITING_MAX = 2_000
"""Notes that wait for one follower."""


class ResyncReason(StrEnum):
    """Why somebody has to read the present state again."""

    SLOW = "too_slow"  # more happened than was taken
    FAR_BEHIND = "too_far_behind"  # more happened since the cursor than is told again
    UNKNOWN_CURSOR = "unknown_cursor"  # it is of another database, or of before a restore


class EndReason(StrEnum):
    """Why a stream ends."""

    STOPPING = "stopping"  # the process was told to stop: come again
    SIGNED_OUT = "signed_out"  # what let the follower in does so no more


@dataclass(slots=True)
class Told:
    """Something new of a run. `position` is there where all of its transaction was told. `written` is what an interface has made
    of it, since many followers are told the same.
    """

    event: RunEvent
    pipeline: str
    position: Snapshot | None
    written: bytes | None = None


@dataclass(frozen=True, slots=True)
class Began:
    """From here on everything is told."""

    position: Snapshot


@dataclass(frozen=True, slots=True)
class Resync:
    """Something was left out; from here on everything is told again."""

    reason: ResyncReason
    position: Snapshot


@dataclass(frozen=True, slots=True)
class Ended:
    """The last note."""

    reason: EndReason


Note = Told | Began | Resync | Ended


@dataclass(frozen=True, slots=True)
class Topics:
    """What somebody wants to hear of: all runs, those of some pipelines, some runs (from after a number, if that is given), and
    what the models of these runs have said so far.
    """

    is_everything: bool = False
    pipelines: frozenset[str] = frozenset()
    runs: Mapping[UUID, int | None] = field(default_factory=dict[UUID, int | None])
    partials: bool = False

    def take(self, run_id: UUID, pipeline: str) -> bool:
        """Whether an event is among them."""
        return self.is_everything or pipeline in self.pipelines or run_id in self.runs


class Subscription:
    """See the module. `position` is up to where a new one has read; None: it begins now."""

    def __init__(self, actor: Actor, topics: Topics, position: Snapshot | None) -> None:
        self.actor = actor
        self.topics = topics
        self.position = position
        self._waiting: deque[Note] = deque()
        self._news = asyncio.Event()
        self._is_ended = False

    @property
    def is_idle(self) -> bool:
        """Whether all that there is was taken."""
        return not self._waiting

    def put(self, note: Note, *, position: Snapshot) -> None:
        """Let it be told. `position` is where a follower goes on who has to leave something out."""
        if self._is_ended:
            return
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.clear()
            note = Resync(ResyncReason.SLOW, position)
        # What was left out in the look of a resync stands before its position.
        if self._waiting and isinstance(last := self._waiting[-1], Resync) and last.position is position:
            return
        self._waiting.append(note)
        self._news.set()

    def end(self, reason: EndReason) -> None:
        """Tell what waits, and this, and nothing more."""
        if not self._is_ended:
            self._is_ended = True
            self._waiting.append(Ended(reason))
            self._news.set()

    def leave(self) -> None:
        """The follower is gone: whoever takes for it waits no more."""
        self._news.set()

    async def take(self, *, within_s: float) -> list[Note]:
        """What waits, as soon as something does; nothing after that time, or when the follower is gone."""
        if not self._waiting:
            self._news.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self._news.wait()
        taken = list(self._waiting)
        self._waiting.clear()
        return taken
