"""Seeing what somebody else would: a role, a member, or a key, through the one policy, and changing nothing meanwhile.

Called by the declared actions, which begin and end it, and by whoever finds out who has a session. Invariants: whoever looks
through other eyes sees at most what they see by their own; they stay who they are, so that the audit log never names another.
"""

from dataclasses import replace
from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.actor import Actor, Role, SeenAs
from tegu.domain.errors import ConflictError, ForbiddenError, NotFoundError, UsageError
from tegu.domain.identity import ApiKey
from tegu.storage import api_keys, members, sessions
from tegu.storage.transaction import Transaction


def through(actor: Actor, seen_as: SeenAs | None) -> Actor:
    """The actor who looks with these eyes; None are their own."""
    if seen_as is None:
        return actor
    return replace(
        actor,
        role=actor.role.at_most(seen_as.role),
        scopes=seen_as.scopes,
        pipelines=seen_as.pipelines,
        is_operator=False,
        seen_as=seen_as.label,
    )


async def begin(
    scope: Scope, *, role: Role | None = None, user_id: UUID | None = None, key_id: UUID | None = None
) -> SeenAs:
    """See what one of these would, until `end`. Raises UsageError, NotFoundError, ForbiddenError, ConflictError."""
    if sum(each is not None for each in (role, user_id, key_id)) != 1:
        raise UsageError("say one of `role`, `user_id` and `key_id`", hint="such as `role: viewer`")
    if scope.actor.session_id is None:
        raise ForbiddenError(
            "only who signed in sees what others would", hint="make a key with less: `keys.create`"
        )
    async with scope.transaction() as connection:
        seen_as = await _eyes(connection, scope, role, user_id, key_id)
        if seen_as.role.rank > scope.actor.role.rank:
            raise ForbiddenError(
                f"the role {scope.actor.role.value!r} does not see what {seen_as.role.value!r} does",
                hint=f"choose {scope.actor.role.value!r} or less",
            )
        await sessions.see_as(connection, scope.organization_id, scope.actor.session_id, seen_as)
    return seen_as


async def end(scope: Scope) -> None:
    """See what one sees oneself again."""
    if scope.actor.session_id is None:
        raise ForbiddenError("only who signed in sees what others would")
    async with scope.transaction() as connection:
        await sessions.see_as(connection, scope.organization_id, scope.actor.session_id, None)


async def _eyes(
    connection: Transaction, scope: Scope, role: Role | None, user_id: UUID | None, key_id: UUID | None
) -> SeenAs:
    if role is not None:
        return SeenAs(role.value, role)
    if user_id is not None:
        member = await members.find_member(connection, scope.organization_id, user_id)
        if member is None:
            raise NotFoundError(f"there is no member {user_id}", hint="list the members")
        _check_comes_in(member.email, is_out=member.disabled_at is not None)
        return SeenAs(f"{member.email} ({member.role.value})", member.role)
    assert key_id is not None
    key = await api_keys.find_key(connection, scope.organization_id, key_id)
    if key is None:
        raise NotFoundError(f"there is no key {key_id}", hint="list the keys")
    _check_comes_in(f"the key {key.name!r}", is_out=key.revoked_at is not None)
    return await _eyes_of_key(connection, scope, key)


async def _eyes_of_key(connection: Transaction, scope: Scope, key: ApiKey) -> SeenAs:
    """A key does what its own role and its owner's both allow."""
    member = await members.find_member(connection, scope.organization_id, key.user_id)
    owner = member or await members.find_account(connection, scope.organization_id, key.user_id)
    return SeenAs(
        f"the key {key.name}",
        key.role if owner is None else key.role.at_most(owner.role),
        None if key.scopes is None else frozenset(key.scopes),
        None if key.pipelines is None else frozenset(key.pipelines),
    )


def _check_comes_in(name: str, *, is_out: bool) -> None:
    if is_out:
        raise ConflictError(f"{name} comes in no more, and so sees nothing", hint="choose another")
