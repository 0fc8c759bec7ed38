"""Webhooks as their organization sets and sees them, and events that its own transactions make.

Called by the actions and by `contents`, under tegu_app, which cannot read a secret. Deliveries are fetched and settled by
`webhook_outbox`. Locks deliveries before their webhook.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, any_, cast, func, insert, literal, select, update
from sqlalchemy import null as sql_null

from tegu.domain.errors import ErrorInfo
from tegu.domain.json import JsonObject
from tegu.domain.webhook import DeliveryStatus, DisabledReason, Webhook, WebhookDelivery, WebhookEvent
from tegu.storage.rows import paged
from tegu.storage.tables import webhook_deliveries, webhooks
from tegu.storage.tables.columns import Jsonb
from tegu.storage.transaction import Transaction

_READABLE = [column for column in webhooks.c if column.name not in {"secret", "old_secret"}]


@dataclass(frozen=True, slots=True)
class NewWebhook:
    """A webhook to be stored; its secret is sealed."""

    id: UUID
    url: str
    host: str
    description: str
    events: tuple[str, ...]
    pipelines: tuple[str, ...] | None
    sends_results: bool
    secret: str


async def put_webhook(connection: Transaction, organization_id: UUID, new: NewWebhook) -> Webhook:
    """Make it."""
    row = insert(webhooks).values(
        organization_id=organization_id,
        id=new.id,
        url=new.url,
        host=new.host,
        description=new.description,
        events=list(new.events),
        pipelines=list(new.pipelines) if new.pipelines is not None else None,
        sends_results=new.sends_results,
        secret=new.secret,
        created_at=func.clock_timestamp(),
    )
    made = await connection.execute(row.returning(*_READABLE))
    return _webhook(made.mappings().one())


async def count_webhooks(connection: Transaction, organization_id: UUID) -> int:
    """How many the organization has."""
    query = select(func.count()).select_from(webhooks).where(webhooks.c.organization_id == organization_id)
    found: int = await connection.scalar(query)
    return found


async def list_webhooks(
    connection: Transaction, organization_id: UUID, *, after: UUID | None, limit: int
) -> list[Webhook]:
    """The newest, before the row `after` where that is given."""
    query = select(*_READABLE).where(webhooks.c.organization_id == organization_id)
    rows = await connection.execute(paged(query, webhooks.c.id, after=after, limit=limit))
    return [_webhook(row) for row in rows.mappings()]


async def get_webhook(connection: Transaction, organization_id: UUID, webhook_id: UUID) -> Webhook | None:
    """One by id."""
    rows = await connection.execute(select(*_READABLE).where(_mine(organization_id, webhook_id)))
    row = rows.mappings().first()
    return _webhook(row) if row is not None else None


async def change_webhook(
    connection: Transaction, organization_id: UUID, webhook_id: UUID, changes: Mapping[str, Any]
) -> Webhook | None:
    """Change columns of it. None: there is none."""
    changed = update(webhooks).where(_mine(organization_id, webhook_id)).values(**changes)
    row = (await connection.execute(changed.returning(*_READABLE))).mappings().first()
    return _webhook(row) if row is not None else None


async def enable(
    connection: Transaction, organization_id: UUID, webhook_id: UUID, *, is_enabled: bool
) -> None:
    """Tell it of events again, or of none for now."""
    values = {
        "disabled_at": None if is_enabled else func.coalesce(webhooks.c.disabled_at, func.clock_timestamp()),
        "disabled_reason": None
        if is_enabled
        else func.coalesce(webhooks.c.disabled_reason, DisabledReason.PAUSED.value),
    }
    more = {"failing_since": None} if is_enabled else {}
    await connection.execute(
        update(webhooks).where(_mine(organization_id, webhook_id)).values(**values, **more)
    )


async def remove_webhook(connection: Transaction, organization_id: UUID, webhook_id: UUID) -> bool:
    """Take it away, with its deliveries. False: there is none."""
    c = webhook_deliveries.c
    await connection.execute(
        webhook_deliveries.delete().where(c.organization_id == organization_id, c.webhook_id == webhook_id)
    )
    gone = webhooks.delete().where(_mine(organization_id, webhook_id)).returning(webhooks.c.id)
    return await connection.scalar(gone) is not None


async def tell(
    connection: Transaction,
    organization_id: UUID,
    event: WebhookEvent,
    *,
    subject: str,
    data: JsonObject,
    content_id: UUID | None = None,
) -> None:
    """Owe an event to every webhook that wants it, once the transaction commits. Not for those that want some pipelines only."""
    wanting = select(
        webhooks.c.organization_id,
        func.tegu.new_id(),
        webhooks.c.id,
        literal(event.value),
        literal(subject),
        literal(content_id, webhook_deliveries.c.content_id.type),
        cast(literal(data, Jsonb), Jsonb),
    ).where(
        webhooks.c.organization_id == organization_id,
        webhooks.c.disabled_at.is_(None),
        webhooks.c.pipelines.is_(sql_null()),
        literal(event.value) == any_(webhooks.c.events),
    )
    columns = ["organization_id", "id", "webhook_id", "event", "subject", "content_id", "data"]
    await connection.execute(insert(webhook_deliveries).from_select(columns, wanting, include_defaults=False))


async def tell_one(
    connection: Transaction,
    organization_id: UUID,
    webhook_id: UUID,
    event: str,
    delivery_id: UUID,
    data: JsonObject,
) -> None:
    """Owe one webhook an event of its own."""
    await connection.execute(
        insert(webhook_deliveries).values(
            organization_id=organization_id,
            id=delivery_id,
            webhook_id=webhook_id,
            event=event,
            subject=str(delivery_id),
            data=data,
            status=DeliveryStatus.PENDING.value,
            attempt=0,
            due_at=func.clock_timestamp(),
            created_at=func.clock_timestamp(),
        )
    )


async def list_deliveries(
    connection: Transaction,
    organization_id: UUID,
    *,
    after: UUID | None,
    limit: int,
    webhook_id: UUID | None = None,
    status: DeliveryStatus | None = None,
    event: str | None = None,
    run_id: UUID | None = None,
    is_oldest_first: bool = False,
) -> list[WebhookDelivery]:
    """The newest, or the oldest, without their bodies, after a row."""
    c = webhook_deliveries.c
    query = select(*[column for column in c if column.name not in {"body", "data"}]).where(
        c.organization_id == organization_id
    )
    for column, wanted in (
        (c.webhook_id, webhook_id),
        (c.status, status),
        (c.event, event),
        (c.run_id, run_id),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    query = paged(query, c.id, after=after, limit=limit, is_oldest_first=is_oldest_first)
    rows = await connection.execute(query)
    return [_delivery(row) for row in rows.mappings()]


async def get_delivery(
    connection: Transaction, organization_id: UUID, delivery_id: UUID
) -> WebhookDelivery | None:
    """One by id, with what is sent."""
    c = webhook_deliveries.c
    query = select(webhook_deliveries).where(c.organization_id == organization_id, c.id == delivery_id)
    row = (await connection.execute(query)).mappings().first()
    return _delivery(row) if row is not None else None


async def replay(connection: Transaction, organization_id: UUID, delivery_ids: Sequence[UUID]) -> list[UUID]:
    """Try ended deliveries again from the first attempt, with the same id and the same bytes. Returns which."""
    c = webhook_deliveries.c
    again = (
        update(webhook_deliveries)
        .where(
            c.organization_id == organization_id,
            c.id.in_(delivery_ids),
            c.status != DeliveryStatus.PENDING.value,
        )
        .values(
            status=DeliveryStatus.PENDING.value,
            attempt=0,
            token=None,
            due_at=func.clock_timestamp(),
            ended_at=None,
        )
        .returning(c.id)
    )
    return list(await connection.scalars(again))


def _mine(organization_id: UUID, webhook_id: UUID) -> ColumnElement[bool]:
    return (webhooks.c.organization_id == organization_id) & (webhooks.c.id == webhook_id)


def _webhook(row: Mapping[Any, Any]) -> Webhook:
    reason: str | None = row["disabled_reason"]
    until: datetime | None = row["old_secret_until"]
    return Webhook(
        id=row["id"],
        url=row["url"],
        description=row["description"],
        events=tuple(WebhookEvent(event) for event in row["events"]),
        pipelines=tuple(row["pipelines"]) if row["pipelines"] is not None else None,
        sends_results=row["sends_results"],
        created_at=row["created_at"],
        failing_since=row["failing_since"],
        disabled_at=row["disabled_at"],
        disabled_reason=DisabledReason(reason) if reason else None,
        old_secret_until=until,
    )


def _delivery(row: Mapping[Any, Any]) -> WebhookDelivery:
    status = DeliveryStatus(row["status"])
    return WebhookDelivery(
        id=row["id"],
        webhook_id=row["webhook_id"],
        event=row["event"],
        status=status,
        attempt=row["attempt"],
        run_id=row["run_id"],
        content_id=row["content_id"],
        due_at=row["due_at"] if status is DeliveryStatus.PENDING else None,
        status_code=row["status_code"],
        answer=row["answer"],
        error=ErrorInfo.from_json(row["error"]) if row["error"] else None,
        elapsed_ms=row["elapsed_ms"],
        created_at=row["created_at"],
        attempted_at=row["attempted_at"],
        ended_at=row["ended_at"],
        body=row.get("body"),
    )
