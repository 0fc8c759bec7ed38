"""Invitations: mailed to whom they are for, and told to nobody else.

Called by the declared actions; accepting is signing in (`sign_in`). Invariant: whoever invites never sees the link, which
would let them come in as the other, here and wherever else that address is a member.
"""

from dataclasses import fields
from uuid import UUID

from tegu.actions import throttle
from tegu.actions.ranks import check_changes, check_gives, check_lets_in
from tegu.actions.scope import Scope
from tegu.actions.sign_in_mails import invitation_mail
from tegu.actions.tokens import hash_of, new_token
from tegu.domain.actor import ActorKind, Role
from tegu.domain.email_address import checked_email
from tegu.domain.errors import ConflictError, NotFoundError
from tegu.domain.identity import Delivery, Invitation, SentInvitation
from tegu.storage import api_keys, invitations, members
from tegu.storage.organizations import get_organization
from tegu.storage.transaction import Transaction

INVITATION_S = 7 * 86_400.0
OPEN_MAX = 500


async def invite(scope: Scope, written: str, role: Role) -> SentInvitation:
    """Mail an invitation, and say whether that reaches anybody. Raises UsageError, ForbiddenError, ConflictError, QuotaError."""
    email, token = checked_email(written), new_token()
    check_lets_in(scope, role)
    check_gives(scope, role)
    database = scope.machinery.database
    await throttle.count(database, throttle.INVITATIONS_A_DAY, str(scope.organization_id))
    async with scope.transaction() as connection:
        if await members.has_email(connection, scope.organization_id, email):
            raise ConflictError(f"{email} is a member already", hint="change their role instead")
        replaced = await invitations.open_to(connection, scope.organization_id, email)
        if replaced is not None:
            check_changes(scope, replaced)
        there = await invitations.count_open(connection, scope.organization_id)
        if there >= OPEN_MAX:
            raise ConflictError(f"{there} invitations are open", hint="revoke some")
        new = invitations.NewInvitation(
            email, role, hash_of(token), await _inviter(connection, scope), INVITATION_S
        )
        made = await invitations.add_invitation(connection, scope.organization_id, new)
        organization = await get_organization(connection, scope.organization_id)
    assert organization is not None
    url, by = scope.machinery.settings.sign_in.url, scope.actor.label or "Somebody"
    scope.machinery.outbox.post(invitation_mail(url, email, token, organization.name, by, INVITATION_S))
    return SentInvitation(
        **{each.name: getattr(made, each.name) for each in fields(made)}, delivery=_delivery(scope)
    )


def _delivery(scope: Scope) -> Delivery:
    if scope.machinery.outbox.kept is None:
        return Delivery.SENT
    return Delivery.MAILBOX if scope.machinery.settings.sign_in.is_local else Delivery.NOWHERE


async def revoke(scope: Scope, invitation_id: UUID) -> Invitation:
    """Take one back. Raises NotFoundError."""
    async with scope.transaction() as connection:
        revoked = await invitations.revoke(connection, scope.organization_id, invitation_id)
        if revoked is None:
            raise NotFoundError(f"there is no open invitation {invitation_id}", hint="list the invitations")
        check_changes(scope, revoked.role)
    return revoked


async def _inviter(connection: Transaction, scope: Scope) -> UUID | None:
    """The user who invites, also by a key."""
    if scope.actor.kind is ActorKind.KEY and scope.actor.id is not None:
        key = await api_keys.find_key(connection, scope.organization_id, scope.actor.id)
        return None if key is None else key.user_id
    return scope.actor.id
