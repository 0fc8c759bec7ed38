"""The audit log: add to it, and read it. Nothing here changes or removes a row, and the app's role could not.

Called by `actions.action` within the transaction of what is noted.
"""

from uuid import UUID

from sqlalchemy import insert, select

from tegu.domain.actor import Actor, ActorKind
from tegu.domain.audit import AuditEvent
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.storage.rows import paged
from tegu.storage.tables import audit_events
from tegu.storage.transaction import Transaction


async def note(connection: Transaction, actor: Actor, action: str, target: JsonObject) -> None:
    """Note that the actor asked for the action; it stands when the transaction commits."""
    await connection.execute(
        insert(audit_events).values(
            organization_id=actor.organization_id,
            id=new_id(),
            actor_kind=actor.kind.value,
            actor_id=actor.id,
            actor_label=actor.written,
            action=action,
            target=target,
        )
    )


async def list_events(
    connection: Transaction,
    organization_id: UUID,
    *,
    after: UUID | None,
    limit: int,
    action: str | None = None,
    actor_id: UUID | None = None,
    is_oldest_first: bool = False,
) -> list[AuditEvent]:
    """The newest, or the oldest, after a row."""
    c = audit_events.c
    query = select(audit_events).where(c.organization_id == organization_id)
    if action is not None:
        query = query.where(c.action == action)
    if actor_id is not None:
        query = query.where(c.actor_id == actor_id)
    query = paged(query, c.id, after=after, limit=limit, is_oldest_first=is_oldest_first)
    rows = (await connection.execute(query)).mappings()
    return [
        AuditEvent(
            id=row["id"],
            at=row["at"],
            actor_kind=ActorKind(row["actor_kind"]),
            actor_id=row["actor_id"],
            actor_label=row["actor_label"],
            action=row["action"],
            target=row["target"],
        )
        for row in rows
    ]
