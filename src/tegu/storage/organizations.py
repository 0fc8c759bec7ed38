"""Organizations: the tenants. Found by id or by the host application's own id.

Called by `app`. Creating one is the operator's act, so it runs as the owner of the schema; its own model is the
organization's affair, changed by the app's door and read by the engine's.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
from sqlalchemy import select, update

from tegu.domain.identity import Organization
from tegu.domain.ids import new_id
from tegu.storage.database import DatabaseAddress, reaching
from tegu.storage.tables import organizations
from tegu.storage.transaction import Transaction

DEFAULT_EXTERNAL_ID = "default"


async def ensure_organization(address: DatabaseAddress, external_id: str, *, name: str | None = None) -> UUID:
    """The organization of that external id; made if it is not there."""
    with reaching(address):
        connection = await asyncpg.connect(address.owner, timeout=10)
        try:
            found = await connection.fetchval(
                "select id from tegu.organizations where external_id = $1", external_id
            )
            if found is None:
                found = await connection.fetchval(
                    """insert into tegu.organizations (id, name, external_id) values ($1, $2, $3)
                    on conflict (external_id) do update set external_id = excluded.external_id returning id""",
                    new_id(),
                    name or external_id,
                    external_id,
                )
        finally:
            await connection.close()
    return found


async def create_organization(address: DatabaseAddress, external_id: str, name: str) -> UUID | None:
    """Make one. None: there is one of that external id."""
    with reaching(address):
        connection = await asyncpg.connect(address.owner, timeout=10)
        try:
            return await connection.fetchval(
                """insert into tegu.organizations (id, name, external_id) values ($1, $2, $3)
                on conflict (external_id) do nothing returning id""",
                new_id(),
                name,
                external_id,
            )
        finally:
            await connection.close()


async def get_organization(connection: Transaction, organization_id: UUID) -> Organization | None:
    """What is known of it."""
    c = organizations.c
    query = select(c.id, c.name, c.external_id, c.created_at).where(c.id == organization_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else Organization(**row)


async def rename_organization(connection: Transaction, organization_id: UUID, name: str) -> None:
    """Change its name."""
    changed = update(organizations).where(organizations.c.id == organization_id)
    await connection.execute(changed.values(name=name))


async def own_model(connection: Transaction, organization_id: UUID) -> str | None:
    """The organization's own model as written; None where it has none."""
    query = select(organizations.c.model).where(organizations.c.id == organization_id)
    return (await connection.execute(query)).scalar_one_or_none()


async def set_own_model(connection: Transaction, organization_id: UUID, model: str | None) -> bool:
    """Change it; None takes it away. False: there is no such organization."""
    changed = update(organizations).where(organizations.c.id == organization_id).values(model=model)
    return await connection.scalar(changed.returning(organizations.c.id)) is not None


async def cursor_key(connection: Transaction, organization_id: UUID) -> bytes:
    """What seals how far somebody has read its events."""
    query = select(organizations.c.cursor_key).where(organizations.c.id == organization_id)
    return (await connection.execute(query)).scalar_one()


class OrganizationIds:
    """Ids by external id: remembered, up to a number, and looked up once however many ask at the same time."""

    def __init__(
        self, address: Callable[[], Awaitable[DatabaseAddress]], *, remembered_max: int = 10_000
    ) -> None:
        self._address = address
        self._remembered_max = remembered_max
        self._ids: OrderedDict[str, UUID] = OrderedDict()
        self._asking = asyncio.Lock()

    async def id_of(self, external_id: str) -> UUID:
        """The organization of that external id; made if it is not there. Raises StorageUnavailableError."""
        if (known := self._remembered(external_id)) is not None:
            return known
        async with self._asking:
            if (known := self._remembered(external_id)) is not None:
                return known
            found = await ensure_organization(await self._address(), external_id)
            self._ids[external_id] = found
            if len(self._ids) > self._remembered_max:
                self._ids.popitem(last=False)
            return found

    def _remembered(self, external_id: str) -> UUID | None:
        if external_id in self._ids:
            self._ids.move_to_end(external_id)
        return self._ids.get(external_id)
