"""Who belongs to an organization, and what lets them in.

Made by `storage`, shown by the interfaces. Invariant: no secret is in any of these but in `NewApiKey`, which is shown once.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tegu.domain.actor import ActorKind, Permission, Role


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant."""

    id: UUID
    name: str
    external_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OwnOrganization:
    """An organization that a person is a member of, and as what."""

    id: UUID
    name: str
    role: Role
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A person in an organization. Whoever is disabled comes in by nothing, and is not forgotten."""

    id: UUID
    email: str
    display_name: str | None
    role: Role
    created_at: datetime
    seen_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A program that belongs to the organization, and to nobody in it; it comes in by its keys."""

    id: UUID
    name: str
    role: Role
    created_at: datetime
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in with a browser."""

    id: UUID
    user_id: UUID
    user_agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a member or service account, without its secret. It does what its role and its owner's role both allow,
    within `scopes` and `pipelines` where these are given. `used_at` is true to a minute.
    """

    id: UUID
    name: str
    prefix: str
    user_id: UUID
    user_label: str
    role: Role
    scopes: tuple[Permission, ...] | None
    pipelines: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None
    used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key that was made just now; `secret` is the whole of it, and is never shown again."""

    key: ApiKey
    secret: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """Somebody may become a member who shows that the address is theirs."""

    id: UUID
    email: str
    role: Role
    invited_by: UUID | None
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None
    revoked_at: datetime | None


class Delivery(StrEnum):
    """Where a mail went that tells somebody something."""

    SENT = "sent"  # to a mail server
    MAILBOX = "mailbox"  # none is set: it is shown at /auth/mailbox, on the service's own machine
    NOWHERE = "nowhere"  # none is set, and the service is reached from elsewhere: nobody sees it


@dataclass(frozen=True, slots=True)
class SentInvitation(Invitation):
    """An invitation as it was made, and whether it reaches whom it is for."""

    delivery: Delivery


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as the service sees it, and what of it they may do. `seen_as`: through whose eyes they look, and so change
    nothing; null: their own.
    """

    kind: ActorKind
    organization_id: UUID
    organization_name: str
    id: UUID | None
    label: str
    display_name: str | None
    role: Role
    permissions: tuple[Permission, ...]
    pipelines: tuple[str, ...] | None
    is_operator: bool
    seen_as: str | None = None


@dataclass(frozen=True, slots=True)
class HostUser:
    """A user of the application that Tegu is mounted into, who is known there: `organization` is the application's own id
    of their tenant, `id` its id of the user.
    """

    organization: str
    id: str
    role: Role
    email: str | None = None
    is_operator: bool = False
