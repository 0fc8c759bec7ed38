"""Who may do what: the one place that decides.

Called by `action.Action` for every call of every interface. Invariant: what an actor may not see is filtered from lists and
not found by id; what it may not do is refused with what it would need.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tegu.domain.actor import ALL_ROWS, Actor, ActorKind, Permission, Rows
from tegu.domain.errors import ForbiddenError, NotFoundError


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


EMBEDDED: Mapping[str, str | None] = MappingProxyType(
    {
        "runs.get": "run_id",
        "runs.source": "run_id",
        "contents.text": "content_id",
        "contents.page": "content_id",
        "pipelines.get": "pipeline",
        "reviews.get": "review_id",
        "reviews.approve": "review_id",
        "reviews.reject": "review_id",
        "reviews.correct": "review_id",
        "me.get": None,
        "events.follow": None,  # which looks at the runs itself: `live`
    }
)
"""All that an embedded page may ask for, and the input that has to name something that its token opens (`Actor.reach`)."""


_READS = frozenset(each for each in Permission if each.value.endswith(":read")) | {
    Permission.IDENTITY,
    Permission.SELF,
}


def decide(actor: Actor, permission: Permission, *, changes: bool = False) -> Decision:
    """What becomes of an action that needs this permission, and that `changes` something."""
    if actor.seen_as is not None and (changes or permission not in _READS):
        return Decision(is_allowed=False, reason=f"what is seen as {actor.seen_as} is only looked at")
    if permission is Permission.SELF and actor.kind is not ActorKind.USER:
        return Decision(is_allowed=False, reason="only a person who signed in has sessions and a profile")
    if actor.pipelines is not None and permission in OF_THE_WHOLE:
        return Decision(
            is_allowed=False, reason="the key is restricted to pipelines, and this is about all of them"
        )
    if permission in actor.permissions:
        reach = actor.reach
        narrowed = Rows(actor.pipelines) if reach is None else Rows(None, reach.runs, reach.contents)
        return Decision(is_allowed=True, rows=narrowed)
    if permission is Permission.OPERATE:
        return Decision(is_allowed=False, reason="only the operators of this installation may")
    if actor.scopes is not None and permission not in actor.scopes:
        return Decision(is_allowed=False, reason=f"the key has no scope {permission.value!r}")
    return Decision(
        is_allowed=False, reason=f"the role {actor.role.value!r} has no permission {permission.value!r}"
    )


def enforce(actor: Actor, action: str, permission: Permission, *, changes: bool = False) -> Rows:
    """The rows that the action works on. Raises ForbiddenError."""
    if actor.reach is not None and action not in EMBEDDED:
        raise ForbiddenError(
            f"{action} is not allowed: the token of an embedded page opens one run or review, and nothing else",
            hint="programs use an API key",
        )
    decision = decide(actor, permission, changes=changes)
    if not decision.is_allowed:
        others = "ask an owner or admin of the organization, or use another key"
        raise ForbiddenError(
            f"{action} is not allowed: {decision.reason}",
            hint=others if actor.seen_as is None else "leave that view first: `me.leave_view`",
        )
    return decision.rows


def check_reach(actor: Actor, action: str, asked: object) -> None:
    """Raises NotFoundError where an embedded page asks for what its token does not open, whether or not there is such a thing."""
    field = EMBEDDED.get(action)
    if actor.reach is None or field is None:
        return
    value = getattr(asked, field)
    if not actor.reach.has(field, value):
        noun = field.removesuffix("_id")
        raise NotFoundError(f"there is no {noun} {value}", hint="the token opens one run or review alone")
