"""Runs that a worker owns and does not drive: a claim whose answer was lost, or that failed half-way. They are given back.

Called by the worker's watch loop. Invariant: a run that a claim under way may still make a driver for is left alone.
"""

import logging
from collections.abc import Container, Mapping
from uuid import UUID

from tegu.storage.claims import Claims, RunKey, Signal

log = logging.getLogger("tegu.engine")


class Undriven:
    """What was seen so at the last look."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._seen: dict[tuple[RunKey, int], float] = {}  # (run, epoch): when it was seen first

    async def give_back(
        self,
        worker_id: UUID,
        signals: Mapping[RunKey, Signal],
        driven: Container[RunKey],
        *,
        asked: float,
        claiming_since: float | None,
    ) -> None:
        """Give back those that were so at the last look too, unless the claim under way is older than that."""
        self._seen = {
            (key, signal.epoch): self._seen.get((key, signal.epoch), asked)
            for key, signal in signals.items()
            if key not in driven
        }
        ripe = dict(
            run
            for run, seen in self._seen.items()
            if seen < asked and (claiming_since is None or claiming_since > seen)
        )
        if ripe and (given := await self._claims.give_back(worker_id, ripe)):
            log.warning("%d runs are given back: owned, but not driven", given)
