"""What a checkpoint of one run is made of while it is put together: stages that move, attempts, results, events.

Called by the driver. Invariant: a stage moves only through the status table.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.domain.json import as_stored, storable_json
from tegu.domain.outcome import ResultDraft
from tegu.domain.status import RunStatus, StageStatus, transition
from tegu.pipeline.prepared import Prepared
from tegu.pipeline.standing import Standing
from tegu.storage.checkpoints import AttemptWrite, EventWrite, ResultWrite, RunWrite, StageWrite
from tegu.storage.claims import ClaimedRun

_RUNNING, _WAITING = StageStatus.RUNNING, StageStatus.WAITING
UNSTORABLE = (ValueError, TypeError, RecursionError, AttributeError)
"""What `stored_json` raises for values that are no JSON: foreign objects, circles."""


@dataclass(frozen=True, slots=True)
class StageProgress:
    """Where one stage stands in memory. `due` and `deadline` are on the monotonic clock. `arrived` are the upstreams that it
    reads, where it started before all of them had ended. `heard` counts the signals that the run had heard
    when the present attempt began; `is_wakeable`: the stage waits for something that comes with a signal.
    """

    status: StageStatus = StageStatus.PENDING
    attempt: int = 0
    failures: int = 0
    crashes: int = 0
    generation: int = 0
    due: float = 0.0
    deaths: int = 0
    is_alone: bool = False
    is_wakeable: bool = False
    heard: int = 0
    deadline: float | None = None
    arrived: tuple[str, ...] | None = None

    def moved(self, to: StageStatus, **changes: object) -> "StageProgress":
        """The stage after a move. Raises ConflictError where the table does not allow it."""
        return replace(self, status=transition(self.status, to), **changes)  # pyright: ignore[reportArgumentType] (field names)


@dataclass(slots=True)
class Draft:
    """A checkpoint in the making. `starts` are to be started once it is stored, and the attempts of `drops` to be dropped;
    `recovered` are those that a dead worker left under way.
    """

    stages: dict[str, StageWrite] = field(default_factory=dict[str, StageWrite])
    attempts: list[AttemptWrite] = field(default_factory=list[AttemptWrite])
    results: list[ResultWrite] = field(default_factory=list[ResultWrite])
    events: list[EventWrite] = field(default_factory=list[EventWrite])
    starts: list[str] = field(default_factory=list[str])
    drops: list[str] = field(default_factory=list[str])
    moved: dict[str, StageProgress] = field(default_factory=dict[str, StageProgress])
    recovered: list[str] = field(default_factory=list[str])

    def move(
        self,
        name: str,
        stage: StageProgress,
        *,
        due_in_s: float | None = None,
        output: str | None = None,
        error: str | None = None,
        model: str | None = None,
        fingerprint: str | None = None,
        reused_from: UUID | None = None,
    ) -> None:
        """The stage is so from now on. `output` and `error` are JSON text."""
        self.moved[name] = stage
        is_started = stage.status is _RUNNING
        self.stages[name] = StageWrite(
            stage=name,
            status=stage.status,
            attempt=stage.attempt,
            failures=stage.failures,
            crashes=stage.crashes,
            generation=stage.generation,
            due_in_s=due_in_s,
            model=model,
            fingerprint=fingerprint,
            reused_from=reused_from,
            deadline_in_s=stage.deadline - monotonic() if is_started and stage.deadline is not None else None,
            arrived=stage.arrived if is_started else None,
            output=output,
            error=error,
        )

    def attempt(
        self,
        name: str,
        stage: StageProgress,
        outcome: str,
        *,
        error: str | None = None,
        elapsed_ms: int | None = None,
    ) -> None:
        """The stage's present attempt ended so."""
        self.attempts.append(AttemptWrite(name, stage.attempt, outcome, error, elapsed_ms))

    def unstart(self, name: str) -> StageProgress:
        """Take back a start of this very checkpoint: the attempt never was. Returns the stage as it was started."""
        self.starts.remove(name)
        self.events.remove(
            next(e for e in reversed(self.events) if e.kind == "stage.started" and e.stage == name)
        )
        return self.moved[name]

    def event(self, kind: str, stage: str | None = None, data: Mapping[str, JsonValue] | None = None) -> None:
        """Something that followers of the run are told, in this order."""
        self.events.append(EventWrite(kind, stage, storable_json(data) if data is not None else None))

    def written(
        self,
        run: ClaimedRun,
        *,
        rev: int,
        inbox: int,
        status: RunStatus,
        due_in_s: float,
        error: ErrorInfo | None,
    ) -> RunWrite:
        """The whole checkpoint: what is stored if the run is still at `rev`, and its owner has seen `inbox` signals."""
        return RunWrite(
            organization_id=run.organization_id,
            run_id=run.id,
            epoch=run.epoch,
            rev=rev,
            inbox=inbox,
            status=status,
            due_in_s=due_in_s,
            error=storable_json(error.to_json()) if error else None,
            stages=tuple(self.stages.values()),
            attempts=tuple(self.attempts),
            results=tuple(self.results),
            events=tuple(self.events),
        )

    def result(self, stage: str, result: ResultDraft, data: str) -> None:
        """A typed output of a stage that completed; `data` is its JSON text."""
        confidence = result.confidence
        self.results.append(
            ResultWrite(
                stage=stage,
                type=result.type,
                key=result.key,
                data=data,
                confidence=confidence.value if confidence else None,
                confidence_method=confidence.method.value if confidence else None,
                evidence=stored_json([span.to_json() for span in result.evidence])[1]
                if result.evidence
                else "[]",
                llm_call_id=result.llm_call_id,
            )
        )


def woken(stages: Mapping[str, StageProgress], waiting: Iterable[str]) -> dict[str, StageProgress]:
    """What a signal to the run lets be tried again at once, of those that wait: what somebody may bring about."""
    now = monotonic()
    return {
        name: replace(stages[name], due=min(stages[name].due, now))
        for name in waiting
        if stages[name].status is _WAITING and stages[name].is_wakeable
    }


class Statuses(Standing):
    """Where the stages of a run stand. Those under way and those that wait are at hand, in the order in which they came to
    be so: they are asked for at every checkpoint, and must not be looked for among thousands that have ended.
    """

    __slots__ = ("running", "waiting")

    def __init__(self, prepared: Prepared) -> None:
        super().__init__(prepared)
        self.running: dict[str, None] = {}
        self.waiting: dict[str, None] = {}

    def __setitem__(self, name: str, status: StageStatus) -> None:
        super().__setitem__(name, status)
        self.running.pop(name, None)
        self.waiting.pop(name, None)
        if status is _RUNNING:
            self.running[name] = None
        elif status is _WAITING:
            self.waiting[name] = None


def due_again(stages: Mapping[str, StageProgress], statuses: Statuses) -> Iterator[str]:
    """The waiting stages whose time has come; `statuses` is where they stand in the checkpoint being made."""
    now = monotonic()
    for name in statuses.waiting:
        if stages[name].status is _WAITING and stages[name].due <= now:
            yield name


def next_due(stages: Mapping[str, StageProgress], statuses: Statuses) -> float | None:
    """When the first of the waiting stages is due, on the monotonic clock."""
    waiting = (stages[name] for name in statuses.waiting if name in stages)
    return min((stage.due for stage in waiting if stage.status is _WAITING), default=None)


def due_in_s(stages: Mapping[str, StageProgress]) -> float:
    """How long until the first of the waiting stages is due; there is one."""
    due = min(stage.due for stage in stages.values() if stage.status is StageStatus.WAITING)
    return max(0.0, due - monotonic())


def stored_json(value: JsonValue) -> tuple[JsonValue, str]:
    """A stage's value as PostgreSQL will hold it, and its text. Raises UNSTORABLE for what is no JSON."""
    stored, text = as_stored(value)
    return stored, text.decode()


def refusal(stage: str, error: Exception) -> ErrorInfo:
    """An output that cannot be stored fails its stage, in these words."""
    message = f"the database refuses the output: {error}"
    return ErrorInfo("output_refused", message[:2000], stage=stage, hint="look at the values it quotes")
