"""Who carries runs to their end while a command watches: this process, or the workers of the service.

Made by `run` and the demo, used by `following`. Invariant: both are asked the same, so that the same is shown.
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol
from uuid import UUID

from tegu.app import Tegu
from tegu.client.service import Service
from tegu.domain.call import LlmCall
from tegu.domain.run import RunEvent
from tegu.interfaces.cli.session import taken

WAIT_S = 7 * 24 * 3600.0
"""How long a command waits for its runs; they go on without it."""
_CALLS_MAX = 1000


class Runner(Protocol):
    """See the module."""

    async def finish(self, run_ids: Sequence[UUID]) -> None:
        """Return when all have ended."""
        ...

    def follow(self, run_ids: Sequence[UUID], *, partials: bool) -> AsyncGenerator[RunEvent]:
        """What happens in them, until all have ended."""
        ...

    async def calls_of(self, run_id: UUID) -> list[LlmCall]:
        """The calls of one, in order."""
        ...

    async def waiting_reasons(self, run_ids: Sequence[UUID]) -> dict[UUID, str]:
        """Why some of them are not taken."""
        ...


class Here:
    """This process drives them."""

    def __init__(self, tegu: Tegu) -> None:
        self._tegu = tegu

    async def finish(self, run_ids: Sequence[UUID]) -> None:
        """See `Runner`."""
        await self._tegu.drive(run_ids, timeout_s=WAIT_S)

    def follow(self, run_ids: Sequence[UUID], *, partials: bool) -> AsyncGenerator[RunEvent]:
        """See `Runner`."""
        return self._tegu.follow(run_ids, partials=partials)

    async def calls_of(self, run_id: UUID) -> list[LlmCall]:
        """See `Runner`."""
        return await self._tegu.list_calls(run_id=run_id, limit=_CALLS_MAX)

    async def waiting_reasons(self, run_ids: Sequence[UUID]) -> dict[UUID, str]:
        """See `Runner`."""
        return await self._tegu.waiting_reasons(run_ids)


class There:
    """The service's workers drive them."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def finish(self, run_ids: Sequence[UUID]) -> None:
        """See `Runner`."""
        await self._service.wait(run_ids, timeout_s=WAIT_S)

    def follow(self, run_ids: Sequence[UUID], *, partials: bool) -> AsyncGenerator[RunEvent]:
        """See `Runner`."""
        return self._service.follow(run_ids, partials=partials)

    async def calls_of(self, run_id: UUID) -> list[LlmCall]:
        """See `Runner`."""
        return await taken(self._service.calls.all(run_id=run_id, sort="created_at"), _CALLS_MAX)

    async def waiting_reasons(self, run_ids: Sequence[UUID]) -> dict[UUID, str]:
        """See `Runner`."""
        found = [await self._service.runs.get(run_id) for run_id in run_ids]
        return {run.id: run.waiting_reason for run in found if run.waiting_reason}
