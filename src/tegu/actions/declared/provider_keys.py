"""The organization's own keys of providers."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import provider_keys
from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.privacy import ProviderKey
from tegu.storage import organization_settings as store

_SECRET_LENGTH_MAX = 10_000


class ProviderKeyId(ActionInput):
    """Which key."""

    key_id: UUID


class NewSecret(ActionInput):
    """A secret, and what the provider wants beside it. It is not shown again."""

    api_key: Annotated[
        str,
        Field(
            max_length=_SECRET_LENGTH_MAX,
            repr=False,
            json_schema_extra={"format": "password", "writeOnly": True},
        ),
    ] = ""
    options: Annotated[
        dict[str, Annotated[str, Field(max_length=_SECRET_LENGTH_MAX)]] | None,
        Field(
            max_length=10,
            repr=False,
            description="As `region`, `access_key_id`, `secret_access_key` of bedrock.",
        ),
    ] = None
    region: Annotated[
        str | None,
        Field(
            max_length=60,
            description="Where the provider answers by your contract, where its host does not say.",
        ),
    ] = None


class CreateProviderKey(NewSecret):
    """A key of a provider."""

    provider: Annotated[str, Field(max_length=100, description="`openai`")]


class RotateProviderKey(NewSecret):
    """Another secret for a key."""

    key_id: UUID


@dataclass(frozen=True, slots=True)
class ListedProviderKeys:
    """By provider."""

    items: tuple[ProviderKey, ...]


@dataclass(frozen=True, slots=True)
class DeletedProviderKey:
    """The key that is gone."""

    key_id: UUID


@action(
    "provider_keys.create", effect=Effect.WRITE, permission=Permission.SETTINGS_WRITE, audited=("provider",)
)
async def create_provider_key(scope: Scope, asked: CreateProviderKey) -> ProviderKey:
    """Store the organization's own key of a provider: it goes before the operator's, and only to the host that is set now."""
    return await provider_keys.create_key(
        scope, asked.provider, asked.api_key, asked.options or {}, asked.region
    )


@action("provider_keys.list", effect=Effect.READ, permission=Permission.SETTINGS_READ)
async def list_provider_keys(scope: Scope, asked: NoInput) -> ListedProviderKeys:
    """List the organization's own keys of providers, without the keys."""
    del asked
    async with scope.transaction() as connection:
        return ListedProviderKeys(tuple(await store.list_keys(connection, scope.organization_id)))


@action(
    "provider_keys.rotate",
    effect=Effect.WRITE,
    permission=Permission.SETTINGS_WRITE,
    key="key_id",
    audited=("key_id",),
)
async def rotate_provider_key(scope: Scope, asked: RotateProviderKey) -> ProviderKey:
    """Put another secret in the place of one."""
    return await provider_keys.rotate_key(
        scope, asked.key_id, asked.api_key, asked.options or {}, asked.region
    )


@action(
    "provider_keys.delete",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.SETTINGS_WRITE,
    key="key_id",
    audited=("key_id",),
)
async def delete_provider_key(scope: Scope, asked: ProviderKeyId) -> DeletedProviderKey:
    """Remove one. The operator's key is used from then on, where there is one."""
    await provider_keys.delete_key(scope, asked.key_id)
    return DeletedProviderKey(asked.key_id)
