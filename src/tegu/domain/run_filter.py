"""Which runs are meant, where a list of them is asked for, and how many there are of each status."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tegu.domain.run import TriggeredBy
from tegu.domain.status import RunStatus


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Runs of which all that is given holds. `stage`: they are at it now, or failed in it. `model`: it was asked. `name`: words of
    the name of what they read. Costs are those of a run with all that it started, as far as they are known. Without `parent_id`,
    runs that other runs started are left out, unless `includes_children`. `id_prefix`: how their id begins.
    """

    status: RunStatus | None = None
    pipeline: str | None = None
    stage: str | None = None
    model: str | None = None
    name: str | None = None
    cost_above_usd: Decimal | None = None
    cost_below_usd: Decimal | None = None
    since: datetime | None = None
    until: datetime | None = None
    triggered_by: TriggeredBy | None = None
    content_id: UUID | None = None
    thread_id: UUID | None = None
    parent_id: UUID | None = None
    includes_children: bool = False
    id_prefix: str | None = None


ALL_RUNS = RunFilter()


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many runs have a status; at least so many where `is_cut_off`, for only the newest of that status were looked at."""

    status: RunStatus
    runs: int
    is_cut_off: bool
