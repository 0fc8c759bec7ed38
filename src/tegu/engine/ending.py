"""How stages end that do not by themselves: another stage cancels them, their deadline passes, their run ends.

Called by the driver while it puts a checkpoint together. Invariants: an attempt that is under way is noted as ended before
its stage moves, and is named in `drops`, so that it is dropped once that is stored; one that this very checkpoint would have
started never was.
"""

from dataclasses import replace

from tegu.domain.errors import ErrorInfo
from tegu.domain.json import storable_json
from tegu.domain.status import StageStatus
from tegu.engine.progress import Draft, StageProgress
from tegu.engine.settle import Settled, failed_for_good

DEADLINE_EXCEEDED = "deadline_exceeded"


def cancelled(draft: Draft, name: str, stage: StageProgress, *, by: str) -> Settled:
    """It ends because the stage `by` starts."""
    reason = ErrorInfo("cancelled", f"stage {by!r} started, which cancels it", stage=name)
    draft.event("stage.cancelled", name, {"by": by})
    return Settled(dropped(draft, name, stage, reason))


def expired(draft: Draft, name: str, stage: StageProgress, deadline_s: float | None) -> Settled:
    """Its own deadline has passed, however many retries are left."""
    allowed = f" the {deadline_s:g} s of" if deadline_s is not None else ""
    error = ErrorInfo(
        DEADLINE_EXCEEDED,
        f"stage {name!r} has not ended within{allowed} its deadline, attempts and waits together",
        stage=name,
        hint="raise deadline_s",
    )
    halted = _halted(draft, name, stage, "failed", error)
    if halted.status is StageStatus.PENDING:  # handed back, and pending has no way to failed
        halted = halted.moved(StageStatus.RUNNING)
    return failed_for_good(draft, name, halted, error)


def run_expired(deadline_s: float | None) -> ErrorInfo:
    """The deadline of the run has passed."""
    allowed = f" the {deadline_s:g} s of" if deadline_s is not None else ""
    return ErrorInfo(
        DEADLINE_EXCEEDED, f"the run has not ended within{allowed} its deadline", hint="raise deadline_s"
    )


def dropped(draft: Draft, name: str, stage: StageProgress, reason: ErrorInfo | None = None) -> StageProgress:
    """It is cancelled, whether it was pending, waited or was under way."""
    ended = _halted(draft, name, stage, "cancelled", reason).moved(StageStatus.CANCELLED)
    draft.move(name, ended, error=storable_json(reason.to_json()) if reason is not None else None)
    return ended


def _halted(
    draft: Draft, name: str, stage: StageProgress, outcome: str, error: ErrorInfo | None
) -> StageProgress:
    """The stage without the attempt that was under way, if one was."""
    if stage.status is not StageStatus.RUNNING:
        return stage
    if name in draft.starts:
        started = draft.unstart(name)
        return replace(started, attempt=started.attempt - 1)
    text = storable_json(error.to_json()) if error is not None else None
    draft.attempt(name, stage, outcome, error=text)
    draft.drops.append(name)
    return stage
