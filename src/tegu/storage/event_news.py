"""What is new for everybody who follows events: one question for all organizations, through the engine's door.

Called by `engine.broadcast`, a few times a second for a whole process. Invariant: whatever is read in one look is of one
snapshot, so that what it lacks is exactly what the next look finds.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self
from uuid import UUID

import asyncpg

from tegu.domain.actor import Actor, ActorKind
from tegu.domain.json import JsonObject
from tegu.domain.run import RunEvent
from tegu.storage.claims import RunKey
from tegu.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Which transactions are visible: those before `xmax`, but for those that were under way."""

    xmax: int
    under_way: frozenset[int]

    @classmethod
    def parse(cls, text: str) -> Self:
        """As PostgreSQL writes it."""
        _, xmax, under_way = text.split(":")
        return cls(int(xmax), frozenset(int(xact) for xact in under_way.split(",") if xact))

    def sees(self, xact: int) -> bool:
        """Whether the transaction is visible in it."""
        return xact < self.xmax and xact not in self.under_way

    def after(self, xact: int, later: "Snapshot") -> "Snapshot":
        """Of one who had read what is visible here, and then in the order of transactions what is in `later`, up to this one."""
        xmax = max(self.xmax, xact + 1)
        still = {each for each in self.under_way if each > xact or each in later.under_way}
        begun = {each for each in later.under_way if self.xmax <= each <= xact}
        return Snapshot(xmax, frozenset(still | begun))

    def __or__(self, other: "Snapshot") -> "Snapshot":
        """In which only that is visible which is so in both: where one look serves both."""
        xmax = min(self.xmax, other.xmax)
        return Snapshot(xmax, frozenset(each for each in self.under_way | other.under_way if each < xmax))


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event with what followers choose by. `xact` is its transaction: 0 where it is older than the column."""

    event: RunEvent
    pipeline: str
    xact: int


@dataclass(frozen=True, slots=True)
class NewPartial:
    """A reply under way, as an event of the kind `stage.partial`; `key` and `version` tell whether it was told already."""

    organization_id: UUID
    event: RunEvent
    key: tuple[str, str, int, int]
    version: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a look is to find: news of organizations after their snapshots, events of runs after a number, partials of runs."""

    since: Mapping[UUID, Snapshot]
    runs: Mapping[RunKey, int]
    partials: Sequence[RunKey]
    limit: int


@dataclass(frozen=True, slots=True)
class Look:
    """What was found: `news` in the order of transactions, `runs` in the order of each run. `complete_after` is there for
    organizations of which only the newest were read: all after that transaction are among them.
    """

    snapshot: Snapshot
    news: Mapping[UUID, list[NewEvent]] = field(default_factory=dict[UUID, list[NewEvent]])
    complete_after: Mapping[UUID, int] = field(default_factory=dict[UUID, int])
    runs: Mapping[UUID, list[NewEvent]] = field(default_factory=dict[UUID, list[NewEvent]])
    partials: Sequence[NewPartial] = ()


async def look_for_news(pool: "asyncpg.Pool[asyncpg.Record]", wanted: Wanted) -> Look:
    """All of it, in one snapshot."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        snapshot = Snapshot.parse(await connection.fetchval(statement("current_snapshot")))
        news: dict[UUID, list[NewEvent]] = {}
        if wanted.since:
            ends = [(organization, since.xmax) for organization, since in wanted.since.items()]
            under_way = [(o, xact) for o, since in wanted.since.items() for xact in since.under_way]
            columns = (*_columns(ends, 2), *_columns(under_way, 2))
            for row in await connection.fetch(statement("read_event_news"), *columns, wanted.limit):
                news.setdefault(row["organization_id"], []).append(_event(row))
        runs: dict[UUID, list[NewEvent]] = {}
        if wanted.runs:
            asked = [(*key, seq) for key, seq in wanted.runs.items()]
            for row in await connection.fetch(
                statement("read_run_events"), *_columns(asked, 3), wanted.limit
            ):
                runs.setdefault(row["organization_id"], []).append(_event(row))
        partials: list[NewPartial] = []
        if wanted.partials:
            rows = await connection.fetch(statement("read_partials"), *_columns(wanted.partials, 2))
            partials = [_partial(row) for row in rows]
    return Look(snapshot, news, _cuts(news, wanted), runs, partials)


async def still_let_in(
    pool: "asyncpg.Pool[asyncpg.Record]", actors: Iterable[Actor], *, idle_s: float
) -> set[UUID]:
    """The ids of the sessions, keys and embed tokens, of those that these actors came in with, that still let somebody in."""
    sessions: list[tuple[UUID, UUID]] = []
    keys: list[tuple[UUID, UUID]] = []
    embeds: list[tuple[UUID, UUID]] = []
    for actor in actors:
        if actor.session_id is not None:
            sessions.append((actor.organization_id, actor.session_id))
        elif actor.id is not None:
            proofs = embeds if actor.kind is ActorKind.EMBED else keys
            proofs.append((actor.organization_id, actor.id))
    columns = (*_columns(sessions, 2), idle_s, *_columns(keys, 2), *_columns(embeds, 2))
    return {row["id"] for row in await pool.fetch(statement("still_let_in"), *columns)}


def _cuts(news: Mapping[UUID, list[NewEvent]], wanted: Wanted) -> dict[UUID, int]:
    """Where as many were found as were asked for, older ones may be missing: of the oldest transaction, too."""
    found: dict[UUID, int] = {}
    for organization, events in news.items():
        after = [event.xact for event in events if event.xact >= wanted.since[organization].xmax]
        if len(after) >= wanted.limit:
            found[organization] = min(after)
    return found


def _event(row: asyncpg.Record) -> NewEvent:
    data = json.loads(row["data"]) if row["data"] is not None else None
    event = RunEvent(row["run_id"], row["seq"], row["kind"], row["stage"], data, row["at"])
    return NewEvent(event, row["pipeline"], row["xact"] or 0)


def _partial(row: asyncpg.Record) -> NewPartial:
    data: JsonObject = {
        "partial": json.loads(row["partial"]) if row["partial"] is not None else None,
        "text_length": row["text_length"],
        "call": row["call"],
        "attempt": row["attempt"],
    }
    if row["item"]:
        data["item"] = row["item"]
    if row["is_truncated"]:
        data["is_truncated"] = True
    event = RunEvent(row["run_id"], row["last_seq"], "stage.partial", row["stage"], data, row["updated_at"])
    key = (row["stage"], row["item"], row["call"], row["attempt"])
    return NewPartial(row["organization_id"], event, key, row["version"])


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[row[place] for row in rows] for place in range(width)]
