"""A run's checkpoints, kept in memory: what the database would hold of it, and the Run that people get.

Called by `running`. Invariant: it stores what the driver says, as the checkpoint statement does, and decides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.errors import ErrorInfo
from tegu.domain.evidence import EvidenceSpan
from tegu.domain.outcome import Confidence, ConfidenceMethod
from tegu.domain.run import Result, Run, RunEvent, StageRun
from tegu.domain.status import RunStatus, StageStatus
from tegu.egress.request import EgressRequest
from tegu.pipeline.slices import split_name
from tegu.storage.checkpoints import ResultWrite, RunWrite, StageWrite
from tegu.storage.claims import StageState
from tegu.testing.memory import AskedCall, totals_of
from tegu.testing.outside import SentMessage


@dataclass(frozen=True, slots=True)
class MemoryRun(Run):
    """A Run as the real engine returns it, with what a test may also want to see."""

    calls: tuple[AskedCall, ...] = ()
    """Every attempt to ask a model, in order."""
    events: tuple[RunEvent, ...] = ()
    """What happened, in order."""
    messages: tuple[SentMessage, ...] = ()
    """What its stages `webhook` sent."""
    requests: tuple[EgressRequest, ...] = ()
    """What its stages `http` asked."""


@dataclass(slots=True)
class Checkpointed:
    """What is stored of one run. `run` is how it began."""

    run: Run
    status: RunStatus = RunStatus.PENDING
    error: ErrorInfo | None = None
    ended_at: datetime | None = None
    stages: dict[str, StageRun] = field(default_factory=dict[str, StageRun])
    states: dict[str, StageState] = field(default_factory=dict[str, StageState])
    results: list[Result] = field(default_factory=list[Result])
    events: list[RunEvent] = field(default_factory=list[RunEvent])
    rev: int = 0

    def store(self, write: RunWrite) -> None:
        """Apply one checkpoint."""
        at = datetime.now(UTC)
        self.rev += 1
        self.status = write.status
        self.error = self.error or _error(write.error)
        self.ended_at = at if write.status.is_terminal else None
        for stage in write.stages:
            self._store_stage(stage, at)
        self.results += [_result(self.run, result, at) for result in write.results]
        for event in write.events:
            data = from_json(event.data) if event.data is not None else None
            self.events.append(RunEvent(self.run.id, len(self.events) + 1, event.kind, event.stage, data, at))

    def finished(self, order: Mapping[str, int], calls: list[AskedCall]) -> MemoryRun:
        """The run with its stages and results in the order of the stages, and totals."""
        results = sorted(self.results, key=lambda r: (r.created_at, r.stage, r.type, r.key))
        found = replace(
            self.run,
            status=self.status,
            error=self.error,
            ended_at=self.ended_at,
            stages=tuple(self.stages.get(name) or _pending(name) for name in order),
            results=tuple(sorted(results, key=lambda r: order.get(r.stage, len(order)))),
            totals=totals_of(calls),
        )
        fields = {name: getattr(found, name) for name in Run.__dataclass_fields__}
        return MemoryRun(**fields, calls=tuple(calls), events=tuple(self.events))

    def _store_stage(self, write: StageWrite, at: datetime) -> None:
        before = self.stages.get(write.stage) or _pending(write.stage)
        output: JsonValue = from_json(write.output) if write.output is not None else None
        self.stages[write.stage] = StageRun(
            stage=write.stage,
            status=write.status,
            attempt=write.attempt,
            model=write.model or before.model,
            output=output,
            error=_error(write.error),
            started_at=at if write.status is StageStatus.RUNNING else before.started_at,
            ended_at=at if write.status.is_terminal else None,
        )
        known = self.states.get(write.stage, StageState(write.status))
        self.states[write.stage] = StageState(
            status=write.status,
            attempt=write.attempt,
            failures=write.failures,
            crashes=write.crashes,
            generation=write.generation,
            output=output,
            failure=_error(write.error) if write.status is StageStatus.FAILED else None,
            deadline_in_s=write.deadline_in_s if known.deadline_in_s is None else known.deadline_in_s,
            arrived=write.arrived if known.arrived is None else known.arrived,
        )


def _pending(name: str) -> StageRun:
    return StageRun(name, StageStatus.PENDING, 0, None, None, None, None, None)


def _error(text: str | None) -> ErrorInfo | None:
    return ErrorInfo.from_json(from_json(text)) if text is not None else None


def _result(run: Run, write: ResultWrite, at: datetime) -> Result:
    method = write.confidence_method
    confidence = None
    if write.confidence is not None and method is not None:
        confidence = Confidence(write.confidence, ConfidenceMethod(method))
    stage, item = split_name(write.stage)
    return Result(
        run_id=run.id,
        stage=stage,
        item=item,
        type=write.type,
        key=write.key,
        data=from_json(write.data),
        confidence=confidence,
        evidence=tuple(EvidenceSpan.from_json(span) for span in from_json(write.evidence)),
        llm_call_id=write.llm_call_id,
        created_at=at,
    )
