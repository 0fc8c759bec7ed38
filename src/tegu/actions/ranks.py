"""Nobody is above themselves: what an actor may not give, and whom they may not change.

Called by the actions on members, invitations, keys and service accounts. Invariant: what somebody is given, or changed from,
is at most the role of who does it.
"""

from tegu.actions.scope import Scope
from tegu.domain.actor import PERMISSIONS_OF, Role
from tegu.domain.errors import ForbiddenError


def check_gives(scope: Scope, role: Role) -> None:
    """Raises ForbiddenError for a role above the actor's own."""
    if role.rank > scope.actor.role.rank:
        raise ForbiddenError(
            f"the role {scope.actor.role.value!r} cannot give the role {role.value!r}",
            hint=f"give {scope.actor.role.value!r} or less",
        )


def check_lets_in(scope: Scope, role: Role) -> None:
    """Raises ForbiddenError for a key that is restricted, to pipelines or scopes, where whom it lets in would not be."""
    if scope.actor.pipelines is not None:
        raise ForbiddenError(
            "a key that is restricted to pipelines lets nobody in", hint="use one without `pipelines`"
        )
    if scope.actor.scopes is not None and not PERMISSIONS_OF[role] <= scope.actor.permissions:
        raise ForbiddenError(
            f"a key with some scopes lets nobody in who may more than it: the role {role.value!r} does",
            hint="use a key without `scopes`, or sign in",
        )


def check_changes(scope: Scope, role: Role) -> None:
    """Raises ForbiddenError for somebody, or a key, with a role above the actor's own."""
    if role.rank > scope.actor.role.rank:
        raise ForbiddenError(
            f"the role {scope.actor.role.value!r} cannot change what has the role {role.value!r}",
            hint=f"ask somebody with the role {role.value!r}",
        )
