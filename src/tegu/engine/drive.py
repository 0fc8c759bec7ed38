"""The driver of one owned run: it gathers what happened, decides what follows, and says what to store and to start.

Called by the worker (stages that ended, signals) and by a commit lane (`take`, then `applied` or `refused`); how the stages
move is `course`. It does no I/O. Invariants: nothing starts before the checkpoint that says so is stored; at most one
checkpoint is under way; memory follows the database, never the other way round.

    ended(stage) ... -> take() -> RunWrite -> [stored]  -> applied() -> stages to start
                                           -> [refused] -> refused() -> the stages whose outputs were in it fail
"""

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from time import monotonic
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.outcome import Failed, StageOutcome
from tegu.domain.status import RunStatus, transition
from tegu.engine.course import Course
from tegu.engine.observed import ObservedRun
from tegu.engine.progress import (
    Draft,
    refusal,
)
from tegu.engine.retry import RetryPolicy
from tegu.engine.settle import Ended
from tegu.pipeline.plan import Plan
from tegu.pipeline.task import StageTask
from tegu.storage.checkpoints import Applied, RunWrite
from tegu.storage.claims import ClaimedRun, RunKey, StageState

_REFUSALS_MAX = 5


class RunDriver:
    """One run that this worker owns. `dropped` are the stages whose attempts end with the checkpoint that was applied last."""

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
        self.alarm: float | None = None  # the worker's, which looks at the run when it goes off
        self.dropped: tuple[str, ...] = ()
        self.observed = ObservedRun(run, plan.definition, worker_id)
        self._course = Course(run, plan, stored, facts, retry=retry, random=random, now=self.claimed_at)
        self._rev = run.rev
        self._inbox = run.inbox
        self._seen = run.inbox  # by the checkpoint that is under way
        self._cancel_requested = run.cancel_requested
        self._hand_back = False
        self._is_paused = False
        self._ended: list[Ended] = []
        self._one_by_one = False
        self._refusals = 0
        self._taken: tuple[Draft, list[Ended], RunStatus] | None = None

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
        """When the next waiting stage is due, or a deadline passes, on the monotonic clock."""
        return self._course.next_due

    def let_go(self) -> None:
        """The worker forgets the run."""
        self.observed.end("lost" if self.is_lost else self.status.value, self._course.error)

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
            self._course.wake()
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
        course = self._course
        ended = [end for end in self._ended if course.is_under_way(end.stage)]
        upto = 1 if self._one_by_one else len(ended)
        draft, ended, self._ended = Draft(), ended[:upto], ended[upto:]
        if self._rev == 0:
            course.begin(draft)
        course.recover_crashed(draft)
        for end in ended:
            course.settle(draft, end, inbox=self._inbox)
        course.expire(draft)
        if self._cancel_requested:
            status = course.cancel(draft)
        elif course.is_overdue:
            status = course.end_overdue(draft)
        elif self._hand_back and not (ended and course.is_over):
            status = course.give_up(draft)
        else:
            status = course.advance(draft, is_paused=self._is_paused)
        if not (draft.stages or draft.events or status is not RunStatus.RUNNING):
            return None
        self._taken = (draft, ended, status)
        self._seen = self._inbox
        # What is let go of while it may not start anything has perhaps not acted on the last signal: whoever goes on does.
        has_acted = not self._is_paused and status is not RunStatus.PENDING
        return draft.written(
            self.run,
            rev=self._rev,
            inbox=self._inbox if has_acted else self._inbox - 1,
            status=transition(self.status, status),
            due_in_s=course.due_in_s(draft) if status is RunStatus.WAITING else 0.0,
            error=self._course.error,
        )

    def applied(self, applied: Applied) -> tuple[StageTask, ...]:
        """The checkpoint is stored. Returns the stages to start now."""
        assert self._taken is not None
        draft, _, status = self._taken
        self._taken = None
        self._refusals = 0
        self._rev += 1
        self.status = status
        self.dropped = tuple(draft.drops)
        self._course.keep(draft)
        self.heard(cancel_requested=applied.cancel_requested, inbox=applied.inbox)
        if applied.inbox > self._seen:
            self._course.wake()
        return self._course.tasks(draft.starts, inbox=self._inbox)

    def refused(self, error: Exception) -> bool:
        """PostgreSQL refuses something in the checkpoint. Several outputs are then tried one by one; the stage of a
        single one fails, by name. False: it goes on refusing, and the run is better dropped.
        """
        assert self._taken is not None
        draft, ended, _ = self._taken
        self._taken = None
        self._refusals += 1
        self._course.take_back(draft)
        if len(ended) > 1:
            self._one_by_one = True
        else:
            ended = [replace(e, outcome=Failed(refusal(e.stage, error))) for e in ended]
        self._ended = ended + self._ended
        return self._refusals < _REFUSALS_MAX
