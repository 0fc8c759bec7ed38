"""Webhooks: what an organization is told of, where, and what became of each telling."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tegu.domain.errors import ErrorInfo

URL_LENGTH_MAX = 2000
WEBHOOKS_MAX = 100
"""Of an organization: each event is written down once for every webhook that wants it."""


class WebhookEvent(StrEnum):
    """What a webhook can ask to be told."""

    RUN_COMPLETED = "run.completed"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    BUDGET_EXHAUSTED = "budget.exhausted"  # a run waits for one; once a day for each pipeline
    RUN_WAITING = "run.waiting"  # for a person or a signal; once for each stage of it
    REVIEW_OPENED = "review.opened"
    PIPELINE_MESSAGE = "pipeline.message"  # what a stage `webhook` sends
    CONTENT_CREATED = "content.created"
    USAGE_RECORDED = "usage.recorded"  # what a day's runs and calls of a pipeline came to, once it is over


TEST_EVENT = "webhook.test"
"""What `webhooks.test` sends, wanted or not."""


class DisabledReason(StrEnum):
    """Why a webhook is told nothing."""

    PAUSED = "paused"  # by a person
    GONE = "gone"  # the receiver answered 410
    FAILING = "failing"  # it took nothing for as long as a delivery is tried


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Webhook:
    """An address that is told of events; `pipelines` None: of those of all. Its secret is shown once, when it is made."""

    id: UUID
    url: str
    description: str
    events: tuple[WebhookEvent, ...]
    pipelines: tuple[str, ...] | None
    sends_results: bool
    created_at: datetime
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: DisabledReason | None = None
    old_secret_until: datetime | None = None
    """Until when deliveries are signed with the secret of before too."""


@dataclass(frozen=True, slots=True)
class WebhookDelivery:
    """One event for one webhook. `due_at` is when it is tried next, while it is pending; `status_code`, `answer` (its beginning)
    and `error` are of the last attempt, `body` is what is sent, once it was tried. Its id is the `webhook-id` of every attempt.
    """

    id: UUID
    webhook_id: UUID
    event: str
    status: DeliveryStatus
    attempt: int
    run_id: UUID | None
    content_id: UUID | None
    due_at: datetime | None
    status_code: int | None
    answer: str | None
    error: ErrorInfo | None
    elapsed_ms: int | None
    created_at: datetime
    attempted_at: datetime | None
    ended_at: datetime | None
    body: str | None = None
