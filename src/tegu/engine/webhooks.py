"""Webhooks: sends what organizations want to be told, signed, at least once, for about a day.

Made by the runtime as a chore of workers that drive everybody's runs; `courier` goes to and fro. Invariants: every attempt of a
delivery sends the same bytes under the same id; no transaction is open while a receiver is asked; what a receiver does costs its
own deliveries and nobody else's.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from time import monotonic
from typing import TYPE_CHECKING

import asyncpg

from tegu.domain.errors import ErrorInfo, TeguError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject, storable_json, storable_text
from tegu.engine.courier import Courier, CourierOptions
from tegu.sealing import Keyring
from tegu.storage.webhook_outbox import Post, Room, Settlement, WebhookOutbox, secret_place
from tegu.webhooks import signed_headers

if TYPE_CHECKING:
    from tegu.egress.client import Answer, EgressClient

log = logging.getLogger("tegu.webhooks")

BODY_BYTES_MAX = 512_000
"""With results; a larger event goes without them, and says so."""
_ANSWER_CHARACTERS_MAX = 1000
_GONE = 410
_RETRY_AFTER_MAX_S = 4 * 3600.0

DELAYS_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0, 21_600.0, 28_800.0)
"""Between one attempt and the next; together about a day."""


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """Limits and intervals. `concurrency` bounds what this process sends at once, `room` what all workers send."""

    concurrency: int = 50
    room: Room = field(default_factory=lambda: Room(webhook=4, host=16, organization=16))
    delays_s: Sequence[float] = DELAYS_S
    jitter: float = 0.2
    keep_s: float = 30 * 86_400.0
    timing: CourierOptions = field(default_factory=lambda: CourierOptions(lease_s=30.0))


class Webhooks:
    """See the module: an outbox of the courier's."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        client: "EgressClient",
        keyring: Callable[[], Keyring],
        options: WebhookOptions | None = None,
        random: Random | None = None,
    ) -> None:
        self._client = client
        self._keyring = keyring
        self._options = options or WebhookOptions()
        self._random = random or Random()  # noqa: S311 (jitter, no secret)
        self._outbox = WebhookOutbox(pool, new_id())

    async def deliver_for_ever(self) -> None:
        """Never returns; cancelled, it hands back what is under way."""
        await Courier(self, self._options.timing, name="webhooks").run()

    # What the courier asks of its outbox.

    async def claim(self, under_way: Sequence[Post]) -> tuple[Sequence[Post], bool]:
        """See `courier.Outbox`."""
        limit = self._options.concurrency - len(under_way)
        if limit <= 0:
            return (), False
        taken = await self._outbox.claim(
            self._options.room, limit=limit, lease_s=self._options.timing.lease_s
        )
        return taken, len(taken) == limit

    async def renew(self, held: Sequence[Post]) -> None:
        """See `courier.Outbox`."""
        await self._outbox.renew(held, lease_s=self._options.timing.lease_s)

    async def tend(self) -> None:
        """Forget what is too old."""
        await self._outbox.prune(age_s=self._options.keep_s)

    async def deliver(self, item: Post) -> None:
        """Send it once, and note what became of it."""
        begun = monotonic()
        body, answer, error = item.body or "", None, None
        try:
            body = item.body or await self._body(item)
            answer = await self._send(item, body)
        except asyncio.CancelledError:
            with suppress(Exception):
                await self._outbox.hand_back(item)
            raise
        except TeguError as refused:  # not asked, not answered, or a secret that does not open
            error = ErrorInfo.of(refused)
        elapsed_ms = round((monotonic() - begun) * 1000)
        settled = self._settlement(item, body, answer, error, elapsed_ms)
        disabled = await self._outbox.settle(item, settled)
        if disabled is not None:
            log.warning("webhook %s is disabled: %s", item.webhook_id, disabled)

    async def _send(self, post: Post, body: str) -> "Answer":
        place = secret_place(post.organization_id, post.webhook_id)
        sealed = [post.secret, *([post.old_secret] if post.old_secret else [])]
        secrets = [self._keyring().unseal(each, place) for each in sealed]
        encoded = body.encode()
        headers = {"content-type": "application/json", **signed_headers(str(post.id), encoded, secrets)}
        return await self._client.post(post.url, headers=headers, body=encoded)

    async def _body(self, post: Post) -> str:
        """What is sent: made at the first attempt, and kept with what became of it."""
        data: JsonObject = {"organization": post.external_id, **(post.data or {})}
        results: JsonObject | None = None
        if post.run_id is not None:
            facts, results = await self._outbox.facts(post) or ({"run_id": str(post.run_id)}, None)
            data |= facts
        event: JsonObject = {"type": post.event, "timestamp": post.created_at.isoformat(), "data": data}
        if results is None:
            return storable_json(event)
        body = storable_json(event | {"data": data | results})
        if len(body) > BODY_BYTES_MAX:
            body = storable_json(event | {"data": data | {"results": None, "results_omitted": "too large"}})
        return body

    def _settlement(
        self, post: Post, body: str, answer: "Answer | None", error: ErrorInfo | None, elapsed_ms: int
    ) -> Settlement:
        is_delivered = (
            answer is not None and 200 <= answer.status < 300
        )  # a redirect is not followed, and no success
        if answer is not None and not is_delivered:
            error = ErrorInfo("refused", f"the receiver answered {answer.status}")
        is_gone = answer is not None and answer.status == _GONE
        return Settlement(
            body=body,
            status_code=answer.status if answer else None,
            answer=_beginning(answer) if answer else None,
            error=storable_json(error.to_json()) if error else None,
            delay_s=None if is_delivered or is_gone else self._delay_s(post, answer),
            is_delivered=is_delivered,
            is_gone=is_gone,
            elapsed_ms=elapsed_ms,
        )

    def _delay_s(self, post: Post, answer: "Answer | None") -> float | None:
        """Until the next attempt; None: there is none. A receiver may ask for more time, within bounds."""
        if post.attempt > len(self._options.delays_s):
            return None
        spread = self._options.jitter
        delay_s = self._options.delays_s[post.attempt - 1] * self._random.uniform(1 - spread, 1 + spread)
        asked = answer.headers.get("retry-after", "") if answer else ""
        return max(delay_s, min(float(asked), _RETRY_AFTER_MAX_S)) if asked.isdecimal() else delay_s


def _beginning(answer: "Answer") -> str:
    return storable_text(answer.body.decode("utf-8", "replace"))[:_ANSWER_CHARACTERS_MAX]
