"""Webhooks: make, change, test and remove them, rotate their secrets, and send deliveries again.

Called by the declared actions. Invariants: a secret is shown once, when it is made, and stored sealed; who sees only some
pipelines has no webhooks, which would tell of the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.errors import ConflictError, ForbiddenError, NotFoundError
from tegu.domain.ids import new_id
from tegu.domain.webhook import TEST_EVENT, WEBHOOKS_MAX, Webhook, WebhookDelivery, WebhookEvent
from tegu.storage import webhooks as store
from tegu.storage.transaction import Transaction
from tegu.storage.webhook_outbox import rotate_secret, secret_place
from tegu.webhooks import new_secret

OVERLAP_S = 86_400.0


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """What a webhook is to be."""

    url: str
    events: tuple[WebhookEvent, ...]
    description: str = ""
    pipelines: tuple[str, ...] | None = None
    sends_results: bool = False


async def create(scope: Scope, new: NewWebhook) -> tuple[Webhook, str]:
    """Make it. Returns its secret too. Raises EgressError for an address that is not asked."""
    check_unrestricted(scope)
    host = _checked_host(scope, new.url)
    webhook_id, secret = new_id(), new_secret()
    stored = store.NewWebhook(
        id=webhook_id,
        url=new.url,
        host=host,
        description=new.description,
        events=tuple(event.value for event in new.events),
        pipelines=new.pipelines,
        sends_results=new.sends_results,
        secret=scope.machinery.keyring.seal(secret, secret_place(scope.organization_id, webhook_id)),
    )
    async with scope.transaction() as connection:
        if await store.count_webhooks(connection, scope.organization_id) >= WEBHOOKS_MAX:
            raise ConflictError(
                f"there are {WEBHOOKS_MAX} webhooks already", hint="remove those that are not needed"
            )
        made = await store.put_webhook(connection, scope.organization_id, stored)
    return made, secret


async def update(
    scope: Scope, webhook_id: UUID, changes: dict[str, Any], *, is_enabled: bool | None = None
) -> Webhook:
    """Change what is given of url, description, events, pipelines and sends_results; enable or pause it."""
    check_unrestricted(scope)
    if "url" in changes:
        changes = changes | {"host": _checked_host(scope, changes["url"])}
    async with scope.transaction() as connection:
        if is_enabled is not None:
            await store.enable(connection, scope.organization_id, webhook_id, is_enabled=is_enabled)
        if changes:
            await store.change_webhook(connection, scope.organization_id, webhook_id, changes)
        return await _found(scope, connection, webhook_id)


async def rotate(scope: Scope, webhook_id: UUID, *, overlap_s: float = OVERLAP_S) -> tuple[Webhook, str]:
    """Make a new secret; deliveries are signed with the one before too, for `overlap_s`."""
    check_unrestricted(scope)
    secret = new_secret()
    sealed = scope.machinery.keyring.seal(secret, secret_place(scope.organization_id, webhook_id))
    async with scope.transaction() as connection:
        await _found(scope, connection, webhook_id)
        pool = await scope.machinery.database.engine()
        await rotate_secret(pool, scope.organization_id, webhook_id, sealed, overlap_s=overlap_s)
    async with scope.transaction() as connection:
        return await _found(scope, connection, webhook_id), secret


async def remove(scope: Scope, webhook_id: UUID) -> None:
    """Tell it nothing more, and forget what it was told."""
    check_unrestricted(scope)
    async with scope.transaction() as connection:
        if not await store.remove_webhook(connection, scope.organization_id, webhook_id):
            raise _unknown(webhook_id)


async def test(scope: Scope, webhook_id: UUID) -> UUID:
    """Owe it a `webhook.test`, which a worker sends at once. Returns the delivery."""
    check_unrestricted(scope)
    delivery_id = new_id()
    async with scope.transaction() as connection:
        found = await _found(scope, connection, webhook_id)
        _check_enabled(found)
        data: dict[str, Any] = {"webhook_id": str(webhook_id)}
        await store.tell_one(connection, scope.organization_id, webhook_id, TEST_EVENT, delivery_id, data)
    return delivery_id


async def get(scope: Scope, webhook_id: UUID) -> Webhook:
    """One. Raises NotFoundError."""
    check_unrestricted(scope)
    async with scope.transaction() as connection:
        return await _found(scope, connection, webhook_id)


async def list_webhooks(scope: Scope, *, after: UUID | None, limit: int) -> Sequence[Webhook]:
    """The newest."""
    check_unrestricted(scope)
    async with scope.transaction() as connection:
        return await store.list_webhooks(connection, scope.organization_id, after=after, limit=limit)


async def get_delivery(scope: Scope, delivery_id: UUID) -> WebhookDelivery:
    """One delivery, with what is sent. Raises NotFoundError."""
    check_unrestricted(scope)
    async with scope.transaction() as connection:
        found = await store.get_delivery(connection, scope.organization_id, delivery_id)
    if found is None:
        raise NotFoundError(f"there is no delivery {delivery_id}", hint="they are forgotten after 30 days")
    return found


async def replay(scope: Scope, delivery_id: UUID) -> WebhookDelivery:
    """Send a delivery that has ended once more. Raises NotFoundError, and ConflictError for one that has not ended."""
    found = await get_delivery(scope, delivery_id)
    async with scope.transaction() as connection:
        _check_enabled(await _found(scope, connection, found.webhook_id))
        if not await store.replay(connection, scope.organization_id, [delivery_id]):
            raise ConflictError(f"delivery {delivery_id} is under way", hint="it is tried again by itself")
    return await get_delivery(scope, delivery_id)


def check_unrestricted(scope: Scope) -> None:
    """Raises ForbiddenError for a key of some pipelines."""
    if scope.rows.pipelines is not None:
        raise ForbiddenError(
            "a key that is restricted to pipelines has no webhooks: they would tell of the others",
            hint="use a key without that restriction, and give the webhook `pipelines`",
        )


def _checked_host(scope: Scope, url: str) -> str:
    checked = scope.machinery.guard.check_url(url)
    return checked.netloc.decode().lower()


def _check_enabled(found: Webhook) -> None:
    if found.disabled_reason is not None:
        raise ConflictError(
            f"webhook {found.id} is disabled: {found.disabled_reason.value}",
            hint="enable it first: `webhooks.update` with `is_enabled`",
        )


async def _found(scope: Scope, connection: Transaction, webhook_id: UUID) -> Webhook:
    found = await store.get_webhook(connection, scope.organization_id, webhook_id)
    if found is None:
        raise _unknown(webhook_id)
    return found


def _unknown(webhook_id: UUID) -> NotFoundError:
    return NotFoundError(f"there is no webhook {webhook_id}", hint="`webhooks.list` lists them")
