"""The driver of one owned run: it gathers what happened, decides what follows, and says what to store and to start.

Called by the worker (stages that ended, signals) and by a commit lane (`take`, then `applied` or `refused`). It does
no I/O. Invariants: nothing starts before the checkpoint that says so is stored; at most one checkpoint is under way;
memory follows the database, never the other way round.

    ended(stage) ... -> take() -> RunWrite -> [stored]  -> applied() -> stages to start
                                           -> [refused] -> refused() -> the stages whose outputs were in it fail
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from time import monotonic
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Failed, StageOutcome
from tegu.domain.status import RunStatus, StageStatus, transition
from tegu.engine.attempt import task_of
from tegu.engine.observed import ObservedRun
from tegu.engine.progress import (
    Draft,
    StageProgress,
    Statuses,
    due_again,
    due_in_s,
    next_due,
    refusal,
    woken,
)
from tegu.engine.retry import RetryPolicy
from tegu.engine.settle import Ended, Settled, failed_for_good, quarantined, settle
from tegu.pipeline.definition import MODEL_KINDS
from tegu.pipeline.plan import Plan
from tegu.pipeline.task import StageTask
from tegu.storage.checkpoints import Applied, RunWrite
from tegu.storage.claims import ClaimedRun, RunKey, StageState

DEATHS_MAX = 10  # attempts that died with a worker: a stage that takes its worker down even from a child
_REFUSALS_MAX = 5


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
        self.observed = ObservedRun(run, plan.definition, worker_id)
        self._plan = plan
        self._facts = facts
        self._retry = retry
        self._random = random
        self._rev = run.rev
        self._inbox = run.inbox
        self._seen = run.inbox  # by the checkpoint that is under way
        self._cancel_requested = run.cancel_requested
        self._hand_back = False
        self._is_paused = False
        self._error: ErrorInfo | None = None
        self._outputs: dict[str, JsonValue] = {}
        self._statuses = Statuses(plan.prepared)
        self._stages: dict[str, StageProgress] = {}
        self._copied: dict[str, UUID] = {}  # what a fork begins with, and of which run it is
        self._crashed: list[str] = []
        self._ended: list[Ended] = []
        self._one_by_one = False
        self._refusals = 0
        self._changed: list[str] | None = None  # None: look at every stage
        self._taken: tuple[Draft, list[Ended], RunStatus] | None = None
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
                is_alone=self._is_suspect(name, state.deaths),
                is_wakeable=state.is_wakeable,
            )
            self._statuses[name] = state.status
            if state.reused_from is not None and not state.attempt:
                self._copied[name] = state.reused_from
            if state.status is StageStatus.COMPLETED:
                self._outputs[name] = state.output
            elif state.status is StageStatus.RUNNING:
                self._crashed.append(name)

    def _is_suspect(self, name: str, deaths: int) -> bool:
        """Whether its next attempt is to run alone: it was under way when a worker died. Hundreds of stages are, each
        time; those that only ask a model have no code that could have done it, and are forgiven once.
        """
        return deaths > (self._plan.definition.stage(name).uses in MODEL_KINDS)

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
        return next_due(self._stages, self._statuses)

    def let_go(self) -> None:
        """The worker forgets the run."""
        self.observed.end("lost" if self.is_lost else self.status.value, self._error)

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
        self._ended.append(Ended(stage, outcome, elapsed_ms))

    def heard(self, *, cancel_requested: bool, inbox: int) -> bool:
        """The database says so; True when there is something to do about it."""
        is_new = (cancel_requested and not self._cancel_requested) or inbox > self._inbox
        self._cancel_requested = self._cancel_requested or cancel_requested
        if inbox > self._inbox:
            self._inbox = inbox
            self._stages.update(woken(self._stages))
        return is_new

    def paused(self, is_paused: bool) -> bool:
        """Its pipeline or organization is held back, or not any more: no further stage starts meanwhile, and once those under
        way have ended the run is let go. True when that is news.
        """
        is_new = is_paused != self._is_paused
        self._is_paused = is_paused
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
            self._begin(draft)
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
        self._seen = self._inbox
        due = due_in_s(self._stages | draft.moved) if status is RunStatus.WAITING else 0.0
        return draft.written(
            self.run,
            rev=self._rev,
            inbox=self._inbox,
            status=transition(self.status, status),
            due_in_s=due,
            error=self._error,
        )

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
        if applied.inbox > self._seen:
            self._stages.update(woken(self._stages))
        for name in draft.starts:  # what they look at is as it was with this signal, or later
            self._stages[name] = replace(self._stages[name], heard=self._inbox)
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

    def _begin(self, draft: Draft) -> None:
        """The run has begun; a fork of another run with what is there already."""
        draft.event("run.started")
        for name, made_in in self._copied.items():
            status = self._statuses[name]
            draft.event(f"stage.{status.value}", name, {"reused_from": str(made_in)})

    def _recover_crashed(self, draft: Draft) -> None:
        """Stages that were under way when their worker died run again, the suspects alone in a child process."""
        for name in self._crashed:
            stage = self._stages[name]
            draft.attempt(name, stage, "crashed")
            draft.event("stage.crashed", name)
            if stage.deaths + 1 < DEATHS_MAX:
                is_alone = self._is_suspect(name, stage.deaths + 1)
                self._start(draft, name, replace(stage, is_alone=is_alone))
            else:
                reason = f"its worker died {stage.deaths + 1} times while it ran"
                self._note(name, quarantined(draft, name, stage, reason))
        draft.recovered, self._crashed = self._crashed, []

    def _settle(self, draft: Draft, end: Ended) -> None:
        retries = self._plan.definition.stage(end.stage).retries
        settled = settle(
            draft,
            end,
            self._stages[end.stage],
            retries=retries,
            delay_of=self._retry.delay_of(self._random),
            inbox=self._inbox,
        )
        if settled.stage.status is StageStatus.RUNNING:
            self._start(draft, end.stage, settled.stage)
        else:
            self._note(end.stage, settled)

    def _advance(self, draft: Draft) -> RunStatus:
        """Start, skip and fail what follows, and whatever retry is due; then say where the run stands."""
        decision = self._plan.decide(self._statuses, self._outputs, changed=self._changed, facts=self._facts)
        for name in decision.skip:
            skipped = self._stages.get(name, StageProgress()).moved(StageStatus.SKIPPED)
            draft.move(name, skipped)
            draft.event("stage.skipped", name)
            self._note(name, Settled(skipped))
        for name, error in decision.fail:
            # A condition that cannot be decided counts as an attempt: pending has no way to failed.
            began = StageProgress().moved(StageStatus.RUNNING)
            self._note(name, failed_for_good(draft, name, began, error))
        starts = (*decision.start, *due_again(self._stages, self._statuses))
        # What a pause holds back is looked for again.
        self._changed = None if self._is_paused and starts else []
        for name in () if self._is_paused else starts:
            self._start(draft, name, draft.moved.get(name) or self._stages.get(name, StageProgress()))
        if decision.outcome is not None:
            draft.event(f"run.{decision.outcome.value}", data=self._error.to_json() if self._error else None)
            return decision.outcome
        if self._statuses.running:
            return RunStatus.RUNNING
        if self._is_paused and decision.start:
            draft.event("run.paused")
            return RunStatus.PENDING
        draft.event("run.waiting", data={"due_in_s": round(due_in_s(self._stages | draft.moved), 3)})
        return RunStatus.WAITING

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

    def _give_up(self, draft: Draft, ended: list[Ended]) -> RunStatus:
        statuses = self._statuses
        if ended and all(name in statuses and statuses[name].is_terminal for name in self._plan.order):
            return self._advance(draft)
        for name in tuple(statuses.running):
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

    def _start(self, draft: Draft, name: str, stage: StageProgress) -> None:
        started = stage.moved(StageStatus.RUNNING, attempt=stage.attempt + 1, is_wakeable=False)
        draft.move(name, started)
        draft.starts.append(name)
        draft.event("stage.started", name, {"attempt": started.attempt})
        self._statuses[name] = started.status

    def _note(self, name: str, settled: Settled) -> None:
        """Where a stage stands; when it ended, what waits for it is to be looked at."""
        status = self._statuses[name] = settled.stage.status
        self._error = self._error or settled.error
        if status is StageStatus.COMPLETED:
            self._outputs[name] = settled.output
        if status.is_terminal and self._changed is not None:
            self._changed.append(name)
