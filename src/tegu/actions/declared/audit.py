"""The audit log: read it. Nobody writes to it by asking."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions.action import Effect, action
from tegu.actions.declared.inputs import SortedPageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.audit import AuditEvent
from tegu.domain.page import Page, id_of, page_of
from tegu.storage import audit


class ListAudit(SortedPageInput):
    """Which events."""

    action: Annotated[str | None, Field(max_length=100, description="`runs.cancel`")] = None
    actor_id: UUID | None = None


@action("audit.list", effect=Effect.READ, permission=Permission.AUDIT_READ)
async def list_audit(scope: Scope, asked: ListAudit) -> Page[AuditEvent]:
    """List who asked for what, the newest or oldest first."""
    async with scope.transaction() as connection:
        found = await audit.list_events(
            connection,
            scope.organization_id,
            after=id_of(asked.cursor),
            limit=asked.limit + 1,
            is_oldest_first=asked.is_oldest_first,
            action=asked.action,
            actor_id=asked.actor_id,
        )
    return page_of(found, asked.limit, lambda event: event.id)
