"""Invitations to an organization: make, list, accept and revoke them.

Called by the actions on invitations and by signing in. Invariant: one is accepted once, before it ends; who may accept it
is found by the hash of its token (`storage.sign_in`).
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, text, update

from tegu.domain.actor import Role
from tegu.domain.identity import Invitation
from tegu.domain.ids import new_id
from tegu.storage.tables import invitations
from tegu.storage.transaction import Transaction

_C = invitations.c
_SHOWN = [column for column in _C if column.name not in {"organization_id", "token_hash"}]


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation to store."""

    email: str
    role: Role
    token_hash: bytes
    invited_by: UUID | None
    good_for_s: float


def _invitation(row: Any) -> Invitation:
    return Invitation(
        id=row["id"],
        email=row["email"],
        role=Role(row["role"]),
        invited_by=row["invited_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        accepted_at=row["accepted_at"],
        revoked_at=row["revoked_at"],
    )


def _open(organization_id: UUID) -> ColumnElement[bool]:
    return and_(
        _C.organization_id == organization_id,
        _C.accepted_at.is_(None),
        _C.revoked_at.is_(None),
        _C.expires_at > func.clock_timestamp(),
    )


async def add_invitation(connection: Transaction, organization_id: UUID, new: NewInvitation) -> Invitation:
    """Store it, instead of any that the address has not accepted."""
    mine = and_(_C.organization_id == organization_id, _C.email == new.email, _C.accepted_at.is_(None))
    await connection.execute(delete(invitations).where(mine))
    made = insert(invitations).values(
        organization_id=organization_id,
        id=new_id(),
        email=new.email,
        role=new.role.value,
        token_hash=new.token_hash,
        invited_by=new.invited_by,
        expires_at=func.clock_timestamp() + text("make_interval(secs => :s)").bindparams(s=new.good_for_s),
    )
    return _invitation((await connection.execute(made.returning(*_SHOWN))).mappings().one())


async def list_invitations(
    connection: Transaction, organization_id: UUID, *, after: UUID | None, limit: int
) -> list[Invitation]:
    """All of them, the newest first."""
    query = select(*_SHOWN).where(_C.organization_id == organization_id)
    if after is not None:
        query = query.where(_C.id < after)
    rows = (await connection.execute(query.order_by(_C.id.desc()).limit(limit))).mappings()
    return [_invitation(row) for row in rows]


async def count_open(connection: Transaction, organization_id: UUID) -> int:
    """How many can be accepted."""
    return await connection.scalar(
        select(func.count()).select_from(invitations).where(_open(organization_id))
    )


async def open_to(connection: Transaction, organization_id: UUID, email: str) -> Role | None:
    """The role that an address is invited to and may still accept. None: it is invited to nothing."""
    role = await connection.scalar(
        select(_C.role).where(_open(organization_id), _C.email == email).order_by(_C.id.desc()).limit(1)
    )
    return None if role is None else Role(role)


async def accept(connection: Transaction, organization_id: UUID, invitation_id: UUID) -> bool:
    """Use it up. False: it was accepted, revoked or ended."""
    done = update(invitations).where(_open(organization_id), _C.id == invitation_id)
    return (
        await connection.scalar(done.values(accepted_at=func.clock_timestamp()).returning(_C.id)) is not None
    )


async def revoke(connection: Transaction, organization_id: UUID, invitation_id: UUID) -> Invitation | None:
    """Take it back. None: there is none that could be accepted."""
    done = update(invitations).where(_open(organization_id), _C.id == invitation_id)
    revoked = done.values(revoked_at=func.clock_timestamp()).returning(*_SHOWN)
    row = (await connection.execute(revoked)).mappings().one_or_none()
    return None if row is None else _invitation(row)
