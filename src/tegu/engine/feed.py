"""Hints to those who follow runs in this process: there may be something new, look now.

Called by the app's `follow`. One connection listens for all of them, while there are any. Invariant: a hint that is lost
costs a follower one poll interval; polling is the truth.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from uuid import UUID

from tegu.engine.wake import Connect, hear

CHANNEL = "tegu_partials"
_MARK_LENGTH = 12


class Feed:
    """See the module. It belongs to one event loop."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._followers: dict[str, list[asyncio.Event]] = {}
        self._listening: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def hints(
        self, run_ids: Iterable[UUID], *, hint: asyncio.Event | None = None
    ) -> AsyncGenerator[asyncio.Event]:
        """An event (that one, if given) that is set when something of one of these runs was stored. Of no runs: one that is
        never set.
        """
        hint = hint or asyncio.Event()
        marks = [_mark(run_id) for run_id in run_ids]
        for mark in marks:
            self._followers.setdefault(mark, []).append(hint)
        if marks and self._listening is None:
            self._listening = asyncio.create_task(hear(self._connect, CHANNEL, self._told))
        try:
            yield hint
        finally:
            for mark in marks:
                self._followers[mark].remove(hint)
                if not self._followers[mark]:
                    del self._followers[mark]
            if not self._followers:
                await self.close()

    async def close(self) -> None:
        """Stop listening."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()
            await asyncio.wait([listening])

    def _told(self, marks: str) -> None:
        """Nothing at all was said: the connection is new, and whatever was said before it was missed."""
        named = marks.split(",") if marks else list(self._followers)
        for mark in named:
            for hint in self._followers.get(mark, ()):
                hint.set()


def _mark(run_id: UUID) -> str:
    """What the notification calls the run (`write_partials.sql`): no id is said where other organizations listen."""
    return hashlib.sha256(str(run_id).encode()).hexdigest()[:_MARK_LENGTH]
