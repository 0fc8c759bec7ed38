"""Following runs: their events in order, and between them what their models have said so far.

Called by the app's `follow`, a look at a time. Invariant: a partial is shown only while the follower has seen its attempt
begin and not end, so that it never comes after what ends it, whatever is left of it in the database.
"""

from collections.abc import Iterable, Iterator
from time import monotonic
from uuid import UUID

from tegu.actions.runs import WATCH_S
from tegu.actions.scope import Scope
from tegu.domain.json import JsonObject
from tegu.domain.run import RunEvent
from tegu.storage import partials as partial_store
from tegu.storage import runs as store
from tegu.storage.partials import StoredPartial

_BEGINS = "stage.started"
_STAGE_ENDS = frozenset(
    {
        "stage.completed",
        "stage.failed",
        "stage.retrying",
        "stage.waiting",
        "stage.crashed",
        "stage.skipped",
        "stage.cancelled",
    }
)
_RUN_ENDS = frozenset(
    {"run.waiting", "run.handed_back", "run.paused", "run.completed", "run.failed", "run.cancelled"}
)
"""A run that waits, changes hands or ends leaves no attempt under way."""


class Following:
    """One follower of some runs."""

    def __init__(self, scope: Scope, run_ids: Iterable[UUID], *, partials: bool = False) -> None:
        self.is_over = False
        """Whether all runs have ended and every event was read."""
        self._scope = scope
        self._after = dict.fromkeys(run_ids, 0)
        self._partials = partials
        self._watched_until = 0.0
        self._attempts: dict[tuple[UUID, str], int] = {}
        self._shown: dict[tuple[UUID, str, str, int], tuple[int, int]] = {}

    async def look(self) -> list[RunEvent]:
        """What is new since the last look, in order within each run."""
        organization_id, run_ids = self._scope.organization_id, list(self._after)
        partials: list[StoredPartial] = []
        async with self._scope.transaction() as connection:
            # Statuses first: what ended before the events were read has all its events among them.
            statuses = await store.statuses_of(connection, organization_id, run_ids)
            if self._partials:
                if monotonic() > self._watched_until:
                    under_way = [run_id for run_id, status in statuses.items() if not status.is_terminal]
                    await partial_store.watch_runs(connection, organization_id, under_way, for_s=WATCH_S)
                    self._watched_until = monotonic() + WATCH_S / 3
                partials = await partial_store.partials_of(connection, organization_id, run_ids)
            # Events last: an attempt that ended before its partial was read has its end among them.
            events = await store.events_after(connection, organization_id, self._after)
        for event in events:
            self._after[event.run_id] = event.seq
            self._note(event)
        self.is_over = not events and all(status.is_terminal for status in statuses.values())
        return [*events, *self._news(partials)]

    def _note(self, event: RunEvent) -> None:
        """Which attempt of each stage is under way."""
        if event.stage is not None:
            place = (event.run_id, event.stage)
            attempt = event.data.get("attempt") if isinstance(event.data, dict) else None
            if event.kind == _BEGINS and isinstance(attempt, int):
                self._attempts[place] = attempt
            elif event.kind in _STAGE_ENDS:
                self._attempts.pop(place, None)
        elif event.kind in _RUN_ENDS:
            self._attempts = {
                place: attempt for place, attempt in self._attempts.items() if place[0] != event.run_id
            }

    def _news(self, partials: Iterable[StoredPartial]) -> Iterator[RunEvent]:
        for found in partials:
            if self._attempts.get((found.run_id, found.stage)) != found.attempt:
                continue
            key = (found.run_id, found.stage, found.item, found.call)
            version = (found.attempt, found.version)
            if self._shown.get(key) == version:
                continue
            self._shown[key] = version
            data: JsonObject = {
                "partial": found.partial,
                "text_length": found.text_length,
                "call": found.call,
                "attempt": found.attempt,
            }
            if found.item:
                data["item"] = found.item
            if found.is_truncated:
                data["is_truncated"] = True
            seq = self._after[found.run_id]
            yield RunEvent(found.run_id, seq, "stage.partial", found.stage, data, found.updated_at)
