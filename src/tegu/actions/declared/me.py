"""Oneself: who the service takes one for, and one's own name."""

from typing import Annotated

from pydantic import Field

from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.scope import Scope
from tegu.domain.actor import ActorKind, Permission
from tegu.domain.identity import Identity
from tegu.storage import members, organizations


class UpdateMe(ActionInput):
    """What changes."""

    display_name: Annotated[str | None, Field(max_length=200, description="How others see one.")] = None


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
    )
