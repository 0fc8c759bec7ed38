"""Deliveries to hooks: which did not go well yet."""

from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.hook import HookDelivery
from tegu.storage import hooks as store


async def list_deliveries(
    scope: Scope,
    *,
    failed: bool | None = None,
    after: tuple[UUID, str] | None = None,
    limit: int = 50,
) -> list[HookDelivery]:
    """Those of the newest runs first, after that of a run to a hook; with `failed` those that were given up."""
    async with scope.transaction() as connection:
        return await store.list_deliveries(
            connection, scope.organization_id, failed=failed, after=after, limit=limit, rows=scope.rows
        )
