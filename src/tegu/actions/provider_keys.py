"""Keys of providers that an organization brings: sealed before they are stored, and never shown again.

Called by the declared actions. Invariant: a key is bound to the organization, its provider and the host that it is sent to now.
"""

from collections.abc import Mapping
from uuid import UUID

from tegu.actions.organization_rules import OWN_HOST
from tegu.actions.scope import Scope
from tegu.domain.errors import NotFoundError
from tegu.domain.json import storable_json
from tegu.domain.privacy import ProviderKey
from tegu.llm.providers.registry import canonical_name
from tegu.llm.regions import checked_region
from tegu.storage import organization_settings as store
from tegu.storage.organization_settings import SealedKey, key_place

_SHOWN = 4


async def create_key(
    scope: Scope, provider: str, api_key: str, options: Mapping[str, str], region: str | None
) -> ProviderKey:
    """Raises ConfigurationError for what cannot be a key of that provider, ConflictError where there is one."""
    sealed = _sealed(scope, canonical_name(provider), api_key, options, region)
    async with scope.transaction() as connection:
        made = await store.insert_key(connection, scope.organization_id, sealed)
    scope.machinery.forget_model(scope.organization_id)
    return made


async def rotate_key(
    scope: Scope, key_id: UUID, api_key: str, options: Mapping[str, str], region: str | None
) -> ProviderKey:
    """Another key in the place of one. Raises NotFoundError, ConfigurationError."""
    async with scope.transaction() as connection:
        keys = {key.id: key for key in await store.list_keys(connection, scope.organization_id)}
        if key_id not in keys:
            raise NotFoundError(f"there is no key {key_id} of a provider")
        sealed = _sealed(scope, keys[key_id].provider, api_key, options, region or keys[key_id].region)
        changed = await store.replace_key(connection, scope.organization_id, key_id, sealed)
        assert changed is not None
    scope.machinery.forget_model(scope.organization_id)
    return changed


async def delete_key(scope: Scope, key_id: UUID) -> None:
    """Calls that begin within seconds may still use it elsewhere. Raises NotFoundError."""
    async with scope.transaction() as connection:
        if not await store.delete_key(connection, scope.organization_id, key_id):
            raise NotFoundError(f"there is no key {key_id} of a provider")
    scope.machinery.forget_model(scope.organization_id)


def _sealed(
    scope: Scope, provider: str, api_key: str, options: Mapping[str, str], region: str | None
) -> SealedKey:
    made = scope.machinery.rules.environment.own(provider, api_key, options)
    host = made.base_url or OWN_HOST
    secret = storable_json({"api_key": api_key, "options": dict(options)})
    return SealedKey(
        provider,
        host,
        scope.machinery.keyring.seal(secret, key_place(scope.organization_id, provider, host)),
        last4=api_key[-_SHOWN:] if len(api_key) > 2 * _SHOWN else "",
        region=checked_region(region) if region else None,
    )
