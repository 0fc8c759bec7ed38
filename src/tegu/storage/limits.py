"""The shared part of providers' limits: visited by each process about once a second, divided under the lock of its row.

Called by the limiter (`llm.limits`) through the runtime, and for `tegu limits`. Invariant: the clock is the database's; a
visit that fails changes nothing, and its process goes on with what it holds until its lease ends.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json, to_json

from tegu.llm.limits.grant import LEASE_S, Grant, OtherShare, Report, SharedLimit, renew
from tegu.llm.limits.place import LimitPlace
from tegu.storage.statements import statement

OPERATOR = UUID(int=0)
"""Whose the keys of the environment are."""
LISTED_MAX = 1000


@dataclass(frozen=True, slots=True)
class LimitLevel:
    """How one limit stands, over all processes. Rates and levels are None where no limit is known."""

    place: LimitPlace
    limit: SharedLimit
    processes: int
    in_flight: int
    waiting: int
    paused_s: float
    visited_at: datetime


class LimitStore:
    """Visits of one process, on the engine's pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", process_id: UUID) -> None:
        self._pool = pool
        self._process_id = process_id

    async def visit(self, place: LimitPlace, report: Report) -> Grant:
        """Say what was met, and be granted what may be done until the next visit."""
        if (grant := await self._visited(place, report)) is not None:
            return grant
        begun = (OPERATOR, place.key, place.provider, place.model, _text(SharedLimit()))
        await self._pool.execute(
            statement("make_limit"), *begun
        )  # by itself: nothing else is locked meanwhile
        grant = await self._visited(place, report)
        assert grant is not None
        return grant

    async def _visited(self, place: LimitPlace, report: Report) -> Grant | None:
        """None where the limit has no row yet."""
        key = (OPERATOR, place.key)
        async with self._pool.acquire() as connection, connection.transaction():
            pauses = report.pause_s is not None
            rows = await connection.fetch(statement("lock_limits"), *key, place.model, pauses)
            mine_now = next((row for row in rows if row["model"] == place.model), None)
            if mine_now is None:
                return None
            shares = await connection.fetch(statement("limit_shares"), *key, place.model)
            now_s, limit = mine_now["now_s"], _limit(mine_now["state"])
            if not limit.at_s:  # the first visit: a pause is the whole key's
                longest = await connection.fetchrow(statement("longest_pause"), *key)
                limit = _paused(limit, longest["until_s"], longest["why"]) if longest else limit
            if report.pause_s is not None:
                until_s = now_s + report.pause_s
                limit = _paused(limit, until_s, report.why)
                await connection.execute(statement("pause_key"), *key, place.model, until_s, report.why)
            others = [_other(row) for row in shares if row["process_id"] != self._process_id]
            mine = next((row["served_s"] for row in shares if row["process_id"] == self._process_id), 0.0)
            limit, grant = renew(limit, others, mine, report, now_s)
            await connection.execute(statement("write_limit"), *key, place.model, _text(limit))
            if report.wanted == 0 and report.in_flight == 0:
                await connection.execute(statement("drop_share"), *key, place.model, self._process_id)
                return grant
            served_s = now_s if grant.slots > 0 else mine
            await connection.execute(
                statement("write_share"),
                *key,
                place.model,
                self._process_id,
                LEASE_S,
                grant.slots,
                report.in_flight,
                report.waiting,
                report.wanted,
                report.requests + (grant.requests or 0.0),
                served_s,
            )
        return grant


async def list_limits(pool: "asyncpg.Pool[asyncpg.Record]") -> list[LimitLevel]:
    """How every limit stands that was ever used, those used last first."""
    return [_level(row) for row in await pool.fetch(statement("list_limits"), LISTED_MAX)]


def _level(row: asyncpg.Record) -> LimitLevel:
    limit = _limit(row["state"])
    return LimitLevel(
        LimitPlace(row["key"], row["provider"], row["model"]),
        limit,
        processes=row["processes"],
        in_flight=row["in_flight"],
        waiting=row["waiting"],
        paused_s=max(0.0, limit.paused_until_s - row["now_s"]),
        visited_at=row["visited_at"],
    )


def _paused(limit: SharedLimit, until_s: float, why: str | None) -> SharedLimit:
    """The pause is the whole key's: the provider counts requests to all its models."""
    if until_s <= limit.paused_until_s:
        return limit
    return replace(limit, paused_until_s=until_s, paused_why=why)


def _other(row: asyncpg.Record) -> OtherShare:
    return OtherShare(
        slots=row["slots"],
        in_flight=row["in_flight"],
        waiting=row["waiting"],
        wanted=row["wanted"],
        requests=row["requests"],
        served_s=row["served_s"],
    )


def _limit(state: str) -> SharedLimit:
    found: dict[str, Any] = from_json(state)
    return SharedLimit(**found)


def _text(limit: SharedLimit) -> str:
    return to_json(asdict(limit)).decode()
