"""Reviews: what a run asks a person, and what was decided."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.actor import Role
from tegu.domain.evidence import EvidenceSpan
from tegu.domain.json import JsonObject

COMMENT_LENGTH_MAX = 10_000
ROLE_PREFIX = "role:"
"""Before an assignee that is no person but everybody of a role and above."""
UNDECIDED_S_MAX = 366 * 86_400.0
"""How long a review without a due time stays open."""


class ReviewStatus(StrEnum):
    """Where a review stands. All but the first are final."""

    OPEN = "open"
    APPROVED = "approved"
    REJECTED = "rejected"
    CORRECTED = "corrected"  # approved, with another value
    EXPIRED = "expired"  # nobody decided in time
    WITHDRAWN = "withdrawn"  # its run or stage ended without it


class ReviewOrder(StrEnum):
    """Which review of a list comes first."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    LEAST_SURE = (
        "confidence"  # where the confidence is unknown last; the oldest first of those that are as sure
    )
    DUE = "due_at"  # what is due first


@dataclass(frozen=True, slots=True)
class ReviewQuestion:
    """What a stage asks: `about` is the stage that made the value, None for the run's own content."""

    instructions: str
    assignee: str | None
    about: str | None
    value: JsonValue
    schema: JsonObject
    due_s: float


@dataclass(frozen=True, slots=True)
class ReviewAnswer:
    """How a review stands, for the stage that waits for it. `due_in_s` is below 0 where it is overdue."""

    id: UUID
    status: ReviewStatus
    due_in_s: float
    corrected: JsonValue = None
    comment: str | None = None
    decided_by: str | None = None


@dataclass(frozen=True, slots=True)
class Review:
    """A review in a list. `about` is the stage whose output is looked at; None: the run's content itself is. `confidence`: how sure
    that stage was when the review was opened, of what it was least sure of; None: it did not say. `input_name`: the file or subject
    that its run is about.
    """

    id: UUID
    run_id: UUID
    pipeline: str
    stage: str
    item: str
    status: ReviewStatus
    instructions: str
    assignee: str | None
    about: str | None
    confidence: float | None
    content_id: UUID | None
    thread_id: UUID | None
    input_name: str | None
    due_at: datetime | None
    comment: str | None
    decided_by: str | None
    created_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReviewDetail(Review):
    """A review with what is to be looked at: the value, what a corrected one must obey, and where in the text it comes from."""

    value: JsonValue = None
    schema: JsonObject | None = None
    corrected: JsonValue = None
    evidence: tuple[EvidenceSpan, ...] = ()


def role_of(assignee: str | None) -> Role | None:
    """The role that an assignee names; None: it is a person, or nobody."""
    if assignee is None or not assignee.startswith(ROLE_PREFIX):
        return None
    return Role(assignee.removeprefix(ROLE_PREFIX))
