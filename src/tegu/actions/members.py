"""Members and service accounts: who they are, what they may be made, and that an owner is left.

Called by the declared actions. Invariant: an organization that has an owner always has one who can come in.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tegu.actions.ranks import check_changes, check_gives, check_lets_in
from tegu.actions.scope import Scope
from tegu.domain.actor import Role
from tegu.domain.errors import ConflictError, NotFoundError
from tegu.domain.identity import Member, ServiceAccount
from tegu.storage import members
from tegu.storage.transaction import Transaction

ACCOUNTS_MAX = 1000


async def get_member(scope: Scope, user_id: UUID) -> Member:
    """Raises NotFoundError."""
    async with scope.transaction() as connection:
        return await _member(connection, scope, user_id)


async def update_member(
    scope: Scope, user_id: UUID, *, role: Role | None = None, is_disabled: bool | None = None
) -> Member:
    """Change what somebody is, or whether they come in. Raises NotFoundError, ForbiddenError, ConflictError."""
    async with scope.transaction() as connection:
        owners = await members.lock_owners(connection, scope.organization_id)
        member = await _member(connection, scope, user_id)
        check_changes(scope, member.role)
        check_gives(scope, role or member.role)
        check_lets_in(scope, role or member.role)
        stays = (role or member.role) is Role.OWNER and not (
            member.disabled_at is not None if is_disabled is None else is_disabled
        )
        _check_owner_is_left(owners, member, stays=stays)
        changes: dict[str, Any] = {} if role is None else {"role": role.value}
        if is_disabled is not None and is_disabled != (member.disabled_at is not None):
            changes["disabled_at"] = datetime.now(UTC) if is_disabled else None
        if changes:
            await members.change_user(connection, scope.organization_id, user_id, **changes)
            if is_disabled or (
                role is not None and role.rank < member.role.rank
            ):  # whom they let in is theirs to answer for
                await members.forget_invitations(connection, scope.organization_id, user_id)
            if is_disabled:
                await members.end_sessions(connection, scope.organization_id, user_id)
        return await _member(connection, scope, user_id)


async def remove_member(scope: Scope, user_id: UUID) -> Member:
    """Remove somebody, with sessions and keys. Raises NotFoundError, ForbiddenError, ConflictError."""
    async with scope.transaction() as connection:
        owners = await members.lock_owners(connection, scope.organization_id)
        member = await _member(connection, scope, user_id)
        check_changes(scope, member.role)
        _check_owner_is_left(owners, member, stays=False)
        await members.remove_user(connection, scope.organization_id, user_id)
        return member


async def create_account(scope: Scope, name: str, role: Role) -> ServiceAccount:
    """Raises ForbiddenError, ConflictError."""
    check_gives(scope, role)
    check_lets_in(scope, role)
    async with scope.transaction() as connection:
        there = await members.count_users(connection, scope.organization_id, members.SERVICE)
        if there >= ACCOUNTS_MAX:
            raise ConflictError(f"there are {there} service accounts", hint="remove some")
        return await members.add_account(connection, scope.organization_id, name, role)


async def remove_account(scope: Scope, user_id: UUID) -> ServiceAccount:
    """Remove it, with its keys. Raises NotFoundError, ForbiddenError."""
    async with scope.transaction() as connection:
        account = await members.find_account(connection, scope.organization_id, user_id)
        if account is None:
            raise NotFoundError(f"there is no service account {user_id}", hint="list them")
        check_changes(scope, account.role)
        await members.remove_user(connection, scope.organization_id, user_id)
        return account


async def _member(connection: Transaction, scope: Scope, user_id: UUID) -> Member:
    found = await members.find_member(connection, scope.organization_id, user_id)
    if found is None:
        raise NotFoundError(f"there is no member {user_id}", hint="list the members")
    return found


def _check_owner_is_left(owners: set[UUID], member: Member, *, stays: bool) -> None:
    if not stays and owners == {member.id}:
        raise ConflictError(
            f"{member.email} is the last owner who can come in", hint="make somebody else an owner before"
        )
