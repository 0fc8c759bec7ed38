"""The first member of an organization: made once, by whoever starts the service, who gets a link to come in.

Called by `tegu serve` and `tegu sign-in`. Invariant: an organization that has a member gets none this way.
"""

from tegu.actions.scope import Scope
from tegu.actions.sign_in import make_link
from tegu.domain.actor import Role
from tegu.domain.email_address import checked_email
from tegu.storage import audit, members


async def first_link(scope: Scope) -> str | None:
    """Make TEGU_OWNER the owner of an organization that has no member, and a link that signs them in. None: it has one."""
    email = checked_email(scope.machinery.settings.sign_in.owner)
    async with scope.transaction() as connection:
        if await members.count_users(connection, scope.organization_id, members.PERSON):
            return None
        member = await members.add_member(connection, scope.organization_id, email, Role.OWNER)
        await audit.note(connection, scope.actor, "members.create", {"user_id": str(member.id)})
    return await make_link(scope.machinery, email)
