"""Runs and what they leave: stage runs, results, events. What is shown to people and programs."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue, computed_field

from tegu.domain.call import Fallback
from tegu.domain.errors import ErrorInfo, NotFoundError
from tegu.domain.evidence import EvidenceSpan
from tegu.domain.json import JsonObject, json_hash
from tegu.domain.outcome import Confidence
from tegu.domain.status import RunStatus, StageStatus
from tegu.domain.versions import version_label
from tegu.domain.worker import waiting_reason

_DIGITS = 20
"""Of a result's digest: enough that no two of a run's meet."""


class TriggeredBy(StrEnum):
    """Who or what started a run."""

    USER = "user"
    KEY = "key"
    SCHEDULE = "schedule"
    MAIL = "mail"
    LIBRARY = "library"


@dataclass(frozen=True, slots=True)
class StageRun:
    """One stage of a run. `attempt` counts the attempts that began; `output` is final once there."""

    stage: str
    status: StageStatus
    attempt: int
    model: str | None
    output: JsonValue
    error: ErrorInfo | None
    started_at: datetime | None
    ended_at: datetime | None
    fallbacks: tuple[Fallback, ...] = ()
    """Why other models than the first were asked, once it is completed."""
    reused_from: UUID | None = None
    """The run that its output was made in, where that is another one: nothing was asked for it here."""
    fingerprint: str | None = None
    """What its output depends on, a component each: JSON text."""

    @computed_field
    @property
    def elapsed_s(self) -> float | None:
        """Seconds of the last attempt, when it ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return (self.ended_at - self.started_at).total_seconds()


@dataclass(frozen=True, slots=True)
class Result:
    """One typed, validated output, with where it comes from. No two of a run have the same stage, item, type and key."""

    run_id: UUID
    stage: str
    type: str
    key: str
    data: JsonValue
    confidence: Confidence | None
    evidence: tuple[EvidenceSpan, ...]
    llm_call_id: UUID | None
    created_at: datetime
    item: str = ""

    @computed_field
    @property
    def id(self) -> str:
        """Its name, the same whenever it is read: the run's id, a dot, and what tells it from the run's others."""
        return f"{self.run_id}.{json_hash([self.stage, self.item, self.type, self.key])[:_DIGITS]}"


def run_of_result(result_id: str) -> UUID:
    """The run that a result is of. Raises NotFoundError for what names no result."""
    run_id, _, rest = result_id.partition(".")
    try:
        return UUID(run_id if len(rest) == _DIGITS else "")
    except ValueError:
        raise NotFoundError(
            f"{result_id[:80]!r} names no result", hint="`id` of a result that was listed"
        ) from None


@dataclass(frozen=True, slots=True)
class StageTimes:
    """When a stage began for the first time, and what time it is now, both by the same clock."""

    began_at: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class StageOfRun:
    """A stage run, with the run and the pipeline that it is of."""

    run_id: UUID
    pipeline: str
    stage_run: StageRun
    item: str = ""


@dataclass(frozen=True, slots=True)
class CallTotals:
    """The calls of a run, added up. `cost_usd` covers the calls whose cost is known; `unknown_costs` counts the rest."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    unknown_costs: int = 0


@dataclass(frozen=True, slots=True)
class ChildGroup:
    """The runs that a stage started, counted by status, and when it started the first. Of a mapped stage they are slices, and
    `items` are what it maps over.
    """

    stage: str
    pipeline: str
    runs: dict[RunStatus, int]
    began_at: datetime | None = None
    items: int | None = None
    items_ended: int | None = None
    items_failed: int | None = None
    items_skipped: int | None = None

    @computed_field
    @property
    def progress(self) -> str:
        """`4,120 of 10,000 items, 3 failed`; of runs that are no slices `2 of 5 runs`."""
        ended = sum(count for status, count in self.runs.items() if status.is_terminal)
        done, of, what = (
            (ended, sum(self.runs.values()), "runs")
            if self.items is None
            else (self.items_ended or 0, self.items, "items")
        )
        parts = [f"{done:,} of {of:,} {what if of != 1 else what.removesuffix('s')}"]
        if self.items is not None:
            parts += [f"{count:,} {word}" for word, count in self._amiss() if count]
        return ", ".join(parts)

    def _amiss(self) -> tuple[tuple[str, int | None], ...]:
        return (("failed", self.items_failed), ("skipped", self.items_skipped))


@dataclass(frozen=True, slots=True)
class Run:
    """One pipeline version applied to one content or one mail thread. `stages` holds those that were reached; `input_name`
    is the content's name or the thread's subject.
    """

    id: UUID
    organization_id: UUID
    pipeline: str
    version: int
    status: RunStatus
    content_id: UUID | None
    thread_id: UUID | None
    input_name: str | None
    model: str | None
    triggered_by: TriggeredBy
    metadata: JsonObject
    error: ErrorInfo | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    cancel_requested_at: datetime | None = None
    waits_for: tuple[str, ...] = ()
    """Python stages that no living worker has (`refund@1`), or none together, while the run waits for one that does."""
    held_by: str | None = None
    """What holds it back although it is due: `pipeline invoices is paused`."""
    priority: int = 0
    scheduled_at: datetime | None = None
    """When it is to start, while that is to come."""
    erased_at: datetime | None = None
    """When what it read was deleted: outputs, results and errors went too, and only what it did and cost is left."""
    forked_from: UUID | None = None
    """The run that it goes on from, at `fork_stage`."""
    fork_stage: str | None = None
    reuse_from: UUID | None = None
    """The run whose outputs it takes where nothing has changed that they depend on."""
    edits: JsonObject | None = None
    """What was changed when it was forked, and by whom."""
    forks: tuple[UUID, ...] = ()
    """Runs that go on from it, the newest first."""
    version_is_draft: bool = False
    """Whether nobody has published the version; then `version` is below 0, and `version_edit_of` that which it is an edit of."""
    version_edit_of: int | None = None
    parent_id: UUID | None = None
    """The run of which a stage started this one; `parent_stage` is that stage."""
    parent_stage: str | None = None
    children: tuple[ChildGroup, ...] = ()
    """What its stages started: nested pipelines, iterations, slices of maps. Their calls are in its totals."""
    stages: tuple[StageRun, ...] = ()
    results: tuple[Result, ...] = ()
    totals: CallTotals = CallTotals()

    @computed_field
    @property
    def waiting_reason(self) -> str | None:
        """`pipeline invoices is paused` or `no worker has refund@1`, while that is so."""
        if self.held_by is not None:
            return self.held_by
        return waiting_reason(self.waits_for) if self.waits_for else None

    @computed_field
    @property
    def version_label(self) -> str:
        """What people call the version: `v2`, `v1, edited`."""
        return version_label(self.version, is_draft=self.version_is_draft, edit_of=self.version_edit_of)

    @computed_field
    @property
    def current_stages(self) -> tuple[str, ...]:
        """The stages under way or waiting for another attempt."""
        busy = {StageStatus.RUNNING, StageStatus.WAITING}
        return tuple(stage.stage for stage in self.stages if stage.status in busy)

    @property
    def stage_outputs(self) -> dict[str, JsonValue]:
        """Outputs of the completed stages, by name."""
        return {s.stage: s.output for s in self.stages if s.status is StageStatus.COMPLETED}


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened in a run; `seq` counts from 1 without gaps."""

    run_id: UUID
    seq: int
    kind: str
    stage: str | None
    data: JsonValue
    at: datetime
