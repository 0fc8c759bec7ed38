"""Credentials that stages send with their requests: each goes to one host, in one header.

Written by the actions under tegu_app, which cannot read a secret, and read by the stages under tegu_engine. Invariant: a secret
is stored sealed, for its organization, name, host and header: in another row it does not open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from tegu.domain.http_credential import HttpCredential
from tegu.sealing import SecretPlace
from tegu.storage.outages import PatientPool
from tegu.storage.statements import statement
from tegu.storage.tables import http_credentials
from tegu.storage.transaction import Transaction

_C = http_credentials.c
_SHOWN = (_C.id, _C.name, _C.host, _C.header, _C.created_at)


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """As it is stored: `credential_place` is what opens it."""

    id: UUID
    name: str
    host: str
    header: str
    sealed: str = field(repr=False)


def credential_home(scheme: str, netloc: str) -> str:
    """What a credential is for: a host over TLS, unless it was stored for one without."""
    return netloc.lower() if scheme == "https" else f"{scheme}://{netloc.lower()}"


def credential_place(organization_id: UUID, name: str, host: str, header: str) -> SecretPlace:
    """Where the secret of a credential belongs."""
    return SecretPlace("http_credential", organization_id, (name, host, header))


class CredentialStore:
    """For the stages, on the engine's pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = PatientPool(pool)

    async def find(self, organization_id: UUID, name: str) -> SealedCredential | None:
        """One by its name."""
        row = await self._pool.fetchrow(statement("find_credential"), organization_id, name)
        return SealedCredential(**row) if row is not None else None


async def insert_credential(
    connection: Transaction, organization_id: UUID, new: SealedCredential
) -> HttpCredential | None:
    """Store one. None: there is one of that name."""
    made = (
        insert(http_credentials)
        .values(
            organization_id=organization_id,
            id=new.id,
            name=new.name,
            host=new.host,
            header=new.header,
            sealed=new.sealed,
            created_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing()
    )
    row = (await connection.execute(made.returning(*_SHOWN))).mappings().first()
    return _credential(row) if row is not None else None


async def list_credentials(connection: Transaction, organization_id: UUID) -> list[HttpCredential]:
    """By name, without the secrets."""
    query = select(*_SHOWN).where(_C.organization_id == organization_id).order_by(_C.name)
    return [_credential(row) for row in (await connection.execute(query)).mappings()]


async def delete_credential(connection: Transaction, organization_id: UUID, credential_id: UUID) -> bool:
    """False: there is no such credential."""
    gone = delete(http_credentials).where(_C.organization_id == organization_id, _C.id == credential_id)
    return await connection.scalar(gone.returning(_C.id)) is not None


def _credential(row: Mapping[Any, Any]) -> HttpCredential:
    return HttpCredential(row["id"], row["name"], row["host"], row["header"], row["created_at"])
