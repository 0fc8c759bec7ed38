"""Service accounts: programs that belong to the organization, and to nobody in it."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import members
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import GivenName, PageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission, Role
from tegu.domain.identity import ServiceAccount
from tegu.domain.page import Page, id_of, page_of
from tegu.storage import members as storage


class CreateServiceAccount(ActionInput):
    """What it is called, and the most that its keys may do."""

    name: GivenName
    role: Annotated[Role, Field(description="At most your own.")]


class ServiceAccountId(ActionInput):
    """Which service account."""

    service_account_id: UUID


@action(
    "service_accounts.create",
    effect=Effect.WRITE,
    permission=Permission.KEYS_WRITE,
    audited=("name", "role"),
)
async def create_service_account(scope: Scope, asked: CreateServiceAccount) -> ServiceAccount:
    """Make a service account; it comes in by keys (`keys.create`)."""
    return await members.create_account(scope, asked.name, asked.role)


@action("service_accounts.list", effect=Effect.READ, permission=Permission.KEYS_READ)
async def list_service_accounts(scope: Scope, asked: PageInput) -> Page[ServiceAccount]:
    """List the service accounts, the oldest first."""
    async with scope.transaction() as connection:
        found = await storage.list_accounts(
            connection, scope.organization_id, after=id_of(asked.cursor), limit=asked.limit + 1
        )
    return page_of(found, asked.limit, lambda account: account.id)


@action(
    "service_accounts.remove",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.KEYS_WRITE,
    key="service_account_id",
    audited=("service_account_id",),
)
async def remove_service_account(scope: Scope, asked: ServiceAccountId) -> ServiceAccount:
    """Remove a service account: its keys end at once."""
    return await members.remove_account(scope, asked.service_account_id)
