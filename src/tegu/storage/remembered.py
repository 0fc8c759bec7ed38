"""What is looked up for every call and changes rarely: remembered for seconds, by organization.

Made by the runtime for models, settings and keys of providers. Invariant: a change is seen everywhere within `for_s`, and at
once in the process that made it and said so (`forget`).
"""

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar
from uuid import UUID

Value = TypeVar("Value")
REMEMBERED_S = 5.0
_REMEMBERED_MAX = 10_000


class Remembered(Generic[Value]):
    """The values of `find`, by organization."""

    def __init__(
        self,
        find: Callable[[UUID], Awaitable[Value]],
        *,
        for_s: float = REMEMBERED_S,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._find = find
        self._for_s = for_s
        self._clock = clock
        self._known: dict[UUID, tuple[float, Value]] = {}

    async def of(self, organization_id: UUID) -> Value:
        """As it was at most `for_s` ago."""
        known = self._known.get(organization_id)
        if known is not None and known[0] > self._clock():
            return known[1]
        asked_at = self._clock()
        found = await self._find(organization_id)
        if len(self._known) >= _REMEMBERED_MAX:
            self._known.clear()
        self._known[organization_id] = asked_at + self._for_s, found
        return found

    def forget(self, organization_id: UUID) -> None:
        """It was changed in this process."""
        self._known.pop(organization_id, None)
