"""Who acts: a person, a key, the host's own code or the operator, and what each role may do.

Made by the interfaces from what a request proves (`storage.sign_in`), read by `actions.policy` alone. Invariant: an actor
belongs to one organization; a key has at most the permissions of its role and of its scopes.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from tegu.domain.json import JsonObject


class ActorKind(StrEnum):
    """How an actor came in."""

    USER = "user"  # a person who signed in
    KEY = "key"  # a program, by an API key of a person or of a service account
    LIBRARY = "library"  # the code that embeds Tegu, and the command line on the machine itself
    HOST = "host"  # a user of the application that Tegu is mounted into
    EMBED = "embed"  # whoever looks at a page of a host application that shows one run or review


class Role(StrEnum):
    """What somebody is in an organization, from the most to the least."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"

    @property
    def rank(self) -> int:
        """0 for the least. Nobody gives a role above their own."""
        return len(Role) - 1 - list(Role).index(self)

    def at_most(self, other: "Role") -> "Role":
        """The lesser of the two."""
        return self if self.rank <= other.rank else other


class Permission(StrEnum):
    """What an action needs; also the scopes that an API key can be given."""

    CONTENTS_READ = "contents:read"
    CONTENTS_WRITE = "contents:write"
    CONTENTS_DELETE = "contents:delete"
    PIPELINES_READ = "pipelines:read"
    PIPELINES_WRITE = "pipelines:write"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    REVIEWS_READ = "reviews:read"
    REVIEWS_WRITE = "reviews:write"
    CALLS_READ = "calls:read"
    CALLS_WRITE = "calls:write"
    BUDGETS_READ = "budgets:read"
    BUDGETS_WRITE = "budgets:write"
    SCHEDULES_READ = "schedules:read"
    SCHEDULES_WRITE = "schedules:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    EMBEDS_READ = "embeds:read"
    EMBEDS_WRITE = "embeds:write"  # to make and revoke tokens for pages of host applications
    SETTINGS_READ = "settings:read"
    SETTINGS_WRITE = "settings:write"
    AUDIT_READ = "audit:read"
    ORGANIZATION_EXPORT = "organization:export"
    ORGANIZATION_DELETE = "organization:delete"
    IDENTITY = "identity"  # to know who one is: everybody's who may come in
    SELF = "self"  # one's own sessions and profile: every person's
    OPERATE = "operate"  # the whole installation; of no role: see Actor.is_operator


_VIEWER = frozenset(
    {
        Permission.CONTENTS_READ,
        Permission.PIPELINES_READ,
        Permission.RUNS_READ,
        Permission.REVIEWS_READ,
        Permission.CALLS_READ,
        Permission.BUDGETS_READ,
        Permission.SCHEDULES_READ,
        Permission.MEMBERS_READ,
        Permission.SETTINGS_READ,
        Permission.IDENTITY,
        Permission.SELF,
    }
)
_EDITOR = _VIEWER | {
    Permission.CONTENTS_WRITE,
    Permission.PIPELINES_WRITE,
    Permission.RUNS_WRITE,
    Permission.REVIEWS_WRITE,
    Permission.CALLS_WRITE,
    Permission.SCHEDULES_WRITE,
    Permission.WEBHOOKS_READ,
    Permission.EMBEDS_READ,
    Permission.EMBEDS_WRITE,
}
_OWNER = frozenset(Permission) - {Permission.OPERATE}
_ADMIN = _OWNER - {Permission.ORGANIZATION_EXPORT, Permission.ORGANIZATION_DELETE}

PERMISSIONS_OF = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _OWNER,
}


@dataclass(frozen=True, slots=True)
class Maker:
    """Who made the token with which an embedded page came in, as they were called then or are now."""

    kind: ActorKind
    id: UUID | None
    label: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who asks for actions. `id` is that of the user or key, `label` what people call them (the audit log keeps
    both). `scopes` and `pipelines` restrict a key further: None is no restriction.
    """

    organization_id: UUID
    kind: ActorKind
    role: Role
    id: UUID | None = None
    label: str = ""
    scopes: frozenset[Permission] | None = None
    pipelines: frozenset[str] | None = None
    session_id: UUID | None = None
    is_operator: bool = False
    seen_as: str | None = None
    """Through whose eyes they look, and so change nothing (`SeenAs`); None: their own."""
    reach: "Reach | None" = None
    """All that an embedded page is shown; None: whatever the rest of this allows."""
    made_by: Maker | None = None
    """Who answers for an embedded page; None: they answer for themselves."""

    @property
    def written(self) -> str:
        """What the audit log calls them. What the host of an embedded page calls whoever looks at it is nobody's word but its maker's."""
        return self.label if self.made_by is None else f"embedded page of {self.made_by.label}: {self.label}"

    @property
    def answers(self) -> tuple[ActorKind, UUID | None]:
        """Whose share is taken by what they ask for."""
        return (self.kind, self.id) if self.made_by is None else (self.made_by.kind, self.made_by.id)

    @property
    def permissions(self) -> frozenset[Permission]:
        """What this actor may do at all."""
        allowed = PERMISSIONS_OF[self.role]
        if self.scopes is not None:
            allowed &= self.scopes | {Permission.IDENTITY}
        return allowed | {Permission.OPERATE} if self.is_operator else allowed


@dataclass(frozen=True, slots=True)
class Reach:
    """What the token of an embedded page opens: a run with those that it started, their contents and versions (`invoices@2`); or a
    review, with what its run reads.
    """

    runs: frozenset[UUID]
    contents: frozenset[UUID]
    pipelines: frozenset[str] = frozenset()
    review_id: UUID | None = None

    def has(self, field: str, value: object) -> bool:
        """Whether an input of an action names something of it."""
        match field:
            case "run_id":
                return value in self.runs
            case "content_id":
                return value in self.contents
            case "pipeline":
                return value in self.pipelines
            case "review_id":
                return value is not None and value == self.review_id
            case _:
                return False


@dataclass(frozen=True, slots=True)
class SeenAs:
    """The eyes through which somebody looks who may more: what people call them, and what they are restricted to."""

    label: str
    role: Role
    scopes: frozenset[Permission] | None = None
    pipelines: frozenset[str] | None = None

    def to_json(self) -> JsonObject:
        """As it is stored."""
        return {
            "label": self.label,
            "role": self.role.value,
            "scopes": None if self.scopes is None else [str(each) for each in sorted(self.scopes)],
            "pipelines": None if self.pipelines is None else [*sorted(self.pipelines)],
        }

    @classmethod
    def from_json(cls, stored: Any) -> Self:
        """What `to_json` gave; scopes that are none any more are left out."""
        known, scopes, pipelines = set(Permission), stored["scopes"], stored["pipelines"]
        return cls(
            stored["label"],
            Role(stored["role"]),
            None if scopes is None else frozenset(Permission(each) for each in scopes if each in known),
            None if pipelines is None else frozenset(pipelines),
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows of the organization an actor sees: those of these pipelines, or all where it is None, and of these runs and
    contents. Storage makes a condition of it (`storage.visible`).
    """

    pipelines: frozenset[str] | None = None
    runs: frozenset[UUID] | None = None
    contents: frozenset[UUID] | None = None

    def has(self, pipeline: str) -> bool:
        """Whether what belongs to a pipeline of that name is seen."""
        return self.pipelines is None or pipeline in self.pipelines


ALL_ROWS = Rows()


def library_actor(organization_id: UUID) -> Actor:
    """The code that embeds Tegu: it holds the database's login, so nothing of the organization is kept from it."""
    return Actor(organization_id, ActorKind.LIBRARY, Role.OWNER, label="library", is_operator=True)
