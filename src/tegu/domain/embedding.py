"""What a page of a host application may show of Tegu: one run, or one review.

Made by `actions.embed_tokens`. Invariant: the token is in the answer to whoever makes it, and nowhere else.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


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
