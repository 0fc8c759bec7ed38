"""What a page of a host application may show of Tegu: one run, or one review.

Made by `actions.embed_tokens`. Invariant: the token is in the answer to whoever makes it, and nowhere else.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tegu.domain.actor import ActorKind, Role


class Embedded(StrEnum):
    """What whoever has the token may do."""

    READ = "read"
    DECIDE = "decide"  # a review: approve, reject or correct it


@dataclass(frozen=True, slots=True)
class EmbedToken:
    """What opens one run and those that it started, or one review, in a page of another application until `expires_at`."""

    id: UUID
    token: str
    label: str
    run_id: UUID | None
    review_id: UUID | None
    may: Embedded
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class GoodEmbedToken:
    """One that is good still, without the token itself. `made_by` is the user or key with which it ends, and `role` the most that it may."""

    id: UUID
    label: str
    run_id: UUID | None
    review_id: UUID | None
    may: Embedded
    role: Role
    made_by_kind: ActorKind
    made_by: UUID | None
    created_at: datetime
    expires_at: datetime
