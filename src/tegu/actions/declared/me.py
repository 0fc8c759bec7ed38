"""Oneself: who the service takes one for, one's own name, and what others would see."""

from dataclasses import dataclass, replace
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import views
from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.declared.inputs import GivenName
from tegu.actions.scope import Scope
from tegu.domain.actor import ActorKind, Permission, Role
from tegu.domain.identity import Identity
from tegu.storage import members, organizations


class UpdateMe(ActionInput):
    """What changes."""

    display_name: Annotated[GivenName | None, Field(description="How others see one.")] = None


class SeeAs(ActionInput):
    """Through whose eyes to look: one of these."""

    role: Annotated[Role | None, Field(description="At most your own.")] = None
    user_id: Annotated[UUID | None, Field(description="A member.")] = None
    key_id: Annotated[UUID | None, Field(description="An API key, with its scopes and pipelines.")] = None


@dataclass(frozen=True, slots=True)
class LeftView:
    """Through whose eyes one looked; null: one's own."""

    seen_as: str | None


@action("me.get", effect=Effect.READ, permission=Permission.IDENTITY)
async def get_me(scope: Scope, asked: NoInput) -> Identity:
    """Read who asks, for which organization, and what they may do."""
    del asked
    return await _me(scope)


@action("me.update", effect=Effect.WRITE, permission=Permission.SELF, is_idempotent=True)
async def update_me(scope: Scope, asked: UpdateMe) -> Identity:
    """Change one's own name; the address stays."""
    assert scope.actor.id is not None
    async with scope.transaction() as connection:
        await members.change_user(
            connection, scope.organization_id, scope.actor.id, display_name=asked.display_name
        )
    return await _me(scope)


@action(
    "me.see_as",
    effect=Effect.WRITE,
    permission=Permission.MEMBERS_WRITE,
    audited=("role", "user_id", "key_id"),
    is_idempotent=True,
)
async def see_as(scope: Scope, asked: SeeAs) -> Identity:
    """See what a role, a member or a key would, with this session, and change nothing until `me.leave_view`."""
    seen_as = await views.begin(scope, role=asked.role, user_id=asked.user_id, key_id=asked.key_id)
    return await _me(replace(scope, actor=views.through(scope.actor, seen_as)))


@action(
    "me.leave_view",
    effect=Effect.WRITE,
    permission=Permission.IDENTITY,
    is_idempotent=True,
    is_for_viewers=True,
)
async def leave_view(scope: Scope, asked: NoInput) -> LeftView:
    """See what one sees oneself again, and change things."""
    del asked
    await views.end(scope)
    return LeftView(scope.actor.seen_as)


async def _me(scope: Scope) -> Identity:
    actor, name = scope.actor, None
    async with scope.transaction() as connection:
        organization = await organizations.get_organization(connection, scope.organization_id)
        if actor.kind is ActorKind.USER and actor.id is not None:
            member = await members.find_member(connection, scope.organization_id, actor.id)
            name = None if member is None else member.display_name
    return Identity(
        kind=actor.kind,
        organization_id=actor.organization_id,
        organization_name="" if organization is None else organization.name,
        id=actor.id,
        label=actor.label,
        display_name=name,
        role=actor.role,
        permissions=tuple(sorted(actor.permissions)),
        pipelines=None if actor.pipelines is None else tuple(sorted(actor.pipelines)),
        is_operator=actor.is_operator,
        seen_as=actor.seen_as,
    )
