"""Runs while they run: what is known of each, from its events.

Called by `following`, drawn by `live`. Invariant: it holds what the events said and nothing it guessed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from pydantic import JsonValue
from pydantic_core import to_json

from tegu.domain.call import AnsweredBy, LlmCall
from tegu.domain.run import RunEvent
from tegu.domain.status import RunStatus, StageStatus
from tegu.interfaces.cli import wording

NOTE_MAX = 60
_STAGE_EVENTS = {
    "stage.started": StageStatus.RUNNING,
    "stage.completed": StageStatus.COMPLETED,
    "stage.failed": StageStatus.FAILED,
    "stage.skipped": StageStatus.SKIPPED,
    "stage.retrying": StageStatus.WAITING,
    "stage.waiting": StageStatus.WAITING,
}
_RUN_EVENTS = {
    "run.started": RunStatus.RUNNING,
    "run.waiting": RunStatus.WAITING,
    "run.completed": RunStatus.COMPLETED,
    "run.failed": RunStatus.FAILED,
    "run.cancelled": RunStatus.CANCELLED,
    "run.handed_back": RunStatus.PENDING,
    "run.paused": RunStatus.PENDING,
}


@dataclass(slots=True)
class Timed:
    """Something that begins and ends."""

    began_at: datetime | None = None
    ended_at: datetime | None = None

    def elapsed_s(self, now: datetime) -> float | None:
        """How long it has taken until now, or took."""
        if self.began_at is None:
            return None
        return max(0.0, ((self.ended_at or now) - self.began_at).total_seconds())


@dataclass(slots=True)
class StageLine:
    """One stage on the board."""

    status: StageStatus = StageStatus.PENDING
    time: Timed = field(default_factory=Timed)
    note: str = ""
    calls: tuple[LlmCall, ...] = ()


@dataclass(slots=True)
class RunLine:
    """One run on the board, its stages in the order of the pipeline."""

    name: str
    stages: dict[str, StageLine]
    status: RunStatus = RunStatus.PENDING
    time: Timed = field(default_factory=Timed)
    note: str = ""

    @classmethod
    def of(cls, name: str, stages: Iterable[str]) -> Self:
        """A run of which nothing is known yet."""
        return cls(name, {stage: StageLine() for stage in stages})

    @property
    def calls(self) -> tuple[LlmCall, ...]:
        """Of all stages."""
        return tuple(call for stage in self.stages.values() for call in stage.calls)


class Board:
    """All runs of one command."""

    def __init__(self, runs: Mapping[UUID, RunLine]) -> None:
        self.runs = dict(runs)

    def saw(self, event: RunEvent) -> None:
        """Take an event in."""
        run = self.runs[event.run_id]
        if event.stage is not None and event.stage in run.stages:
            _stage_saw(run.stages[event.stage], event)
        elif (status := _RUN_EVENTS.get(event.kind)) is not None:
            run.status = status
            run.note = ""
            run.time.began_at = run.time.began_at or event.at
            run.time.ended_at = event.at if status.is_terminal else None

    def called(self, run_id: UUID, calls: Sequence[LlmCall]) -> None:
        """Take in the calls of a run so far."""
        for name, stage in self.runs[run_id].stages.items():
            stage.calls = tuple(call for call in calls if call.stage == name)

    def counts(self) -> str:
        """`3 of 40 runs ended: 2 completed, 1 failed`."""
        ended = [run.status for run in self.runs.values() if run.status.is_terminal]
        each = ", ".join(f"{ended.count(status)} {status.value}" for status in dict.fromkeys(ended))
        total = wording.counted(len(self.runs), "run")
        return f"{len(ended)} of {total} ended" + (f": {each}" if each else "")


def cost_of(calls: Sequence[LlmCall]) -> str:
    """What calls cost, as far as it is known."""
    paid = [call for call in calls if call.answered_by is AnsweredBy.PROVIDER]
    if not paid:
        return ""
    if all(call.provider == wording.RULES for call in paid):
        return wording.RULE_BASED
    known = [call.cost_usd for call in paid if call.cost_usd is not None]
    if not known:
        return "unknown"
    missing = len(paid) - len(known)
    return wording.usd(sum(known, Decimal(0))) + (f" + {missing} unknown" if missing else "")


def _stage_saw(stage: StageLine, event: RunEvent) -> None:
    stage.status = _STAGE_EVENTS.get(event.kind, stage.status)
    data = event.data if isinstance(event.data, dict) else {}
    match event.kind:
        case "stage.started":
            stage.time = Timed(event.at)
            attempt = data.get("attempt")
            stage.note = f"attempt {attempt}" if isinstance(attempt, int) and attempt > 1 else ""
        case "stage.completed":
            stage.time.ended_at = event.at
            stage.note = ""
        case "stage.partial":
            stage.note = wording.tail(_said_of(data), NOTE_MAX)
        case "stage.failed" | "stage.retrying" | "stage.waiting" | "stage.crashed":
            stage.time.ended_at = event.at
            stage.note = reason_of(event)
        case _:
            return


def _said_of(data: Mapping[str, JsonValue]) -> str:
    """What a model has said so far: text as it is, a value as JSON."""
    partial = data.get("partial")
    if partial is None:
        return f"{data.get('text_length')} characters"
    return partial if isinstance(partial, str) else to_json(partial).decode()


def reason_of(event: RunEvent) -> str:
    """Why a stage failed, is tried again or crashed, in the event's own words."""
    data = event.data if isinstance(event.data, dict) else {}
    error = data.get("error") or data.get("reason")
    inner = error if isinstance(error, dict) else data
    reason = inner.get("message") or inner.get("reason")
    return str(reason) if reason else ""
