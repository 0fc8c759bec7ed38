"""Invitations: mail, list and revoke them. Whoever gets one accepts it on the page that its link opens."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import invitations
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import PageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission, Role
from tegu.domain.identity import Invitation, SentInvitation
from tegu.domain.page import Page, id_of, page_of
from tegu.storage import invitations as storage


class CreateInvitation(ActionInput):
    """Whom to invite, and as what."""

    email: Annotated[str, Field(max_length=320)]
    role: Annotated[Role, Field(description="At most your own.")]


class InvitationId(ActionInput):
    """Which invitation."""

    invitation_id: UUID


@action(
    "invitations.create",
    effect=Effect.WRITE,
    permission=Permission.MEMBERS_WRITE,
    audited=("email", "role"),
)
async def create_invitation(scope: Scope, asked: CreateInvitation) -> SentInvitation:
    """Mail somebody an invitation; one that they have not accepted yet is replaced. Its link is in the mail alone: `delivery` says
    where that went.
    """
    return await invitations.invite(scope, asked.email, asked.role)


@action("invitations.list", effect=Effect.READ, permission=Permission.MEMBERS_READ)
async def list_invitations(scope: Scope, asked: PageInput) -> Page[Invitation]:
    """List the invitations, the newest first."""
    async with scope.transaction() as connection:
        found = await storage.list_invitations(
            connection, scope.organization_id, after=id_of(asked.cursor), limit=asked.limit + 1
        )
    return page_of(found, asked.limit, lambda invitation: invitation.id)


@action(
    "invitations.revoke",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.MEMBERS_WRITE,
    key="invitation_id",
    audited=("invitation_id",),
)
async def revoke_invitation(scope: Scope, asked: InvitationId) -> Invitation:
    """Take an invitation back that nobody has accepted."""
    return await invitations.revoke(scope, asked.invitation_id)
