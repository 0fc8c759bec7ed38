"""What an organization says about its own data: where it may go, how much of it is kept, and that it is to be deleted.

Read by the actions and by everything around a model call. Invariant: None is no restriction, and an empty tuple allows nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tegu.domain.retention import Retention


class StoreLlm(StrEnum):
    """What is kept of the prompts and replies of model calls. Tokens, costs and hashes always are."""

    FULL = "full"  # as long as the retention says
    UNTIL_RUN_ENDS = (
        "until_run_ends"  # what a restart needs; seconds after the run has ended nothing readable is left
    )
    HASH = "hash"  # of prompts only the hash; replies sealed, and gone when the run has ended


@dataclass(frozen=True, slots=True)
class OrganizationSettings:
    """Of one organization. `model` as written; `providers` and `regions` are those that calls may go to (`eu-*` is every region
    that begins so); `keep_*` are days, and shorten what the operator keeps.
    """

    model: str | None = None
    providers: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    store_llm: StoreLlm = StoreLlm.FULL
    keep_events_days: float | None = None
    keep_replies_days: float | None = None
    keep_runs_days: float | None = None

    def retention(self, operators: Retention) -> Retention:
        """How long things are kept of it: nothing longer than the operator keeps it."""
        if (self.keep_events_days, self.keep_replies_days, self.keep_runs_days) == (None, None, None):
            return operators
        return Retention(
            events_days=_shorter(self.keep_events_days, operators.events_days),
            replies_days=_shorter(self.keep_replies_days, operators.replies_days),
            runs_days=_shorter(self.keep_runs_days, operators.runs_days),
        )


@dataclass(frozen=True, slots=True)
class Erasure:
    """A deletion of contents, as far as it is. `erased_at`: nothing is found any more; `ended_at`: looked for once more, when
    whatever was being written at that time had ended.
    """

    id: UUID
    content_id: UUID | None
    contents: int
    runs: int
    calls: int
    size_bytes: int
    created_at: datetime
    erased_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A key that an organization brought, without the key. `host` is where alone it is sent; `last4` are its last characters."""

    id: UUID
    provider: str
    host: str
    last4: str
    region: str | None
    created_at: datetime
    rotated_at: datetime | None


def _shorter(own: float | None, operators: float | None) -> float | None:
    given = [days for days in (own, operators) if days is not None]
    return min(given) if given else None
