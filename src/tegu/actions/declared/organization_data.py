"""All that an organization has, handed out; and its end."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions.action import Effect, action
from tegu.actions.declared.organizations import OrganizationId
from tegu.actions.organization_erasure import delete_organization
from tegu.actions.organization_export import ACTION as EXPORT
from tegu.actions.organization_export import ExportManifest, describe_export
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.errors import NotFoundError


class DeleteOrganization(OrganizationId):
    """Which organization, and that it is meant."""

    name: Annotated[str, Field(max_length=200, description="Its name, so that nobody does it by mistake.")]


@dataclass(frozen=True, slots=True)
class DeletedOrganization:
    """The id that stays of it, and stands for nothing."""

    organization_id: UUID


@action(EXPORT, effect=Effect.READ, permission=Permission.ORGANIZATION_EXPORT, key="organization_id")
async def export_organization(scope: Scope, asked: OrganizationId) -> ExportManifest:
    """Say what an export of the organization has: every row of every table but secrets, and all bytes. It is downloaded from `path`,
    as one archive; the download is noted in the audit log.
    """
    if asked.organization_id != scope.organization_id:
        raise NotFoundError(f"there is no organization {asked.organization_id}")
    return await describe_export(scope)


@action(
    "organizations.delete",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.ORGANIZATION_DELETE,
    key="organization_id",
    audited=("organization_id",),
)
async def delete_own_organization(scope: Scope, asked: DeleteOrganization) -> DeletedOrganization:
    """Delete the organization with all that it has: contents, runs, calls, members, keys, sessions and the audit log. Nobody acts
    for it any more from then on; its external id is free for another.
    """
    if asked.organization_id != scope.organization_id:
        raise NotFoundError(f"there is no organization {asked.organization_id}")
    await delete_organization(scope, asked.name)
    return DeletedOrganization(asked.organization_id)
