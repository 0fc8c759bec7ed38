"""Tells everybody in this process who follows events what is new: one look at the database for all of them.

    subscribe   a follower joins its organization: up to date from the next look on, or after what it has missed
    look        every quarter of a second, sooner while a reply grows that somebody watches: what was not visible in the
                organization's snapshot goes to those who want it; then the snapshot is the new one
    check       every few seconds: whose session or key lets nobody in any more is told the end

Called by the interfaces that stream. Invariants: nothing is asked while nobody follows; a look that fails is had again from the
same snapshot, so nothing is lost; of one run the events come in its order.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import asyncpg

from tegu.domain.actor import Actor, ActorKind
from tegu.engine.feed import Feed
from tegu.engine.followers import Followers, News
from tegu.engine.subscription import EndReason, Subscription, Told, Topics
from tegu.storage.claims import RunKey
from tegu.storage.event_news import Look, NewPartial, Snapshot, Wanted, look_for_news, still_let_in
from tegu.storage.remembered import Remembered

log = logging.getLogger("tegu.engine")

EVENTS_MAX = 10_000
"""Events of one organization that are told to one who comes again; who missed more is told so."""
_LOOKED_UP = frozenset({ActorKind.USER, ActorKind.KEY, ActorKind.EMBED})
_WATCH_AGAIN_S = 20.0
_KEY_S = 3600.0

Pool = Callable[[], Awaitable["asyncpg.Pool[asyncpg.Record]"]]
Joined = Mapping[UUID, list[Subscription]]


@dataclass(frozen=True, slots=True)
class BroadcastOptions:
    """Intervals. After a look it rests `rest` times as long as that took, so that looking is never most of what a process does.
    After `idle_s` without a request a session has ended.
    """

    look_s: float = 0.25
    hinted_s: float = 0.1
    rest: float = 3.0
    retry_s: float = 1.0
    check_s: float = 5.0
    idle_s: float = 14 * 86_400.0


class Broadcast:
    """See the module. It belongs to one event loop. `watch` lets models be streamed for runs for a minute."""

    def __init__(
        self,
        pool: Pool,
        feed: Feed,
        watch: Callable[[UUID, Iterable[UUID]], Awaitable[None]],
        cursor_key: Callable[[UUID], Awaitable[bytes]],
        *,
        options: BroadcastOptions | None = None,
    ) -> None:
        self._pool = pool
        self._feed = feed
        self._watch = watch
        self._cursor_keys = Remembered(cursor_key, for_s=_KEY_S)
        self._options = options or BroadcastOptions()
        self._organizations: dict[UUID, Followers] = {}
        self._watched: dict[RunKey, dict[Subscription, None]] = {}
        self._shown: dict[RunKey, dict[tuple[str, str, int, int], int]] = {}
        self._hint = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._watch_at = 0.0

    @property
    def is_looking(self) -> bool:
        """Whether the database is asked from time to time: somebody follows."""
        return self._working is not None

    async def cursor_key(self, organization_id: UUID) -> bytes:
        """What seals cursors of the organization: it never changes, and is asked for once for many who come."""
        return await self._cursor_keys.of(organization_id)

    def actors_of(self, organization_id: UUID) -> Iterator[Actor]:
        """Who follows in an organization, once for each stream."""
        return (each.actor for each in self._organizations.get(organization_id, ()))

    def position_of(self, follower: Subscription) -> Snapshot | None:
        """Up to where one has been told that has taken everything. None while it joins, or has not."""
        here = self._organizations.get(follower.actor.organization_id)
        return here.position if here and follower.is_idle and follower in here.present else None

    @asynccontextmanager
    async def subscribe(
        self, actor: Actor, topics: Topics, position: Snapshot | None = None
    ) -> AsyncGenerator[Subscription]:
        """Follow while this lasts."""
        made = Subscription(actor, topics, position)
        if self._is_stopping:
            made.end(EndReason.STOPPING)
            yield made
            return
        async with AsyncExitStack() as leaving:
            self._organizations.setdefault(actor.organization_id, Followers()).joining[made] = None
            leaving.callback(self._leave, made)
            if topics.partials and topics.runs:
                for run_id in topics.runs:
                    self._watched.setdefault((actor.organization_id, run_id), {})[made] = None
                await leaving.enter_async_context(self._feed.hints(topics.runs, hint=self._hint))
                self._watch_at = 0.0
                self._hint.set()
            if self._working is None:
                self._working = asyncio.create_task(self._work())
            yield made

    def end(self) -> None:
        """The process is told to stop: every stream gets its last note, and none begins any more."""
        self._is_stopping = True
        for here in self._organizations.values():
            for follower in here:
                follower.end(EndReason.STOPPING)

    async def close(self) -> None:
        """End them all, and look no more."""
        self.end()
        working, self._working = self._working, None
        if working is not None:
            working.cancel()
            await asyncio.wait([working])

    def _leave(self, follower: Subscription) -> None:
        organization_id = follower.actor.organization_id
        here = self._organizations[organization_id]
        here.remove(follower)
        if not here.present and not here.joining:
            del self._organizations[organization_id]
        for run_id in follower.topics.runs if follower.topics.partials else ():
            watchers = self._watched[organization_id, run_id]
            watchers.pop(follower, None)
            if not watchers:
                del self._watched[organization_id, run_id]
                self._shown.pop((organization_id, run_id), None)
        if not self._organizations and self._working is not None:
            self._working.cancel()
            self._working = None

    async def _work(self) -> None:
        checked_at = monotonic()
        while True:
            began = monotonic()
            try:
                if began >= self._watch_at and self._watched:
                    self._watch_at = began + _WATCH_AGAIN_S
                    await self._keep_watched()
                await self._look()
                if began >= checked_at + self._options.check_s:
                    checked_at = began
                    await self._check()
            except Exception as error:  # noqa: BLE001 (whatever it was, the next look begins where this one did)
                log.info("events were not read: %s", error or type(error).__name__)
                await asyncio.sleep(self._options.retry_s)
            await asyncio.sleep(max(self._options.hinted_s, self._options.rest * (monotonic() - began)))
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._options.look_s - (monotonic() - began))):
                    await self._hint.wait()
            self._hint.clear()

    async def _look(self) -> None:
        # Who joins from here on is not known to the look, and has to wait for the next.
        joined: Joined = {id_: list(here.joining) for id_, here in self._organizations.items()}
        self._tell(await look_for_news(await self._pool(), self._wanted(joined)), joined)

    def _wanted(self, joined: Joined) -> Wanted:
        since: dict[UUID, Snapshot] = {}
        runs: dict[RunKey, int] = {}
        for organization_id, here in self._organizations.items():
            for position in (here.position, *(each.position for each in joined[organization_id])):
                known = since.get(organization_id)
                if position is not None and position is not known:
                    since[organization_id] = position if known is None else known | position
            for follower in joined[organization_id]:
                for run_id, seq in follower.topics.runs.items() if follower.position is None else ():
                    if seq is not None:
                        key = organization_id, run_id
                        runs[key] = min(seq, runs.get(key, seq))
        return Wanted(since, runs, list(self._watched), EVENTS_MAX)

    def _tell(self, look: Look, joined: Joined) -> None:
        for organization_id, here in self._organizations.items():
            events = look.news.get(organization_id, ())
            cut = look.complete_after.get(organization_id, -1)
            runs = look.runs.get(organization_id, ())
            here.tell(News(events, look.snapshot, cut, runs), joined.get(organization_id, []))
        for partial in look.partials:
            self._tell_partial(partial, look.snapshot)

    def _tell_partial(self, partial: NewPartial, snapshot: Snapshot) -> None:
        key = partial.organization_id, partial.event.run_id
        here = self._organizations.get(partial.organization_id)
        watchers = [each for each in self._watched.get(key, ()) if here is not None and each in here.present]
        shown = self._shown.setdefault(key, {}) if watchers else {}
        if shown.get(partial.key) != partial.version:
            shown[partial.key] = partial.version
            for follower in watchers:
                follower.put(Told(partial.event, "", None), position=snapshot)

    async def _keep_watched(self) -> None:
        by_organization: dict[UUID, list[UUID]] = {}
        for organization_id, run_id in self._watched:
            by_organization.setdefault(organization_id, []).append(run_id)
        for organization_id, run_ids in by_organization.items():
            await self._watch(organization_id, run_ids)

    async def _check(self) -> None:
        """End the streams of those whose session or key has ended."""
        everybody = [each for here in self._organizations.values() for each in here]
        checked = [each for each in everybody if each.actor.kind in _LOOKED_UP]
        if checked:
            actors = {_proof(each.actor): each.actor for each in checked}
            still = await still_let_in(await self._pool(), actors.values(), idle_s=self._options.idle_s)
            for follower in checked:
                if _proof(follower.actor) not in still:
                    follower.end(EndReason.SIGNED_OUT)


def _proof(actor: Actor) -> UUID | None:
    """The session, key or token that somebody came in with."""
    return actor.session_id or actor.id
