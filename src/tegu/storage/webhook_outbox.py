"""Deliveries of webhooks as they are fetched and settled, of every organization.

Called by the engine's webhooks, under tegu_engine. Invariant: a delivery is settled only by whoever holds its token.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from tegu.domain.json import JsonObject
from tegu.sealing import SecretPlace
from tegu.storage.statements import statement

PRUNE_MAX = 1000
_PURPOSE = "webhook_secret"


@dataclass(frozen=True, slots=True)
class Post:
    """A delivery that is ours for a while, and the webhook it goes to; secrets are sealed. `body` None: not made yet."""

    organization_id: UUID
    external_id: str | None
    id: UUID
    webhook_id: UUID
    url: str
    event: str
    attempt: int
    created_at: datetime
    run_id: UUID | None
    data: JsonObject | None
    body: str | None
    sends_results: bool
    secret: str
    old_secret: str | None


@dataclass(frozen=True, slots=True)
class Room:
    """How many deliveries may be under way: to one webhook, to one host, of one organization, over all workers."""

    webhook: int
    host: int
    organization: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an attempt. `delay_s` None and not delivered: failed for good. `error` is JSON."""

    body: str
    status_code: int | None
    answer: str | None
    error: str | None
    delay_s: float | None
    is_delivered: bool
    is_gone: bool
    elapsed_ms: int


class WebhookOutbox:
    """The statements, on the engine's pool. `token` names whoever holds what it claims."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", token: UUID) -> None:
        self._pool = pool
        self._token = token

    async def claim(self, room: Room, *, limit: int, lease_s: float) -> list[Post]:
        """Take up to `limit` due deliveries."""
        arguments = limit, room.webhook, room.host, room.organization, lease_s, self._token
        rows = await self._pool.fetch(statement("claim_webhook_deliveries"), *arguments)
        return [
            Post(
                organization_id=row["organization_id"],
                external_id=row["external_id"],
                id=row["id"],
                webhook_id=row["webhook_id"],
                url=row["url"],
                event=row["event"],
                attempt=row["attempt"],
                created_at=row["created_at"],
                run_id=row["run_id"],
                data=from_json(row["data"]) if row["data"] else None,
                body=row["body"],
                sends_results=row["sends_results"],
                secret=row["secret"],
                old_secret=row["old_secret"],
            )
            for row in rows
        ]

    async def facts(self, post: Post) -> tuple[JsonObject, JsonObject | None] | None:
        """What is told of the delivery's run, and its results (`{"results": [...]}`) where they are wanted. None: it is gone."""
        row = await self._pool.fetchrow(
            statement("webhook_facts"), post.organization_id, post.run_id, post.sends_results
        )
        if row is None:
            return None
        return from_json(row["facts"]), {"results": from_json(row["results"])} if row["results"] else None

    async def renew(self, held: Sequence[Post], *, lease_s: float) -> None:
        """Keep what is under way."""
        columns = [post.organization_id for post in held], [post.id for post in held]
        await self._pool.execute(statement("renew_webhook_deliveries"), *columns, self._token, lease_s)

    async def settle(self, post: Post, done: Settlement) -> str | None:
        """Note what became of an attempt. Returns why the webhook is told nothing more, if so."""
        return await self._pool.fetchval(
            statement("settle_webhook_delivery"),
            post.organization_id,
            post.id,
            self._token,
            done.body,
            done.status_code,
            done.answer,
            done.error,
            done.delay_s,
            done.is_delivered,
            done.is_gone,
            done.elapsed_ms,
        )

    async def hand_back(self, post: Post) -> None:
        """As if it had not been tried."""
        await self._pool.execute(
            statement("hand_back_webhook_delivery"), post.organization_id, post.id, self._token
        )

    async def prune(self, *, age_s: float) -> None:
        """Forget a batch of what is too old."""
        await self._pool.execute(statement("prune_webhook_deliveries"), age_s, PRUNE_MAX)


def secret_place(organization_id: UUID, webhook_id: UUID) -> SecretPlace:
    """Where the secrets of a webhook belong."""
    return SecretPlace(_PURPOSE, organization_id, (str(webhook_id),))


async def rotate_secret(
    pool: "asyncpg.Pool[asyncpg.Record]",
    organization_id: UUID,
    webhook_id: UUID,
    secret: str,
    *,
    overlap_s: float,
) -> bool:
    """Sign with a new secret (sealed), and with the one before for a while. Not the app's to do, whose role cannot read the
    one that is kept. False: there is no such webhook.
    """
    arguments = organization_id, webhook_id, secret, overlap_s
    return await pool.fetchval(statement("rotate_webhook_secret"), *arguments) is not None
