"""Who may do what: the one place that decides.

Called by `action.Action` for every call of every interface. Invariant: what an actor may not see is filtered from lists and
not found by id; what it may not do is refused with what it would need.
"""

from dataclasses import dataclass

from tegu.domain.actor import ALL_ROWS, Actor, ActorKind, Permission, Rows
from tegu.domain.errors import ForbiddenError


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an action is allowed, over which rows, and if not, why."""

    is_allowed: bool
    rows: Rows = ALL_ROWS
    reason: str | None = None


OF_THE_WHOLE = frozenset(
    {
        Permission.CONTENTS_DELETE,
        Permission.ORGANIZATION_EXPORT,
        Permission.ORGANIZATION_DELETE,
        Permission.MEMBERS_WRITE,
        Permission.SETTINGS_WRITE,
        Permission.AUDIT_READ,
    }
)
"""What reaches beyond some pipelines: a key that is restricted to such has none of it, whatever its role and scopes."""


def decide(actor: Actor, permission: Permission) -> Decision:
    """What becomes of an action that needs this permission."""
    if permission is Permission.SELF and actor.kind is not ActorKind.USER:
        return Decision(is_allowed=False, reason="only a person who signed in has sessions and a profile")
    if actor.pipelines is not None and permission in OF_THE_WHOLE:
        return Decision(
            is_allowed=False, reason="the key is restricted to pipelines, and this is about all of them"
        )
    if permission in actor.permissions:
        return Decision(is_allowed=True, rows=Rows(actor.pipelines))
    if permission is Permission.OPERATE:
        return Decision(is_allowed=False, reason="only the operators of this installation may")
    if actor.scopes is not None and permission not in actor.scopes:
        return Decision(is_allowed=False, reason=f"the key has no scope {permission.value!r}")
    return Decision(
        is_allowed=False, reason=f"the role {actor.role.value!r} has no permission {permission.value!r}"
    )


def enforce(actor: Actor, action: str, permission: Permission) -> Rows:
    """The rows that the action works on. Raises ForbiddenError."""
    decision = decide(actor, permission)
    if not decision.is_allowed:
        raise ForbiddenError(
            f"{action} is not allowed: {decision.reason}",
            hint="ask an owner or admin of the organization, or use another key",
        )
    return decision.rows
