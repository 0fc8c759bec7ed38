"""Waiting for runs, and driving them meanwhile: what an at-least-once engine calls (a queue's task, a workflow's activity).

Called by the handle's `drive` and `wait`. Whoever comes first owns a run; the others wait for it, and one of them goes
on when its lease has ended. Invariant: nothing here moves a run, so any number of callers may call it any number of times.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic
from uuid import UUID

from tegu.actions.machinery import OwnWorker
from tegu.actions.scope import Scope
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.status import RunStatus
from tegu.storage.outages import through_outages
from tegu.storage.standings import Standing, standings_of

_POLL_S = 0.1


class _Patience:
    """Which runs rest: nobody drives them, and it takes longer than `patience_s` until somebody does."""

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._free_since: dict[UUID, float] = {}

    def is_at_an_end(self, left: Mapping[UUID, Standing]) -> bool:
        """Whether every run that has not ended rests."""
        rests = [self._rests(run_id, standing) for run_id, standing in left.items()]  # each is looked at
        return all(rests)

    def _rests(self, run_id: UUID, standing: Standing) -> bool:
        if standing.is_owned:
            self._free_since.pop(run_id, None)
            return False
        if (standing.due_in_s if standing.due_in_s is not None else inf) > self._patience_s:
            return True
        now = monotonic()
        # What is overdue is free from now on: it was looked at for the first time just now.
        since = self._free_since.setdefault(run_id, now + max(0.0, standing.due_in_s or 0.0))
        return now >= since + self._patience_s


async def drive(
    scope: Scope, own: OwnWorker, run_ids: Sequence[UUID], *, timeout_s: float, patience_s: float
) -> dict[UUID, RunStatus]:
    """Drive runs until each has ended or rests. Raises TimeoutError, NotFoundError, UsageError."""
    if not (timeout_s > 0 and patience_s > 0):
        raise UsageError(f"timeout_s={timeout_s}, patience_s={patience_s}: both must be positive numbers")
    patience = _Patience(patience_s)
    async with asyncio.timeout(timeout_s if timeout_s < inf else None), own.released(run_ids) as released:
        while True:
            standings = await _standings(scope, run_ids)
            left = {run_id: found for run_id, found in standings.items() if not found.status.is_terminal}
            keys = [(scope.organization_id, run_id) for run_id in left]
            if not left or (own.has_lease and patience.is_at_an_end(left)):
                own.leave(keys)
                return {run_id: found.status for run_id, found in standings.items()}
            own.check()
            await own.drive(keys)  # said again at every look: another caller may have left them meanwhile
            await _pause(released)


async def wait(
    scope: Scope, own: OwnWorker, run_ids: Sequence[UUID], *, timeout_s: float
) -> dict[UUID, RunStatus]:
    """Wait until runs have ended, whoever drives them. Raises TimeoutError, NotFoundError."""
    async with asyncio.timeout(timeout_s if timeout_s < inf else None), own.released(run_ids) as released:
        while True:
            standings = await _standings(scope, run_ids)
            if all(found.status.is_terminal for found in standings.values()):
                return {run_id: found.status for run_id, found in standings.items()}
            own.check()
            await _pause(released)


async def _standings(scope: Scope, run_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    found = await through_outages(partial(_look, scope, run_ids))
    if missing := set(run_ids) - found.keys():
        raise NotFoundError(f"there is no run {missing.pop()}", hint="`tegu runs` lists the newest")
    return found


async def _look(scope: Scope, run_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    async with scope.transaction() as connection:
        return await standings_of(connection, scope.organization_id, run_ids)


async def _pause(released: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_POLL_S):
            await released.wait()
    released.clear()
