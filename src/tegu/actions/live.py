"""Following events live: which topics there are, who may follow them, and from where.

    runs                every run that the actor sees
    pipeline:NAME       the runs of a pipeline
    run:ID, run:ID@SEQ  a run; with a number its events from after that on, first

Called by the interfaces that stream. Invariant: it asks the policy as every action does, and what an actor does not see is
never told to it: a run is not found, and of `runs` and of pipelines it hears what it may.
"""

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from tegu.actions.policy import enforce
from tegu.actions.runs import WATCH_S
from tegu.actions.scope import Scope
from tegu.actions.sign_in import IDLE_S
from tegu.domain.actor import Actor, Permission, Rows
from tegu.domain.errors import NotFoundError, QuotaError, UsageError
from tegu.engine.broadcast import Broadcast, BroadcastOptions
from tegu.engine.event_cursor import AGE_MAX_S, EventCursors
from tegu.engine.feed import Feed
from tegu.engine.subscription import Subscription, Topics
from tegu.storage import runs
from tegu.storage.database import Database
from tegu.storage.event_news import Snapshot
from tegu.storage.organizations import cursor_key
from tegu.storage.partials import watch_runs

TOPICS_MAX = 100
STREAMS_MAX, STREAMS_ANSWERED_FOR_MAX, STREAMS_OF_ORGANIZATION_MAX = 100, 1_000, 3_000
"""In one process: of one actor, of one with the embedded pages of their tokens, of an organization."""
_AGAIN_S = 5.0
_DAY_S = 86_400.0
_HINT = "`runs`, `pipeline:NAME`, `run:ID` or `run:ID@SEQ`, with commas between them"


@dataclass(frozen=True, slots=True)
class Follow:
    """What is asked for. `cursor` is what the last event brought along that was heard."""

    topics: tuple[str, ...]
    partials: bool = False
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """A subscription, how cursors are written for it, and up to where it has been told everything, if it has."""

    subscription: Subscription
    write_cursor: Callable[[Snapshot], str]
    position: Callable[[], Snapshot | None]


@asynccontextmanager
async def followed(scope: Scope, asked: Follow) -> AsyncGenerator[Live]:
    """Follow while this lasts. Raises ForbiddenError, NotFoundError, UsageError, QuotaError."""
    rows = enforce(scope.actor, "events.follow", Permission.RUNS_READ)
    topics = topics_of(asked, rows)
    broadcast = scope.machinery.broadcast
    _check_share(broadcast, scope.actor)
    if topics.runs:
        async with scope.transaction() as connection:
            seen = await runs.seen_of(connection, scope.organization_id, tuple(topics.runs), rows)
        if missing := topics.runs.keys() - seen:
            raise NotFoundError(f"there is no run {min(missing)}", hint="`tegu runs` lists the newest")
    key = await broadcast.cursor_key(scope.organization_id)
    kept_days = scope.machinery.settings.keep.events_days
    age_max_s = AGE_MAX_S if kept_days is None else min(AGE_MAX_S, kept_days * _DAY_S)
    cursors = EventCursors(scope.organization_id, key, age_max_s=age_max_s)
    position = cursors.read(asked.cursor) if asked.cursor else None
    async with broadcast.subscribe(scope.actor, topics, position) as made:
        yield Live(made, cursors.write, lambda: broadcast.position_of(made))


def _check_share(broadcast: Broadcast, actor: Actor) -> None:
    """Raises QuotaError for one who has enough streams."""
    here = tuple(broadcast.actors_of(actor.organization_id))
    own = sum(each.kind is actor.kind and each.id == actor.id for each in here)
    answered_for = sum(each.answers == actor.answers for each in here)
    for there, limit, whose in (
        (own, STREAMS_MAX, "you have"),
        (answered_for, STREAMS_ANSWERED_FOR_MAX, "you and the embedded pages of your tokens have"),
        (len(here), STREAMS_OF_ORGANIZATION_MAX, "the organization has"),
    ):
        if there >= limit:
            raise QuotaError(
                f"{whose} {limit} streams open already",
                hint="one stream takes many topics",
                code="rate_limited",
                retry_after_s=_AGAIN_S,
            )


def broadcast_of(database: Database, feed: Feed) -> Broadcast:
    """What tells everybody in a process, on its database."""

    async def watch(organization_id: UUID, run_ids: Iterable[UUID]) -> None:
        async with database.transaction(organization_id) as connection:
            await watch_runs(connection, organization_id, run_ids, for_s=WATCH_S)

    async def key_of(organization_id: UUID) -> bytes:
        async with database.transaction(organization_id) as connection:
            return await cursor_key(connection, organization_id)

    return Broadcast(database.engine, feed, watch, key_of, options=BroadcastOptions(idle_s=IDLE_S))


def topics_of(asked: Follow, rows: Rows) -> Topics:
    """What is meant, for somebody who sees these rows. Raises UsageError."""
    if not 0 < len(asked.topics) <= TOPICS_MAX:
        raise UsageError(f"{len(asked.topics)} topics: from 1 to {TOPICS_MAX} can be followed", hint=_HINT)
    pipelines: set[str] = set()
    run_ids: dict[UUID, int | None] = {}
    for topic in asked.topics:
        kind, _, name = topic.partition(":")
        if kind == "pipeline" and name:
            pipelines.add(name)
        elif kind == "run":
            run_id, after = _run(topic, name)
            run_ids[run_id] = after
        elif topic != "runs":
            raise UsageError(f"there is no topic {topic[:80]!r}", hint=_HINT)
    if rows.runs is not None:
        return _reached(pipelines, run_ids, asked, rows.runs)
    is_everything = "runs" in asked.topics
    if rows.pipelines is not None:
        pipelines = set(rows.pipelines) if is_everything else pipelines & rows.pipelines
    return Topics(is_everything and rows.pipelines is None, frozenset(pipelines), run_ids, asked.partials)


def _reached(
    pipelines: set[str], run_ids: dict[UUID, int | None], asked: Follow, reached: frozenset[UUID]
) -> Topics:
    """For an embedded page: its runs, one by one. Raises NotFoundError, UsageError."""
    if pipelines or "runs" in asked.topics:
        raise UsageError("an embedded page follows its own run alone", hint="`run:ID`")
    if missing := run_ids.keys() - reached:
        raise NotFoundError(f"there is no run {min(missing)}", hint="the token opens one run or review alone")
    return Topics(False, frozenset(), run_ids, asked.partials)


def _run(topic: str, written: str) -> tuple[UUID, int | None]:
    run_id, at, seq = written.partition("@")
    if at and not (seq.isascii() and seq.isdigit() and len(seq) < 10):
        raise UsageError(f"topic {topic[:80]!r} has no number after the @", hint=_HINT)
    try:
        return UUID(run_id), int(seq) if at else None
    except ValueError as error:
        raise UsageError(f"topic {topic[:80]!r} names no run by its id", hint=_HINT) from error
