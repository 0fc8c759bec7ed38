"""Backfills: a pipeline's newer version over what earlier runs were over, only what changed being done anew.

Invariant: what is said of a backfill before it runs is kept beside what it came to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue, computed_field

from tegu.domain.forecast import Forecast, Total
from tegu.domain.json import JsonObject


class BackfillStatus(StrEnum):
    """Where a backfill stands."""

    RUNNING = "running"  # workers start its runs, so many at a time
    PAUSED = "paused"  # no more are started; those that were go on
    COMPLETED = "completed"  # all that was wanted has ended; more may be wanted later
    CANCELLED = "cancelled"  # somebody ended it, and the runs that were under way


class StageOutlook(StrEnum):
    """What becomes of a stage of the earlier runs."""

    REUSED = "reused"  # nothing that its output depends on is another
    CHANGED = "changed"  # it is done anew
    MAY_CHANGE = "may_change"  # it is done anew where a stage before it puts out something else
    ACTS = "acts"  # it sends, asks or waits again, itself or in the runs that it starts: that is never reused
    NEW = "new"  # the earlier runs have no such stage


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage of the version. `changed` is the part of the runs in which it is done anew for certain; `why` names what differs
    (`instructions`, `model`), the stages before it that do, or what of a nested pipeline acts (`book`).
    """

    stage: str
    outlook: StageOutlook
    why: tuple[str, ...]
    changed: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What was forecast of one step of an earlier backfill, and what it came to. None: it was not known."""

    runs: int
    calls_forecast: float | None
    calls: int
    cost_usd_forecast: float | None
    cost_usd: Decimal | None


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What a backfill would do. `runs` are those that it would start now, of `targets` that it is over; `results` are those of the
    earlier runs that they may change. `current` counts earlier runs that are of this version and model already, and are left out.
    `continues` is the backfill that it would go on with.
    """

    pipeline: str
    version: int
    versions: Mapping[str, int]
    """Of the earlier runs: how many, by number of the version."""
    targets: int
    current: int
    runs: int
    results: int
    stages: tuple[PlannedStage, ...]
    forecast: Forecast
    is_from_sample: bool
    """Whether the forecast is from runs of this backfill, and so knows what is reused in fact."""
    seed: int
    continues: UUID | None
    accuracy: tuple[Accuracy, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One time that runs were asked for: the targets up to `upto`, what was forecast of them, and what they came to, once over."""

    at: datetime
    after: int
    upto: int
    calls_forecast: Total | None
    cost_usd_forecast: Total | None
    calls: int | None = None
    cost_usd: Decimal | None = None
    unknown_costs: int = 0


@dataclass(frozen=True, slots=True)
class BackfillProgress:
    """Its runs by status, and their calls, added up. `waits_for_budget` are those that cannot go on until it is raised."""

    runs: Mapping[str, int]
    waits_for_budget: int
    calls: int
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    unknown_costs: int

    @computed_field
    @property
    def ended(self) -> int:
        """How many runs have ended."""
        return sum(self.runs.get(status, 0) for status in ("completed", "failed", "cancelled"))


@dataclass(frozen=True, slots=True)
class Backfill:
    """See the module. Of its `targets` the first `wanted` are to be run, and `started` were looked at: `gone` of these have nothing to
    run over any more.
    """

    id: UUID
    pipeline: str
    version: int
    status: BackfillStatus
    model: str | None
    filter: JsonObject
    seed: int
    targets: int
    wanted: int
    started: int
    budget_usd: Decimal | None
    priority: int
    note: str | None
    created_at: datetime
    ended_at: datetime | None
    steps: tuple[Step, ...] = ()
    gone: int = 0
    progress: BackfillProgress | None = None

    @computed_field
    @property
    def waits_for(self) -> str | None:
        """`budget`, while its runs wait for a higher one; what keeps runs from being started."""
        if self.status is BackfillStatus.RUNNING and self.progress and self.progress.waits_for_budget:
            return "budget"
        return self.note


@dataclass(frozen=True, slots=True)
class FieldExample:
    """One field of one result, before and after."""

    run_id: UUID
    base_run_id: UUID
    before: JsonValue
    after: JsonValue


@dataclass(frozen=True, slots=True)
class FieldReport:
    """A field of a stage's results (`/amounts/*`), over all runs that were looked at: unchanged, changed, there now and not before,
    there before and not now.
    """

    stage: str
    path: str
    same: int
    changed: int
    filled: int
    lost: int
    examples: tuple[FieldExample, ...]


@dataclass(frozen=True, slots=True)
class StageReport:
    """What became of a stage, in the runs that have ended."""

    stage: str
    reused: int
    recomputed: int
    skipped: int
    failed: int


@dataclass(frozen=True, slots=True)
class BackfillReport:
    """What a backfill has changed so far, from `runs` of its runs that completed, `of` so many."""

    backfill: Backfill
    runs: int
    of: int
    stages: tuple[StageReport, ...]
    fields: tuple[FieldReport, ...]
