"""API keys of an organization: make, list and revoke them.

Called by the actions on keys. Invariant: only the hash of a key is stored, and this door cannot read it; a key is revoked
together with those that it made.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, func, insert, or_, select, update

from tegu.domain.actor import Permission, Role
from tegu.domain.identity import ApiKey
from tegu.domain.ids import new_id
from tegu.storage.tables import api_keys, users
from tegu.storage.transaction import Transaction

_C = api_keys.c


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to store."""

    user_id: UUID
    name: str
    prefix: str
    key_hash: bytes
    role: Role
    scopes: tuple[Permission, ...] | None
    pipelines: tuple[str, ...] | None
    expires_at: datetime | None
    made_by_key: UUID | None


def _shown(organization_id: UUID) -> Select[*tuple[Any, ...]]:
    label = func.coalesce(users.c.email, users.c.display_name).label("user_label")
    owner = and_(users.c.organization_id == _C.organization_id, users.c.id == _C.user_id)
    columns = [column for column in _C if column.name not in {"organization_id", "key_hash", "made_by_key"}]
    joined = api_keys.join(users, owner)
    return select(*columns, label).select_from(joined).where(_C.organization_id == organization_id)


def _key(row: Any) -> ApiKey:
    scopes, pipelines = row["scopes"], row["pipelines"]
    known = {permission.value for permission in Permission}
    return ApiKey(
        id=row["id"],
        name=row["name"],
        prefix=row["prefix"],
        user_id=row["user_id"],
        user_label=row["user_label"],
        role=Role(row["role"]),
        scopes=None if scopes is None else tuple(Permission(scope) for scope in scopes if scope in known),
        pipelines=None if pipelines is None else tuple(pipelines),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
        revoked_at=row["revoked_at"],
    )


async def add_key(connection: Transaction, organization_id: UUID, new: NewKey) -> UUID:
    """Store it."""
    key_id = new_id()
    await connection.execute(
        insert(api_keys).values(
            organization_id=organization_id,
            id=key_id,
            user_id=new.user_id,
            name=new.name,
            prefix=new.prefix,
            key_hash=new.key_hash,
            role=new.role.value,
            scopes=None if new.scopes is None else [scope.value for scope in new.scopes],
            pipelines=None if new.pipelines is None else list(new.pipelines),
            expires_at=new.expires_at,
            made_by_key=new.made_by_key,
        )
    )
    return key_id


async def list_keys(
    connection: Transaction, organization_id: UUID, *, after: UUID | None, limit: int
) -> list[ApiKey]:
    """Keys, the newest first, also those that ended."""
    query = _shown(organization_id)
    if after is not None:
        query = query.where(_C.id < after)
    rows = (await connection.execute(query.order_by(_C.id.desc()).limit(limit))).mappings()
    return [_key(row) for row in rows]


async def find_key(connection: Transaction, organization_id: UUID, key_id: UUID) -> ApiKey | None:
    """One key, also one that ended."""
    found = await connection.execute(_shown(organization_id).where(_C.id == key_id))
    row = found.mappings().one_or_none()
    return None if row is None else _key(row)


async def count_good_keys(connection: Transaction, organization_id: UUID) -> int:
    """How many are neither revoked nor expired."""
    good = and_(
        _C.organization_id == organization_id,
        _C.revoked_at.is_(None),
        or_(_C.expires_at.is_(None), _C.expires_at > func.clock_timestamp()),
    )
    return await connection.scalar(select(func.count()).select_from(api_keys).where(good))


async def revoke_key(connection: Transaction, organization_id: UUID, key_id: UUID) -> None:
    """Revoke it, and those that it made, and those that these made."""
    mine = _C.organization_id == organization_id
    family = select(_C.id).where(mine, _C.id == key_id).cte("family", recursive=True)
    family = family.union(select(_C.id).where(mine, _C.made_by_key == family.c.id))
    revoked = update(api_keys).where(mine, _C.id.in_(select(family.c.id)), _C.revoked_at.is_(None))
    await connection.execute(revoked.values(revoked_at=func.clock_timestamp()))
