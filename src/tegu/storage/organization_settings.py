"""What organizations set for themselves, and their own keys of providers.

Written by the actions under tegu_app, read under tegu_engine by everything around a model call. Invariant: no secret is here but
sealed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from tegu.domain.errors import ConflictError
from tegu.domain.ids import new_id
from tegu.domain.privacy import OrganizationSettings, ProviderKey, StoreLlm
from tegu.sealing import SecretPlace
from tegu.storage.outages import PatientPool
from tegu.storage.statements import statement
from tegu.storage.tables import organization_settings, organizations, provider_keys
from tegu.storage.transaction import Transaction

if TYPE_CHECKING:
    import asyncpg

_LISTS = ("providers", "regions")
_DAYS = ("keep_events_days", "keep_replies_days", "keep_runs_days")


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key of a provider as it is stored: see `key_place` for what opens it."""

    provider: str
    host: str
    sealed: str
    last4: str = ""
    region: str | None = None


def key_place(organization_id: UUID, provider: str, host: str) -> SecretPlace:
    """A key is good for one organization, provider and host: of another row it does not open."""
    return SecretPlace("provider_key", organization_id, (provider, host))


async def settings_of(pool: "asyncpg.Pool[asyncpg.Record]", organization_id: UUID) -> OrganizationSettings:
    """For the engine."""
    row = await PatientPool(pool).fetchrow(statement("organization_settings"), organization_id)
    return _settings(row) if row is not None else OrganizationSettings()


async def keys_of(pool: "asyncpg.Pool[asyncpg.Record]", organization_id: UUID) -> dict[str, SealedKey]:
    """An organization's own keys by provider, for the engine."""
    rows = await PatientPool(pool).fetch(statement("provider_keys"), organization_id)
    return {
        row["provider"]: SealedKey(row["provider"], row["host"], row["sealed"], region=row["region"])
        for row in rows
    }


async def get_settings(connection: Transaction, organization_id: UUID) -> OrganizationSettings:
    """For the organization itself."""
    query = (
        select(organizations.c.model, *(c for c in organization_settings.c if c.name != "organization_id"))
        .select_from(
            organizations.outerjoin(
                organization_settings, organization_settings.c.organization_id == organizations.c.id
            )
        )
        .where(organizations.c.id == organization_id)
    )
    row = (await connection.execute(query)).mappings().first()
    return _settings(row) if row is not None else OrganizationSettings()


async def save_settings(connection: Transaction, organization_id: UUID, chosen: OrganizationSettings) -> None:
    """Store all of them."""
    await connection.execute(
        update(organizations).where(organizations.c.id == organization_id).values(model=chosen.model)
    )
    values = {
        "store_llm": chosen.store_llm.value,
        **{name: _list(getattr(chosen, name)) for name in _LISTS},
        **{name: getattr(chosen, name) for name in _DAYS},
        "updated_at": func.clock_timestamp(),
    }
    await connection.execute(
        insert(organization_settings)
        .values(organization_id=organization_id, **values)
        .on_conflict_do_update(index_elements=["organization_id"], set_=values)
    )


async def insert_key(connection: Transaction, organization_id: UUID, key: SealedKey) -> ProviderKey:
    """Raises ConflictError where there is one of that provider."""
    stored = insert(provider_keys).values(
        organization_id=organization_id,
        id=new_id(),
        provider=key.provider,
        host=key.host,
        sealed=key.sealed,
        last4=key.last4,
        region=key.region,
        created_at=func.clock_timestamp(),
    )
    try:
        row = (await connection.execute(stored.returning(*_SHOWN))).mappings().one()
    except IntegrityError as error:
        raise ConflictError(
            f"there is a key of {key.provider!r} already", hint="rotate that, or delete it first"
        ) from error
    return _key(row)


async def replace_key(
    connection: Transaction, organization_id: UUID, key_id: UUID, key: SealedKey
) -> ProviderKey | None:
    """Another secret for the same provider. None: there is no such key."""
    changed = (
        update(provider_keys)
        .where(provider_keys.c.organization_id == organization_id, provider_keys.c.id == key_id)
        .values(
            host=key.host,
            sealed=key.sealed,
            last4=key.last4,
            region=key.region,
            rotated_at=func.clock_timestamp(),
        )
    )
    row = (await connection.execute(changed.returning(*_SHOWN))).mappings().first()
    return _key(row) if row is not None else None


async def list_keys(connection: Transaction, organization_id: UUID) -> list[ProviderKey]:
    """By provider; never with the key."""
    query = (
        select(*_SHOWN)
        .where(provider_keys.c.organization_id == organization_id)
        .order_by(provider_keys.c.provider)
    )
    return [_key(row) for row in (await connection.execute(query)).mappings()]


async def delete_key(connection: Transaction, organization_id: UUID, key_id: UUID) -> bool:
    """False: there is no such key."""
    gone = delete(provider_keys).where(
        provider_keys.c.organization_id == organization_id, provider_keys.c.id == key_id
    )
    return await connection.scalar(gone.returning(provider_keys.c.id)) is not None


_KEY = ("id", "provider", "host", "last4", "region", "created_at", "rotated_at")
_SHOWN = tuple(provider_keys.c[name] for name in _KEY)


def _key(row: RowMapping) -> ProviderKey:
    return ProviderKey(**{name: row[name] for name in _KEY})


def _settings(row: "RowMapping | asyncpg.Record") -> OrganizationSettings:
    """Nothing is set where there is no row."""
    lists = {name: tuple(row[name]) if row[name] is not None else None for name in _LISTS}
    return OrganizationSettings(
        model=row["model"],
        store_llm=StoreLlm(row["store_llm"] or StoreLlm.FULL),
        **lists,
        **{name: row[name] for name in _DAYS},
    )


def _list(names: Sequence[str] | None) -> list[str] | None:
    return list(names) if names is not None else None
