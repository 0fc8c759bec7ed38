"""Deliveries of webhooks: the log of what was told, and telling it again."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import webhooks
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import SortedPageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.page import Page, id_of, page_of
from tegu.domain.webhook import DeliveryStatus, WebhookDelivery
from tegu.storage import webhooks as store


class DeliveryId(ActionInput):
    """Which delivery."""

    delivery_id: UUID


class ListDeliveries(SortedPageInput):
    """Which deliveries."""

    webhook_id: UUID | None = None
    status: DeliveryStatus | None = None
    event: Annotated[str | None, Field(max_length=100, description="`run.completed`")] = None
    run_id: UUID | None = None


@action("webhook_deliveries.list", effect=Effect.READ, permission=Permission.WEBHOOKS_READ)
async def list_deliveries(scope: Scope, asked: ListDeliveries) -> Page[WebhookDelivery]:
    """List deliveries of the last 30 days without their bodies, the newest or oldest first."""
    webhooks.check_unrestricted(scope)
    async with scope.transaction() as connection:
        found = await store.list_deliveries(
            connection,
            scope.organization_id,
            after=id_of(asked.cursor),
            limit=asked.limit + 1,
            is_oldest_first=asked.is_oldest_first,
            webhook_id=asked.webhook_id,
            status=asked.status,
            event=asked.event,
            run_id=asked.run_id,
        )
    return page_of(found, asked.limit, lambda delivery: delivery.id)


@action("webhook_deliveries.get", effect=Effect.READ, permission=Permission.WEBHOOKS_READ, key="delivery_id")
async def get_delivery(scope: Scope, asked: DeliveryId) -> WebhookDelivery:
    """Read a delivery: what is sent, and what came back."""
    return await webhooks.get_delivery(scope, asked.delivery_id)


@action(
    "webhook_deliveries.replay",
    effect=Effect.WRITE,
    permission=Permission.WEBHOOKS_WRITE,
    key="delivery_id",
    audited=("delivery_id",),
)
async def replay_delivery(scope: Scope, asked: DeliveryId) -> WebhookDelivery:
    """Send a delivery that has ended once more, with the same id and the same body."""
    return await webhooks.replay(scope, asked.delivery_id)
