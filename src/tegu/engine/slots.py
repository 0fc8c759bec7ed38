"""Slots for stages under way in one worker: as many as the runs that it owns, and in turn for the organizations.

Called by the worker around every stage. Invariants: no more stages are under way than there are slots; the reserved ones go
only to organizations that have no stage under way; whoever gives a slot back hands it to the organization that has least.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID


class StageSlots:
    """`slots` for everybody, and `reserved` more for organizations that have none."""

    def __init__(self, slots: int, reserved: int) -> None:
        self._slots = slots
        self._reserved = reserved
        self._under_way = 0
        self._of: Counter[UUID] = Counter()
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def held(self, organization_id: UUID) -> AsyncGenerator[None]:
        """Wait for a slot, and give it back."""
        if self._is_free_for(organization_id):
            self._take(organization_id)
        else:
            await self._wait(organization_id)
        try:
            yield
        finally:
            self._give_back(organization_id)
            self._serve()

    def _is_free_for(self, organization_id: UUID) -> bool:
        slots = self._slots if self._of[organization_id] else self._slots + self._reserved
        return self._under_way < slots

    def _take(self, organization_id: UUID) -> None:
        self._under_way += 1
        self._of[organization_id] += 1

    def _give_back(self, organization_id: UUID) -> None:
        self._under_way -= 1
        self._of[organization_id] -= 1
        if not self._of[organization_id]:
            del self._of[organization_id]

    async def _wait(self, organization_id: UUID) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(organization_id, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was ours already
                self._give_back(organization_id)
                self._serve()
            raise

    def _serve(self) -> None:
        while self._waiting:
            organization_id = min(self._waiting, key=self._of.__getitem__)
            if not self._is_free_for(organization_id):
                return
            queue = self._waiting.pop(organization_id)
            turn = queue.popleft()
            if queue:  # the last in the round, now that it was served
                self._waiting[organization_id] = queue
            if not turn.cancelled():
                self._take(organization_id)
                turn.set_result(None)
