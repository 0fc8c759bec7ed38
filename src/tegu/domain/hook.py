"""What a completion hook hears, and what is known of a delivery that has not gone well."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from tegu.domain.errors import ErrorInfo
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus

HookEvent = Literal["run.completed", "run.failed", "run.cancelled", "run.ended"]
"""`run.ended` is any of the other three."""


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run has ended. `delivery_id` is the same every time that this ending is delivered to this hook: a hook that
    remembers it does its work once. `organization` is the external id, for `tegu.for_organization`; `metadata` is
    what the run was started with.
    """

    delivery_id: str
    attempt: int
    organization: str
    run_id: UUID
    pipeline: str
    status: RunStatus
    metadata: JsonObject
    error: ErrorInfo | None
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class HookDelivery:
    """A delivery that waits, is under way, or (`failed_at`) was given up; `error` is what the hook raised last."""

    run_id: UUID
    hook: str
    attempt: int
    due_at: datetime
    error: ErrorInfo | None
    created_at: datetime
    failed_at: datetime | None
