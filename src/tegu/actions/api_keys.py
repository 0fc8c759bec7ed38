"""API keys: made so that none can do more than who makes it.

Called by the declared actions. Invariant: role, scopes, pipelines and end of a key are at most those of its maker; the secret
is in the answer, and nowhere else.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from tegu.actions.ranks import check_changes, check_gives
from tegu.actions.scope import Scope
from tegu.actions.tokens import hash_of, new_key
from tegu.domain.actor import Actor, ActorKind, Permission, Role
from tegu.domain.errors import ConflictError, ForbiddenError, NotFoundError, UsageError
from tegu.domain.identity import ApiKey, NewApiKey
from tegu.storage import api_keys, members
from tegu.storage.transaction import Transaction

KEYS_MAX = 1000


@dataclass(frozen=True, slots=True)
class KeyWish:
    """What key somebody wants. What is None is as the maker's own."""

    name: str
    role: Role | None = None
    scopes: tuple[Permission, ...] | None = None
    pipelines: tuple[str, ...] | None = None
    days: int | None = None
    service_account_id: UUID | None = None


async def make(scope: Scope, wish: KeyWish) -> NewApiKey:
    """Make a key for oneself or a service account. Raises UsageError, ForbiddenError, NotFoundError, ConflictError."""
    async with scope.transaction() as connection:
        there = await api_keys.count_good_keys(connection, scope.organization_id)
        if there >= KEYS_MAX:
            raise ConflictError(f"there are {there} keys", hint="revoke some")
        made_by = await _maker(connection, scope)
        user_id, user_role = await _owner(connection, scope, wish, made_by)
        role = wish.role or scope.actor.role.at_most(user_role)
        check_gives(scope, role)
        prefix, secret = new_key()
        new = api_keys.NewKey(
            user_id=user_id,
            name=wish.name,
            prefix=prefix,
            key_hash=hash_of(secret),
            role=role,
            scopes=_scopes(scope.actor, wish.scopes),
            pipelines=_pipelines(scope.actor, wish.pipelines),
            expires_at=_expires_at(wish.days, made_by),
            made_by_key=None if made_by is None else made_by.id,
        )
        key_id = await api_keys.add_key(connection, scope.organization_id, new)
        key = await api_keys.find_key(connection, scope.organization_id, key_id)
    assert key is not None
    return NewApiKey(key, secret)


async def revoke(scope: Scope, key_id: UUID) -> ApiKey:
    """Revoke a key, and those that it made. Raises NotFoundError, ForbiddenError."""
    async with scope.transaction() as connection:
        found = await api_keys.find_key(connection, scope.organization_id, key_id)
        if found is None:
            raise NotFoundError(f"there is no key {key_id}", hint="list the keys")
        check_changes(scope, found.role)
        await api_keys.revoke_key(connection, scope.organization_id, key_id)
        revoked = await api_keys.find_key(connection, scope.organization_id, key_id)
    assert revoked is not None
    return revoked


async def _maker(connection: Transaction, scope: Scope) -> ApiKey | None:
    """The key that makes this one, where one does."""
    if scope.actor.kind is not ActorKind.KEY or scope.actor.id is None:
        return None
    return await api_keys.find_key(connection, scope.organization_id, scope.actor.id)


async def _owner(
    connection: Transaction, scope: Scope, wish: KeyWish, made_by: ApiKey | None
) -> tuple[UUID, Role]:
    """Whose the key will be, and what they are."""
    if wish.service_account_id is not None:
        account = await members.find_account(connection, scope.organization_id, wish.service_account_id)
        if account is None:
            raise NotFoundError(
                f"there is no service account {wish.service_account_id}", hint="list the service accounts"
            )
        return account.id, account.role
    if made_by is not None:
        return made_by.user_id, made_by.role
    if scope.actor.kind is ActorKind.USER and scope.actor.id is not None:
        member = await members.find_member(connection, scope.organization_id, scope.actor.id)
        if member is not None:
            return member.id, member.role
    raise UsageError(
        "nobody would own the key", hint="name a service account: `service_accounts.create` makes one"
    )


def _scopes(actor: Actor, wanted: tuple[Permission, ...] | None) -> tuple[Permission, ...] | None:
    if wanted is None:
        return None if actor.scopes is None else tuple(sorted(actor.scopes))
    beyond = sorted(set(wanted) - actor.permissions)
    if beyond:
        raise ForbiddenError(
            f"the scope {beyond[0].value!r} is not yours to give",
            hint="a key does at most what its maker may",
        )
    return tuple(sorted(set(wanted)))


def _pipelines(actor: Actor, wanted: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if wanted is None:
        return None if actor.pipelines is None else tuple(sorted(actor.pipelines))
    beyond = sorted(set(wanted) - actor.pipelines) if actor.pipelines is not None else []
    if beyond:
        raise ForbiddenError(
            f"the pipeline {beyond[0]!r} is not yours to give", hint="a key does at most what its maker may"
        )
    return tuple(sorted(set(wanted)))


def _expires_at(days: int | None, made_by: ApiKey | None) -> datetime | None:
    wanted = None if days is None else datetime.now(UTC) + timedelta(days=days)
    end = None if made_by is None else made_by.expires_at
    return min((at for at in (wanted, end) if at is not None), default=None)
