"""API keys: make, list and revoke them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import api_keys
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import GivenName, Name, PageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission, Role
from tegu.domain.identity import ApiKey, NewApiKey
from tegu.domain.page import Page, id_of, page_of
from tegu.storage import api_keys as storage

DAYS_MAX = 3650


class CreateKey(ActionInput):
    """What the key is called, and what it is restricted to; what is left out is as your own."""

    name: GivenName
    role: Annotated[Role | None, Field(description="At most your own.")] = None
    scopes: Annotated[
        tuple[Permission, ...] | None, Field(max_length=len(Permission), description="What it may do.")
    ] = None
    pipelines: Annotated[
        tuple[Name, ...] | None, Field(max_length=100, description="The pipelines whose runs it sees.")
    ] = None
    expires_in_days: Annotated[int | None, Field(ge=1, le=DAYS_MAX)] = None
    service_account_id: Annotated[UUID | None, Field(description="Whose key it is; without it, yours.")] = (
        None
    )


class KeyId(ActionInput):
    """Which key."""

    key_id: UUID


@action(
    "keys.create",
    effect=Effect.WRITE,
    permission=Permission.KEYS_WRITE,
    audited=("name", "role", "scopes", "pipelines", "expires_in_days", "service_account_id"),
)
async def create_key(scope: Scope, asked: CreateKey) -> NewApiKey:
    """Make a key, which does at most what you may. Its secret is in the answer, and never shown again."""
    wish = api_keys.KeyWish(
        name=asked.name,
        role=asked.role,
        scopes=asked.scopes,
        pipelines=asked.pipelines,
        days=asked.expires_in_days,
        service_account_id=asked.service_account_id,
    )
    return await api_keys.make(scope, wish)


@action("keys.list", effect=Effect.READ, permission=Permission.KEYS_READ)
async def list_keys(scope: Scope, asked: PageInput) -> Page[ApiKey]:
    """List the keys of the organization, the newest first, also those that ended."""
    async with scope.transaction() as connection:
        found = await storage.list_keys(
            connection, scope.organization_id, after=id_of(asked.cursor), limit=asked.limit + 1
        )
    return page_of(found, asked.limit, lambda key: key.id)


@action(
    "keys.revoke",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.KEYS_WRITE,
    key="key_id",
    audited=("key_id",),
    is_idempotent=True,
)
async def revoke_key(scope: Scope, asked: KeyId) -> ApiKey:
    """Revoke a key, and those that were made with it: they let nobody in from now on."""
    return await api_keys.revoke(scope, asked.key_id)
