"""Deleting a whole organization: marked by its owner, and carried out by whoever asked and by every worker.

Called by the declared action and by the chore of the workers. Invariant: from the mark on nobody acts for it, and its runs lose
their owners; what dies in the middle is carried on.
"""

from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.errors import ConflictError
from tegu.storage.database import Database
from tegu.storage.organization_erasure import (
    OrganizationEraser,
    deleted_organizations,
    mark_deleted,
)

SETTLE_S = 60.0


async def delete_organization(scope: Scope, name: str) -> None:
    """All of it. Raises ConflictError where that is not its name."""
    async with scope.transaction() as connection:
        if not await mark_deleted(connection, scope.organization_id, name):
            raise ConflictError(
                f"the organization is not called {name[:80]!r}",
                hint="`organizations.get` says how it is called",
            )
    await erase_organization(scope.machinery.database, scope.organization_id)


async def erase_organizations(database: Database, *, settle_s: float = SETTLE_S) -> None:
    """Carry on what was asked for."""
    for organization_id in await deleted_organizations(await database.engine()):
        await erase_organization(database, organization_id, settle_s=settle_s)


async def erase_organization(database: Database, organization_id: UUID, *, settle_s: float = SETTLE_S) -> int:
    """Every row; how many there were."""
    return await OrganizationEraser(await database.engine(), organization_id, settle_s=settle_s).erase()
