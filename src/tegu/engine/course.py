"""The stages of an owned run, and how a checkpoint moves them: what is retried, started, skipped, cancelled, given up.

Called by the driver, which keeps the conversation with the worker and the commit lane. It does no I/O. Invariant: what a draft
says is in `statuses` at once, and in `stages` once it is stored; `take_back` undoes a draft that is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random
from time import monotonic
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.domain.status import RunStatus, StageStatus
from tegu.engine.attempt import task_of
from tegu.engine.deadlines import Deadlines
from tegu.engine.ending import cancelled, dropped, expired, run_expired
from tegu.engine.failures import Failures
from tegu.engine.progress import Draft, StageProgress, Statuses, due_again, due_in_s, next_due, woken
from tegu.engine.retry import RetryPolicy, retries_of
from tegu.engine.settle import Ended, Settled, failed_for_good, quarantined, settle
from tegu.pipeline.definition import MODEL_KINDS
from tegu.pipeline.plan import Decision, Plan
from tegu.pipeline.task import StageTask
from tegu.storage.claims import ClaimedRun, StageState

DEATHS_MAX = 10  # attempts that died with a worker: a stage that takes its worker down even from a child


class Course:
    """See the module. `now` is when the run was taken over, which is when `stored` was."""

    def __init__(
        self,
        run: ClaimedRun,
        plan: Plan,
        stored: Mapping[str, StageState],
        facts: Mapping[str, JsonValue],
        *,
        retry: RetryPolicy,
        random: Random,
        now: float,
    ) -> None:
        self._run = run
        self._plan = plan
        self._facts = facts
        self._retry = retry
        self._random = random
        self._deadlines = Deadlines(None if run.deadline_in_s is None else now + run.deadline_in_s)
        self._failures = Failures(plan)
        self._outputs: dict[str, JsonValue] = {}
        self._statuses = Statuses(plan.prepared)
        self._stages: dict[str, StageProgress] = {}
        self._copied: dict[str, UUID] = {}  # what a fork begins with, and of which run it is
        self._crashed: list[str] = []
        self._changed: list[str] | None = None  # None: look at every stage
        self._restore(stored, now)

    def _restore(self, stored: Mapping[str, StageState], now: float) -> None:
        for name, state in stored.items():
            self._stages[name] = StageProgress(
                state.status,
                state.attempt,
                state.failures,
                state.crashes,
                state.generation,
                now + state.due_in_s,
                state.deaths,
                is_alone=self._is_suspect(name, state.deaths),
                is_wakeable=state.is_wakeable,
                deadline=None if state.deadline_in_s is None else now + state.deadline_in_s,
                arrived=state.arrived,
            )
            self._deadlines.keep(name, self._stages[name])
            self._statuses[name] = state.status
            if state.reused_from is not None and not state.attempt:
                self._copied[name] = state.reused_from
            if state.status is StageStatus.COMPLETED:
                self._outputs[name] = state.output
            elif state.failure is not None:
                self._note_failure(name, state.failure)
            elif state.status is StageStatus.RUNNING:
                self._crashed.append(name)

    def _is_suspect(self, name: str, deaths: int) -> bool:
        """Whether its next attempt is to run alone: it was under way when a worker died. Hundreds of stages are, each
        time; those that only ask a model have no code that could have done it, and are forgiven once.
        """
        return deaths > (self._plan.definition.stage(name).uses in MODEL_KINDS)

    @property
    def error(self) -> ErrorInfo | None:
        """What the run fails of, as far as it is known."""
        return self._failures.error

    @property
    def is_over(self) -> bool:
        """Whether every stage has ended."""
        return self._statuses.ended == len(self._plan.order)

    @property
    def is_overdue(self) -> bool:
        """Whether the run's deadline has passed, and there is something left to end."""
        return self._deadlines.is_run_over and not self.is_over

    @property
    def next_due(self) -> float | None:
        """When the next waiting stage is due, or a deadline passes, on the monotonic clock."""
        due = next_due(self._stages, self._statuses)
        return min((at for at in (due, self._deadlines.next) if at is not None), default=None)

    def due_in_s(self, draft: Draft) -> float:
        """When a run that waits with this draft is to be looked at again."""
        due_s, deadline = due_in_s(self._stages | draft.moved), self._deadlines.next
        return due_s if deadline is None else max(0.0, min(due_s, deadline - monotonic()))

    def is_under_way(self, name: str) -> bool:
        """Whether the end of an attempt at the stage is news: what was cancelled, or is over its deadline, comes too late."""
        return name in self._statuses.running

    def wake(self) -> None:
        """The run was signalled."""
        self._stages.update(woken(self._stages, self._statuses.waiting))

    # What becomes of a draft.

    def keep(self, draft: Draft) -> None:
        """It is stored."""
        self._stages.update(draft.moved)

    def tasks(self, names: Iterable[str], *, inbox: int) -> tuple[StageTask, ...]:
        """Of attempts that are stored as begun; what they look at is as it was with this many signals, or later."""
        found: list[StageTask] = []
        for name in names:
            stage = self._stages[name] = replace(self._stages[name], heard=inbox)
            found.append(task_of(self._run, self._plan, name, stage, self._read_by(name)))
        return tuple(found)

    def take_back(self, draft: Draft) -> None:
        """It is not stored, and all is as it was before."""
        for name in draft.moved:
            self._statuses[name] = self._stages.get(name, StageProgress()).status
            self._outputs.pop(name, None)
            self._failures.forget(name)
            self._deadlines.keep(name, self._stages.get(name))
        self._crashed = draft.recovered
        self._changed = None

    # How a checkpoint is put together.

    def begin(self, draft: Draft) -> None:
        """The run has begun; a fork of another run with what is there already."""
        draft.event("run.started")
        for name, made_in in self._copied.items():
            status = self._statuses[name]
            draft.event(f"stage.{status.value}", name, {"reused_from": str(made_in)})

    def recover_crashed(self, draft: Draft) -> None:
        """Stages that were under way when their worker died run again, the suspects alone in a child process."""
        for name in self._crashed:
            stage = self._stages[name]
            if self._deadlines.has_passed(name):
                continue  # `expire` ends it
            draft.attempt(name, stage, "crashed")
            draft.event("stage.crashed", name)
            if stage.deaths + 1 < DEATHS_MAX:
                is_alone = self._is_suspect(name, stage.deaths + 1)
                self._start(draft, name, replace(stage, is_alone=is_alone))
            else:
                reason = f"its worker died {stage.deaths + 1} times while it ran"
                self._note(name, quarantined(draft, name, stage, reason))
        draft.recovered, self._crashed = self._crashed, []

    def expire(self, draft: Draft) -> None:
        """Stages whose deadline has passed fail, whether they are under way, wait, or lost their worker."""
        for name in self._deadlines.passed():
            deadline_s = self._plan.definition.stage(name).deadline_s
            self._note(name, expired(draft, name, self._at(draft, name), deadline_s))

    def settle(self, draft: Draft, end: Ended, *, inbox: int) -> None:
        """An attempt has ended; the run has heard so many signals."""
        settled = settle(
            draft,
            end,
            self._stages[end.stage],
            retries_of=retries_of(self._plan.definition.stage(end.stage)),
            delay_of=self._retry.delay_of(self._random),
            inbox=inbox,
        )
        if settled.stage.status is StageStatus.RUNNING:
            self._start(draft, end.stage, settled.stage)
        else:
            self._note(end.stage, settled)

    def advance(self, draft: Draft, *, is_paused: bool) -> RunStatus:
        """Start, skip, cancel and fail what follows, and whatever retry is due; then say where the run stands. While it is
        paused nothing starts.
        """
        for name in () if is_paused else tuple(due_again(self._stages, self._statuses)):
            self._start(draft, name, self._at(draft, name))
        decision = self._plan.decide(
            self._statuses,
            self._outputs,
            changed=self._changed,
            facts=self._facts,
            starts_max=0 if is_paused else None,
        )
        self._cancel_stages(draft, decision)
        for name in decision.skip:
            skipped = self._stages.get(name, StageProgress()).moved(StageStatus.SKIPPED)
            draft.move(name, skipped)
            draft.event("stage.skipped", name)
            self._note(name, Settled(skipped))
        for name, error in decision.fail:
            # A condition that cannot be decided counts as an attempt: pending has no way to failed.
            began = StageProgress().moved(StageStatus.RUNNING)
            self._note(name, failed_for_good(draft, name, began, error))
        self._changed = [*decision.held]
        for name in decision.start:
            self._start(draft, name, self._at(draft, name))
        if decision.outcome is not None:
            return self._end(draft, decision)
        if self._statuses.running:
            return RunStatus.RUNNING
        if is_paused and decision.held:
            draft.event("run.paused")
            return RunStatus.PENDING
        draft.event("run.waiting", data={"due_in_s": round(self.due_in_s(draft), 3)})
        return RunStatus.WAITING

    def _end(self, draft: Draft, decision: Decision) -> RunStatus:
        """Every stage has ended. That one failed says why the run did, if its failure counts."""
        assert decision.outcome is not None
        self._failures.end(decision.failures)
        error = self._failures.error
        draft.event(f"run.{decision.outcome.value}", data=error.to_json() if error else None)
        return decision.outcome

    def _cancel_stages(self, draft: Draft, decision: Decision) -> None:
        """Those that end because others start, or in a slice because too many failed."""
        nodes = self._plan.nodes
        starting = reversed((*decision.start, *decision.cancel)) if decision.cancel else ()
        by = {name: each for each in starting for name in nodes[each].cancels}
        for name in decision.cancel:
            self._note(
                name, cancelled(draft, name, self._at(draft, name), by=by.get(name) or decision.failures[0])
            )

    def cancel(self, draft: Draft) -> RunStatus:
        """Somebody asked for the end of the run."""
        self._drop_all(draft)
        draft.event("run.cancelled")
        return RunStatus.CANCELLED

    def end_overdue(self, draft: Draft) -> RunStatus:
        """Its deadline has passed."""
        error = run_expired(self._plan.definition.deadline_s)
        self._failures.end_with(error)
        self._drop_all(draft, error)
        draft.event("run.failed", data=(self._failures.error or error).to_json())
        return RunStatus.FAILED

    def _drop_all(self, draft: Draft, reason: ErrorInfo | None = None) -> None:
        for name in self._plan.order:
            if not (stage := self._at(draft, name)).status.is_terminal:
                self._statuses[name] = dropped(draft, name, stage, reason).status

    def give_up(self, draft: Draft) -> RunStatus:
        """The worker is told to stop: another goes on."""
        statuses = self._statuses
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
        arrived = stage.arrived
        if arrived is None and self._plan.pins_arrivals(name):
            arrived = self._plan.arrived(name, self._statuses)
        started = stage.moved(
            StageStatus.RUNNING,
            attempt=stage.attempt + 1,
            is_wakeable=False,
            deadline=self._deadlines.started(stage, self._plan.definition.stage(name)),
            arrived=arrived,
        )
        draft.move(name, started)
        draft.starts.append(name)
        draft.event("stage.started", name, {"attempt": started.attempt})
        self._statuses[name] = started.status

    def _note(self, name: str, settled: Settled) -> None:
        """Where a stage stands; when it ended, what waits for it is to be looked at."""
        status = self._statuses[name] = settled.stage.status
        if settled.error is not None:
            self._note_failure(name, settled.error)
        if status is StageStatus.COMPLETED:
            self._outputs[name] = settled.output
        if status.is_terminal:
            self._deadlines.keep(name, None)
            if self._changed is not None:
                self._changed.append(name)

    def _note_failure(self, name: str, error: ErrorInfo) -> None:
        if self._failures.note(name, error):
            self._outputs[name] = {"error": error.to_json()}

    def _at(self, draft: Draft, name: str) -> StageProgress:
        return draft.moved.get(name) or self._stages.get(name) or StageProgress()

    def _read_by(self, name: str) -> Mapping[str, JsonValue]:
        """The outputs of what had arrived when the stage started."""
        arrived = self._stages[name].arrived
        if arrived is None:
            arrived = self._plan.arrived(name, self._statuses)
        return {upstream: self._outputs.get(upstream) for upstream in arrived}
