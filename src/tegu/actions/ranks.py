"""Nobody is above themselves: what an actor may not give, and whom they may not change.

Called by the actions on members, invitations, keys and service accounts. Invariant: what somebody is given, or changed from,
is at most the role of who does it.
"""

from tegu.actions.scope import Scope
from tegu.domain.actor import Role
from tegu.domain.errors import ForbiddenError


def check_gives(scope: Scope, role: Role) -> None:
    """Raises ForbiddenError for a role above the actor's own."""
    if role.rank > scope.actor.role.rank:
        raise ForbiddenError(
            f"the role {scope.actor.role.value!r} cannot give the role {role.value!r}",
            hint=f"give {scope.actor.role.value!r} or less",
        )


def check_sees_all(scope: Scope) -> None:
    """Raises ForbiddenError for a key that is restricted to pipelines: whom it lets in would see what it does not."""
    if scope.actor.pipelines is not None:
        raise ForbiddenError(
            "a key that is restricted to pipelines lets nobody in", hint="use one without `pipelines`"
        )


def check_changes(scope: Scope, role: Role) -> None:
    """Raises ForbiddenError for somebody, or a key, with a role above the actor's own."""
    if role.rank > scope.actor.role.rank:
        raise ForbiddenError(
            f"the role {scope.actor.role.value!r} cannot change what has the role {role.value!r}",
            hint=f"ask somebody with the role {role.value!r}",
        )
