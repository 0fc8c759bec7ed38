"""Organizations: one's own, those that a person may go to, and, for operators, new ones."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.contents import check_external_id
from tegu.actions.declared.inputs import GivenName
from tegu.actions.scope import Scope
from tegu.domain.actor import ActorKind, Permission, Role
from tegu.domain.email_address import checked_email
from tegu.domain.errors import ConflictError, NotFoundError
from tegu.domain.identity import Organization, OwnOrganization
from tegu.domain.page import Page
from tegu.storage import members, organizations
from tegu.storage.sign_in import organizations_of


class OrganizationId(ActionInput):
    """Which organization: one's own."""

    organization_id: UUID


class UpdateOrganization(OrganizationId):
    """What changes."""

    name: GivenName


class CreateOrganization(ActionInput):
    """A new tenant, and who owns it."""

    external_id: Annotated[str, Field(max_length=200, description="The id that you know it by.")]
    name: GivenName
    owner_email: Annotated[
        str | None, Field(max_length=320, description="Who may sign in to it, as its owner.")
    ] = None


@action("organizations.list", effect=Effect.READ, permission=Permission.IDENTITY)
async def list_organizations(scope: Scope, asked: NoInput) -> Page[OwnOrganization]:
    """List the organizations that one may go to; a key has its own, alone."""
    del asked
    if scope.actor.kind is ActorKind.USER:
        pool = await scope.machinery.database.engine()
        theirs = [found for _, found in await organizations_of(pool, scope.actor.label)]
        return Page(
            tuple(
                OwnOrganization(each.id, each.name, each.role, is_current=each.id == scope.organization_id)
                for each in theirs
            )
        )
    here = await _own(scope, scope.organization_id)
    return Page((OwnOrganization(here.id, here.name, scope.actor.role, is_current=True),))


@action("organizations.get", effect=Effect.READ, permission=Permission.SETTINGS_READ, key="organization_id")
async def get_organization(scope: Scope, asked: OrganizationId) -> Organization:
    """Read what is known of the organization."""
    return await _own(scope, asked.organization_id)


@action(
    "organizations.update",
    effect=Effect.WRITE,
    permission=Permission.SETTINGS_WRITE,
    key="organization_id",
    audited=("name",),
    is_idempotent=True,
)
async def update_organization(scope: Scope, asked: UpdateOrganization) -> Organization:
    """Rename the organization."""
    _check_own(scope, asked.organization_id)
    async with scope.transaction() as connection:
        await organizations.rename_organization(connection, scope.organization_id, asked.name)
    return await _own(scope, asked.organization_id)


@action(
    "organizations.create",
    effect=Effect.WRITE,
    permission=Permission.OPERATE,
    audited=("external_id", "name", "owner_email"),
)
async def create_organization(scope: Scope, asked: CreateOrganization) -> Organization:
    """Make an organization. For operators."""
    check_external_id(asked.external_id)
    owner = None if asked.owner_email is None else checked_email(asked.owner_email)
    database = scope.machinery.database
    made = await organizations.create_organization(database.address, asked.external_id, asked.name)
    if made is None:
        raise ConflictError(
            f"there is an organization {asked.external_id!r}", hint="take another external id"
        )
    async with scope.transaction():
        pass  # notes in the operator's own organization what they did
    async with database.transaction(made) as connection:
        if owner is not None:
            await members.add_member(connection, made, owner, Role.OWNER)
        found = await organizations.get_organization(connection, made)
    assert found is not None
    return found


def _check_own(scope: Scope, organization_id: UUID) -> None:
    if organization_id != scope.organization_id:
        raise NotFoundError(f"there is no organization {organization_id}", hint="go to it before")


async def _own(scope: Scope, organization_id: UUID) -> Organization:
    _check_own(scope, organization_id)
    async with scope.transaction() as connection:
        found = await organizations.get_organization(connection, scope.organization_id)
    if found is None:
        raise NotFoundError(f"there is no organization {organization_id}")
    return found
