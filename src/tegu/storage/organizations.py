"""Organizations: the tenants. Found by id or by the host application's own id.

Called by `app`. Creating one is the operator's act, so it runs as the owner of the schema.
"""

from uuid import UUID

import asyncpg

from tegu.domain.ids import new_id
from tegu.storage.database import DatabaseAddress, reaching

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
