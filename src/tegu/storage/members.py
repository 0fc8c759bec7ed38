"""Members and service accounts of an organization: list, find, add, change and remove them.

Called by the actions on members. Invariant: an address is never changed; who leaves takes along sessions, keys and links.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tegu.domain.actor import Role
from tegu.domain.identity import Member, ServiceAccount
from tegu.domain.ids import new_id
from tegu.storage.tables import api_keys, invitations, sessions, sign_in_links, users
from tegu.storage.transaction import Transaction

PERSON, SERVICE = "person", "service"
_C = users.c


def _member(row: Any) -> Member:
    return Member(
        row["id"],
        row["email"],
        row["display_name"],
        Role(row["role"]),
        row["created_at"],
        row["seen_at"],
        row["disabled_at"],
    )


def _account(row: Any) -> ServiceAccount:
    return ServiceAccount(
        row["id"], row["display_name"], Role(row["role"]), row["created_at"], row["disabled_at"]
    )


def _is(organization_id: UUID, user_id: UUID, kind: str) -> ColumnElement[bool]:
    return and_(_C.organization_id == organization_id, _C.id == user_id, _C.kind == kind)


async def _listed(
    connection: Transaction, organization_id: UUID, kind: str, after: UUID | None, limit: int
) -> Sequence[Any]:
    query = select(users).where(_C.organization_id == organization_id, _C.kind == kind)
    if after is not None:
        query = query.where(_C.id > after)
    return (await connection.execute(query.order_by(_C.id).limit(limit))).mappings().all()


async def list_members(
    connection: Transaction, organization_id: UUID, *, after: UUID | None, limit: int
) -> list[Member]:
    """Persons, the oldest first."""
    return [_member(row) for row in await _listed(connection, organization_id, PERSON, after, limit)]


async def list_accounts(
    connection: Transaction, organization_id: UUID, *, after: UUID | None, limit: int
) -> list[ServiceAccount]:
    """Service accounts, the oldest first."""
    return [_account(row) for row in await _listed(connection, organization_id, SERVICE, after, limit)]


async def find_member(connection: Transaction, organization_id: UUID, user_id: UUID) -> Member | None:
    """A person, disabled or not."""
    found = await connection.execute(select(users).where(_is(organization_id, user_id, PERSON)))
    row = found.mappings().one_or_none()
    return None if row is None else _member(row)


async def has_email(connection: Transaction, organization_id: UUID, email: str) -> bool:
    """Whether the address has a member here."""
    query = select(_C.id).where(_C.organization_id == organization_id, func.lower(_C.email) == email)
    return await connection.scalar(query) is not None


async def find_account(
    connection: Transaction, organization_id: UUID, user_id: UUID
) -> ServiceAccount | None:
    """A service account."""
    found = await connection.execute(select(users).where(_is(organization_id, user_id, SERVICE)))
    row = found.mappings().one_or_none()
    return None if row is None else _account(row)


async def count_users(connection: Transaction, organization_id: UUID, kind: str) -> int:
    """How many there are of a kind."""
    query = select(func.count()).select_from(users)
    return await connection.scalar(query.where(_C.organization_id == organization_id, _C.kind == kind))


async def add_member(connection: Transaction, organization_id: UUID, email: str, role: Role) -> Member:
    """Add a person; one who is there already keeps the role. The address is in lower case, and shown to be theirs, or the
    operator's word.
    """
    made = upsert(users).values(
        organization_id=organization_id, id=new_id(), email=email, kind=PERSON, role=role.value
    )
    await connection.execute(made.on_conflict_do_nothing())
    query = select(users).where(_C.organization_id == organization_id, func.lower(_C.email) == email)
    return _member((await connection.execute(query)).mappings().one())


async def add_account(
    connection: Transaction, organization_id: UUID, name: str, role: Role
) -> ServiceAccount:
    """Add a service account."""
    made = insert(users).values(
        organization_id=organization_id, id=new_id(), display_name=name, kind=SERVICE, role=role.value
    )
    return _account((await connection.execute(made.returning(users))).mappings().one())


async def change_user(connection: Transaction, organization_id: UUID, user_id: UUID, **values: Any) -> None:
    """Change role, display_name or disabled_at."""
    mine = and_(_C.organization_id == organization_id, _C.id == user_id)
    await connection.execute(update(users).where(mine).values(**values))


async def see(connection: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """Note that the user is here now."""
    await change_user(connection, organization_id, user_id, seen_at=func.clock_timestamp())


async def lock_owners(connection: Transaction, organization_id: UUID) -> set[UUID]:
    """The persons who are owners and may come in; they stay so until the transaction ends."""
    query = select(_C.id).where(
        _C.organization_id == organization_id,
        _C.kind == PERSON,
        _C.role == Role.OWNER.value,
        _C.disabled_at.is_(None),
    )
    return set(await connection.scalars(query.order_by(_C.id).with_for_update()))


async def forget_invitations(connection: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """Take back what a user has invited to and nobody accepted yet."""
    await connection.execute(
        delete(invitations).where(
            invitations.c.organization_id == organization_id,
            invitations.c.invited_by == user_id,
            invitations.c.accepted_at.is_(None),
        )
    )


async def end_sessions(connection: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """Let nobody in any more by what let the user in before: sessions, and links that were mailed."""
    for table in (sessions, sign_in_links):
        gone = delete(table).where(table.c.organization_id == organization_id, table.c.user_id == user_id)
        await connection.execute(gone)


async def remove_user(connection: Transaction, organization_id: UUID, user_id: UUID) -> None:
    """Remove a user with all by which they come in, and what they have invited to and nobody accepted yet."""
    for table in (sessions, api_keys, sign_in_links):
        gone = delete(table).where(table.c.organization_id == organization_id, table.c.user_id == user_id)
        await connection.execute(gone)
    await forget_invitations(connection, organization_id, user_id)
    await connection.execute(delete(users).where(_C.organization_id == organization_id, _C.id == user_id))
