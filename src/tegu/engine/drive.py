"""The driver of one owned run: it gathers what happened, decides what follows, and says what to store and to start.

Called by the worker (stages that ended, signals) and by a commit lane (`take`, then `applied` or `refused`). It does
no I/O. Invariants: nothing starts before the checkpoint that says so is stored; at most one checkpoint is under way;
memory follows the database, never the other way round.

    ended(stage) ... -> take() -> RunWrite -> [stored]  -> applied() -> stages to start
                                           -> [refused] -> refused() -> the stages whose outputs were in it fail
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from time import monotonic
from typing import assert_never
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.domain.json import JsonObject, storable_json
from tegu.domain.outcome import Completed, Crashed, Failed, StageOutcome
from tegu.domain.status import RunStatus, StageStatus, transition
from tegu.engine.attempt import task_of
from tegu.engine.progress import UNSTORABLE, Draft, StageProgress, refusal, stored_json
from tegu.engine.retry import RetryPolicy
from tegu.pipeline.plan import Plan
from tegu.pipeline.task import StageTask
from tegu.storage.checkpoints import Applied, RunWrite
from tegu.storage.claims import ClaimedRun, RunKey, StageState

CRASHES_MAX = 3
DEATHS_MAX = 10  # attempts that died with a worker: a stage that takes its worker down even from a child
_REFUSALS_MAX = 5


@dataclass(frozen=True, slots=True)
class _Ended:
    stage: str
    outcome: StageOutcome
    elapsed_ms: int


class RunDriver:
    """One run that this worker owns."""

    def __init__(
        self,
        run: ClaimedRun,
        *,
        worker_id: UUID,
        plan: Plan,
        stored: Mapping[str, StageState],
        facts: Mapping[str, JsonValue],
        retry: RetryPolicy,
        random: Random,
    ) -> None:
        self.run = run
        self.worker_id = worker_id
        self.claimed_at = monotonic()
        self.status = RunStatus.RUNNING
        self.is_lost = False
        self.lane = 0
        self._plan = plan
        self._facts = facts
        self._retry = retry
        self._random = random
        self._rev = run.rev
        self._inbox = run.inbox
        self._cancel_requested = run.cancel_requested
        self._hand_back = False
        self._error: ErrorInfo | None = None
        self._outputs: dict[str, JsonValue] = {}
        self._statuses: dict[str, StageStatus] = {}
        self._stages: dict[str, StageProgress] = {}
        self._crashed: list[str] = []
        self._ended: list[_Ended] = []
        self._one_by_one = False
        self._refusals = 0
        self._changed: list[str] | None = None  # None: look at every stage
        self._taken: tuple[Draft, list[_Ended], RunStatus] | None = None
        self._restore(stored)

    def _restore(self, stored: Mapping[str, StageState]) -> None:
        for name, state in stored.items():
            self._stages[name] = StageProgress(
                state.status,
                state.attempt,
                state.failures,
                state.crashes,
                state.generation,
                self.claimed_at + state.due_in_s,
                state.deaths,
                is_alone=state.deaths > 0,
            )
            self._statuses[name] = state.status
            if state.status is StageStatus.COMPLETED:
                self._outputs[name] = state.output
            elif state.status is StageStatus.RUNNING:
                self._crashed.append(name)

    @property
    def key(self) -> RunKey:
        """(organization, run)."""
        return self.run.key

    @property
    def is_released(self) -> bool:
        """Whether the run is not ours any more: finished, waiting, handed back or lost."""
        return self.is_lost or self.status is not RunStatus.RUNNING

    @property
    def next_due(self) -> float | None:
        """When the next waiting stage is due, on the monotonic clock."""
        return min((s.due for s in self._stages.values() if s.status is StageStatus.WAITING), default=None)

    @property
    def is_idle(self) -> bool:
        """Whether no checkpoint of it is under way."""
        return self._taken is None

    @property
    def has_news(self) -> bool:
        """Whether something ended that no checkpoint has taken yet."""
        return bool(self._ended)

    # What the worker says.

    def ended(self, stage: str, outcome: StageOutcome, *, elapsed_ms: int) -> None:
        """An attempt ended."""
        self._ended.append(_Ended(stage, outcome, elapsed_ms))

    def heard(self, *, cancel_requested: bool, inbox: int) -> bool:
        """The database says so; True when there is something to do about it."""
        is_new = (cancel_requested and not self._cancel_requested) or inbox > self._inbox
        self._cancel_requested = self._cancel_requested or cancel_requested
        self._inbox = max(self._inbox, inbox)
        return is_new

    @property
    def cancel_requested(self) -> bool:
        """Whether someone asked for the end of the run."""
        return self._cancel_requested

    def hand_back(self) -> None:
        """The worker is told to stop: give the run up, with what is done so far."""
        self._hand_back = True

    # What the commit lane does.

    def take(self) -> RunWrite | None:
        """Decide on everything that happened since the last checkpoint; None when nothing is to be stored."""
        assert self._taken is None
        upto = 1 if self._one_by_one else len(self._ended)
        draft, ended, self._ended = Draft(), self._ended[:upto], self._ended[upto:]
        if self._rev == 0:
            draft.event("run.started")
        self._recover_crashed(draft)
        for end in ended:
            self._settle(draft, end)
        if self._cancel_requested:
            status = self._cancel(draft)
        elif self._hand_back:
            status = self._give_up(draft, ended)
        else:
            status = self._advance(draft)
        if not (draft.stages or draft.events or status is not RunStatus.RUNNING):
            return None
        self._taken = (draft, ended, status)
        return self._write(draft, status)

    def applied(self, applied: Applied) -> tuple[StageTask, ...]:
        """The checkpoint is stored. Returns the stages to start now."""
        assert self._taken is not None
        draft, _, status = self._taken
        self._taken = None
        self._refusals = 0
        self._rev += 1
        self.status = status
        self._stages.update(draft.moved)
        self.heard(cancel_requested=applied.cancel_requested, inbox=applied.inbox)
        definition, outputs = self._plan.definition, self._outputs
        return tuple(
            task_of(self.run, definition, name, self._stages[name], outputs) for name in draft.starts
        )

    def refused(self, error: Exception) -> bool:
        """PostgreSQL refuses something in the checkpoint. Several outputs are then tried one by one; the stage of a
        single one fails, by name. False: it goes on refusing, and the run is better dropped.
        """
        assert self._taken is not None
        draft, ended, _ = self._taken
        self._taken = None
        self._refusals += 1
        for name in draft.moved:
            self._statuses[name] = self._stages.get(name, StageProgress()).status
            self._outputs.pop(name, None)
        if len(ended) > 1:
            self._one_by_one = True
        else:
            ended = [replace(e, outcome=Failed(refusal(e.stage, error))) for e in ended]
        self._ended = ended + self._ended
        self._crashed = draft.recovered
        self._changed = None
        return self._refusals < _REFUSALS_MAX

    # How a checkpoint is put together.

    def _recover_crashed(self, draft: Draft) -> None:
        """Stages that were under way when their worker died run again, each alone in a child process."""
        for name in self._crashed:
            stage = self._stages[name]
            draft.attempt(name, stage, "crashed")
            draft.event("stage.crashed", name)
            if stage.deaths + 1 < DEATHS_MAX:
                self._start(draft, name, is_alone=True)
            else:
                self._quarantine(draft, name, stage, f"its worker died {stage.deaths + 1} times while it ran")
        draft.recovered, self._crashed = self._crashed, []

    def _settle(self, draft: Draft, end: _Ended) -> None:
        stage = self._stages[end.stage]
        match end.outcome:
            case Completed():
                self._complete(draft, end.stage, stage, end.outcome, end.elapsed_ms)
            case Failed():
                self._fail(draft, end.stage, stage, end.outcome, end.elapsed_ms)
            case Crashed():
                self._crash(draft, end.stage, stage, end.outcome, end.elapsed_ms)
            case _:
                assert_never(end.outcome)

    def _complete(
        self, draft: Draft, name: str, stage: StageProgress, outcome: Completed, elapsed_ms: int
    ) -> None:
        try:
            output, text = stored_json(outcome.output)
            results = [
                (result, text if result.data is outcome.output else stored_json(result.data)[1])
                for result in outcome.results
            ]
        except UNSTORABLE as error:
            self._fail(draft, name, stage, Failed(refusal(name, error)), elapsed_ms)
            return
        completed = stage.moved(StageStatus.COMPLETED)
        draft.move(name, completed, output=text, model=outcome.model, fingerprint=outcome.fingerprint)
        draft.attempt(name, stage, "completed", elapsed_ms=elapsed_ms)
        for result, data in results:
            draft.result(name, result, data)
        about: JsonObject = {"elapsed_ms": elapsed_ms}
        if outcome.fallbacks:
            about["fallbacks"] = [fallback.to_json() for fallback in outcome.fallbacks]
        draft.event("stage.completed", name, about)
        self._outputs[name] = output
        self._note(name, completed)

    def _fail(self, draft: Draft, name: str, stage: StageProgress, outcome: Failed, elapsed_ms: int) -> None:
        error = replace(outcome.error, stage=name)
        text = storable_json(error.to_json())
        draft.attempt(name, stage, "failed", error=text, elapsed_ms=elapsed_ms)
        failures = stage.failures + 1
        if not outcome.transient or failures > self._plan.definition.stage(name).retries:
            self._fail_for_good(draft, name, replace(stage, failures=failures), error)
            return
        delay_s = self._retry.delay_s(failures, at_least_s=outcome.retry_after_s, random=self._random)
        waiting = stage.moved(
            StageStatus.WAITING,
            failures=failures,
            generation=stage.generation + outcome.rejected,
            due=monotonic() + delay_s,
        )
        draft.move(name, waiting, due_in_s=delay_s, error=text)
        data: JsonObject = {"attempt": stage.attempt, "due_in_s": round(delay_s, 3), "error": error.to_json()}
        draft.event("stage.retrying", name, data)
        self._statuses[name] = waiting.status

    def _crash(
        self, draft: Draft, name: str, stage: StageProgress, outcome: Crashed, elapsed_ms: int
    ) -> None:
        crashes = stage.crashes + 1
        error = ErrorInfo("crashed", outcome.reason, stage=name)
        draft.attempt(name, stage, "crashed", error=storable_json(error.to_json()), elapsed_ms=elapsed_ms)
        draft.event("stage.crashed", name, {"crashes": crashes, "reason": outcome.reason})
        if crashes < CRASHES_MAX:
            self._start(draft, name, crashes=crashes, is_alone=True)
            return
        reason = f"it crashed its process {crashes} times, the last time: {outcome.reason}"
        self._quarantine(draft, name, replace(stage, crashes=crashes), reason)

    def _quarantine(self, draft: Draft, name: str, stage: StageProgress, reason: str) -> None:
        hint = "it is quarantined; run its input through the stage's code alone to find the cause"
        error = ErrorInfo("quarantined", f"stage {name!r}: {reason}", stage=name, hint=hint)
        self._fail_for_good(draft, name, stage, error)

    def _fail_for_good(self, draft: Draft, name: str, stage: StageProgress, error: ErrorInfo) -> None:
        failed = stage.moved(StageStatus.FAILED)
        draft.move(name, failed, error=storable_json(error.to_json()))
        draft.event("stage.failed", name, error.to_json())
        self._error = self._error or error
        self._note(name, failed)

    def _advance(self, draft: Draft) -> RunStatus:
        """Start, skip and fail what follows, and whatever retry is due; then say where the run stands."""
        decision = self._plan.decide(self._statuses, self._outputs, changed=self._changed, facts=self._facts)
        for name in decision.skip:
            skipped = self._stages.get(name, StageProgress()).moved(StageStatus.SKIPPED)
            draft.move(name, skipped)
            draft.event("stage.skipped", name)
            self._note(name, skipped)
        for name, error in decision.fail:
            # A condition that cannot be decided counts as an attempt: pending has no way to failed.
            self._fail_for_good(draft, name, StageProgress().moved(StageStatus.RUNNING), error)
        for name in (*decision.start, *self._due_again()):
            self._start(draft, name)
        self._changed = []
        if decision.outcome is not None:
            draft.event(f"run.{decision.outcome.value}", data=self._error.to_json() if self._error else None)
            return decision.outcome
        if any(status is StageStatus.RUNNING for status in self._statuses.values()):
            return RunStatus.RUNNING
        draft.event("run.waiting", data={"due_in_s": round(self._due_in_s(draft), 3)})
        return RunStatus.WAITING

    def _due_again(self) -> Iterator[str]:
        now = monotonic()
        waiting = StageStatus.WAITING
        for name, stage in self._stages.items():
            if stage.status is waiting and self._statuses[name] is waiting and stage.due <= now:
                yield name

    def _due_in_s(self, draft: Draft) -> float:
        stages = (self._stages | draft.moved).values()
        due = min(stage.due for stage in stages if stage.status is StageStatus.WAITING)
        return max(0.0, due - monotonic())

    def _cancel(self, draft: Draft) -> RunStatus:
        for name in self._plan.order:
            stage = draft.moved.get(name) or self._stages.get(name, StageProgress())
            if stage.status.is_terminal:
                continue
            if stage.status is StageStatus.RUNNING and name not in draft.starts:
                draft.attempt(name, stage, "cancelled")
            cancelled = stage.moved(StageStatus.CANCELLED)
            draft.move(name, cancelled)
            self._statuses[name] = cancelled.status
        draft.starts.clear()
        draft.event("run.cancelled")
        return RunStatus.CANCELLED

    def _give_up(self, draft: Draft, ended: list[_Ended]) -> RunStatus:
        statuses = self._statuses
        if ended and all(name in statuses and statuses[name].is_terminal for name in self._plan.order):
            return self._advance(draft)
        for name in [name for name, status in statuses.items() if status is StageStatus.RUNNING]:
            if name in draft.starts:  # by this very checkpoint, after a crash: that attempt never began
                started = draft.unstart(name)
                pending = started.moved(StageStatus.PENDING, attempt=started.attempt - 1)
            else:
                draft.attempt(name, self._stages[name], "handed_back")
                pending = self._stages[name].moved(StageStatus.PENDING)
            draft.move(name, pending)
            statuses[name] = pending.status
        draft.event("run.handed_back")
        return RunStatus.PENDING

    def _start(self, draft: Draft, name: str, *, crashes: int | None = None, is_alone: bool = False) -> None:
        stage = draft.moved.get(name) or self._stages.get(name, StageProgress())
        started = stage.moved(
            StageStatus.RUNNING,
            attempt=stage.attempt + 1,
            crashes=stage.crashes if crashes is None else crashes,
            is_alone=is_alone or stage.is_alone,
        )
        draft.move(name, started)
        draft.starts.append(name)
        draft.event("stage.started", name, {"attempt": started.attempt})
        self._statuses[name] = started.status

    def _note(self, name: str, stage: StageProgress) -> None:
        """A stage ended: what waits for it is to be looked at."""
        self._statuses[name] = stage.status
        if self._changed is not None:
            self._changed.append(name)

    def _write(self, draft: Draft, status: RunStatus) -> RunWrite:
        return RunWrite(
            organization_id=self.run.organization_id,
            run_id=self.run.id,
            epoch=self.run.epoch,
            rev=self._rev,
            inbox=self._inbox,
            status=transition(self.status, status),
            due_in_s=self._due_in_s(draft) if status is RunStatus.WAITING else 0.0,
            error=storable_json(self._error.to_json()) if self._error else None,
            stages=tuple(draft.stages.values()),
            attempts=tuple(draft.attempts),
            results=tuple(draft.results),
            events=tuple(draft.events),
        )
