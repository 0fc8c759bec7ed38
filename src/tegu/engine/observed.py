"""What is told of a run while a worker drives it, and of each attempt at a stage: figures, spans, the fields of log lines.

Made by the driver; the worker has it make the attempts. Invariant: whatever is told, the outcome is the attempt's own.
"""

import asyncio
from time import perf_counter
from typing import assert_never
from uuid import UUID

from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Completed, Crashed, Failed, Postponed, StageOutcome
from tegu.engine.attempt import Perform, attempt
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.task import StageTask
from tegu.storage.claims import ClaimedRun
from tegu.telemetry import logs, measured, spans


class ObservedRun:
    """One run, while one worker drives it."""

    def __init__(self, run: ClaimedRun, definition: PipelineDefinition, worker_id: UUID) -> None:
        self._worker_id = worker_id
        self._span = spans.begin(
            f"tegu.run {definition.name}",
            lambda: {
                "tegu.organization.id": str(run.organization_id),
                "tegu.run.id": str(run.id),
                "tegu.run.epoch": run.epoch,
                "tegu.pipeline.name": definition.name,
                "tegu.worker.id": str(worker_id),
            },
        )

    def end(self, status: str, error: ErrorInfo | None) -> None:
        """The worker lets go of it."""
        self._span.about({"tegu.run.status": status})
        if error is not None:
            self._span.failed(error.code, error.code)
        self._span.end()

    async def attempt(self, perform: Perform, task: StageTask, *, is_bounded: bool = True) -> StageOutcome:
        """Make an attempt at a stage (see `attempt`), and tell how it ended."""
        began, ended = perf_counter(), "exception"
        about = {
            "organization_id": task.organization_id,
            "run_id": task.run_id,
            "stage": task.stage.name,
            "attempt": task.attempt,
            "worker_id": self._worker_id,
        }
        token = logs.begin_fields(about)
        try:
            if self._span.is_begun:
                outcome = await self._traced(perform, task, is_bounded=is_bounded)
            else:
                outcome = await attempt(perform, task, is_bounded=is_bounded)
            ended = _ending(outcome)
        except asyncio.CancelledError:
            ended = "cancelled"
            raise
        else:
            return outcome
        finally:
            logs.end_fields(token)
            measured.STAGES.observe(perf_counter() - began, task.stage.uses, ended)

    async def _traced(self, perform: Perform, task: StageTask, *, is_bounded: bool) -> StageOutcome:
        about = _about(task, self._worker_id)
        with spans.span(f"tegu.stage {task.stage.name}", about, within=self._span) as told:
            outcome = await attempt(perform, task, is_bounded=is_bounded)
            _tell(told, outcome)
            return outcome


def _ending(outcome: StageOutcome) -> str:
    match outcome:
        case Completed():
            return "completed"
        case Failed():
            return "failed_transient" if outcome.transient else "failed"
        case Crashed():
            return "crashed"
        case Postponed():
            return "postponed"
        case _:
            assert_never(outcome)


def _about(task: StageTask, worker_id: UUID) -> dict[str, spans.AttributeValue | None]:
    return {
        "tegu.organization.id": str(task.organization_id),
        "tegu.run.id": str(task.run_id),
        "tegu.pipeline.name": task.definition.name,
        "tegu.stage.name": task.stage.name,
        "tegu.stage.kind": task.stage.uses,
        "tegu.stage.attempt": task.attempt,
        "tegu.stage.alone": task.is_alone,
        "tegu.worker.id": str(worker_id),
    }


def _tell(told: spans.Told, outcome: StageOutcome) -> None:
    told.about({"tegu.stage.outcome": _ending(outcome)})
    match outcome:
        case Failed():
            told.failed(outcome.error.code, outcome.error.code)  # the message may quote content
        case Crashed():
            told.failed("crashed", outcome.reason)
        case Postponed():
            told.about({"tegu.stage.waits_for": outcome.waits_for.code})
        case Completed():
            told.about({"tegu.stage.model": outcome.model})
        case _:
            assert_never(outcome)
