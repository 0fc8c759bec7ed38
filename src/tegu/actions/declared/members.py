"""Members: list them, change what they are, remove them. They come by invitation."""

from uuid import UUID

from tegu.actions import members
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import PageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission, Role
from tegu.domain.identity import Member
from tegu.domain.page import Page, id_of, page_of
from tegu.storage import members as storage


class MemberId(ActionInput):
    """Which member."""

    user_id: UUID


class UpdateMember(MemberId):
    """What changes; what is left out stays."""

    role: Role | None = None
    is_disabled: bool | None = None


@action("members.list", effect=Effect.READ, permission=Permission.MEMBERS_READ)
async def list_members(scope: Scope, asked: PageInput) -> Page[Member]:
    """List the members, the oldest first."""
    async with scope.transaction() as connection:
        found = await storage.list_members(
            connection, scope.organization_id, after=id_of(asked.cursor), limit=asked.limit + 1
        )
    return page_of(found, asked.limit, lambda member: member.id)


@action("members.get", effect=Effect.READ, permission=Permission.MEMBERS_READ, key="user_id")
async def get_member(scope: Scope, asked: MemberId) -> Member:
    """Read who a member is."""
    return await members.get_member(scope, asked.user_id)


@action(
    "members.update",
    effect=Effect.WRITE,
    permission=Permission.MEMBERS_WRITE,
    key="user_id",
    audited=("user_id", "role", "is_disabled"),
    is_idempotent=True,
)
async def update_member(scope: Scope, asked: UpdateMember) -> Member:
    """Give a member another role, at most one's own; or let them come in no more, or again. An owner must be left."""
    return await members.update_member(scope, asked.user_id, role=asked.role, is_disabled=asked.is_disabled)


@action(
    "members.remove",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.MEMBERS_WRITE,
    key="user_id",
    audited=("user_id",),
)
async def remove_member(scope: Scope, asked: MemberId) -> Member:
    """Remove a member: sessions and keys end at once. What they started and stored stays. An owner must be left."""
    return await members.remove_member(scope, asked.user_id)
