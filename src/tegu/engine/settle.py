"""What the end of one attempt makes of its stage: completed, failed for good, waiting, or to be run again alone.

Called by the driver while it puts a checkpoint together. Pure: it writes onto the draft and tells the driver, which
alone knows the other stages, where the stage stands now.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import assert_never

from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.domain.json import JsonObject, storable_json
from tegu.domain.outcome import Completed, Crashed, Failed, Postponed, StageOutcome
from tegu.domain.status import StageStatus
from tegu.engine.progress import UNSTORABLE, Draft, StageProgress, refusal, stored_json

CRASHES_MAX = 3
POSTPONED_S_MAX = 86_400.0

DelayOf = Callable[[int, float | None], float]
"""Failures so far, and the least that a provider asked for -> seconds until the next attempt."""


RetriesOf = Callable[[Failed], int]
"""How many further attempts such a failure is given in all."""


@dataclass(frozen=True, slots=True)
class Settled:
    """Where the stage stands. While it is still `running` it is to be started again, alone."""

    stage: StageProgress
    output: JsonValue = None
    error: ErrorInfo | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """An attempt that ended."""

    stage: str
    outcome: StageOutcome
    elapsed_ms: int


def settle(
    draft: Draft, end: Ended, stage: StageProgress, *, retries_of: RetriesOf, delay_of: DelayOf, inbox: int
) -> Settled:
    """`stage` is where it stood while the attempt ran; `inbox` how many signals the run has heard."""
    match end.outcome:
        case Completed():
            return _completed(draft, end, stage, end.outcome)
        case Failed():
            return _failed(draft, end, stage, end.outcome, retries_of=retries_of, delay_of=delay_of)
        case Crashed():
            return _crashed(draft, end, stage, end.outcome)
        case Postponed():
            return _postponed(draft, end, stage, end.outcome, inbox)
        case _:
            assert_never(end.outcome)


def quarantined(draft: Draft, name: str, stage: StageProgress, reason: str) -> Settled:
    """It took processes down too often."""
    hint = "it is quarantined; run its input through the stage's code alone to find the cause"
    error = ErrorInfo("quarantined", f"stage {name!r}: {reason}", stage=name, hint=hint)
    return failed_for_good(draft, name, stage, error)


def failed_for_good(draft: Draft, name: str, stage: StageProgress, error: ErrorInfo) -> Settled:
    """No further attempt is made."""
    failed = stage.moved(StageStatus.FAILED)
    draft.move(name, failed, error=storable_json(error.to_json()))
    draft.event("stage.failed", name, error.to_json())
    return Settled(failed, error=error)


def _completed(draft: Draft, end: Ended, stage: StageProgress, outcome: Completed) -> Settled:
    name = end.stage
    try:
        output, text = stored_json(outcome.output)
        results = [
            (result, text if result.data is outcome.output else stored_json(result.data)[1])
            for result in outcome.results
        ]
    except UNSTORABLE as error:
        refused = refusal(name, error)
        draft.attempt(
            name, stage, "failed", error=storable_json(refused.to_json()), elapsed_ms=end.elapsed_ms
        )
        return failed_for_good(draft, name, replace(stage, failures=stage.failures + 1), refused)
    completed = stage.moved(StageStatus.COMPLETED)
    draft.move(
        name,
        completed,
        output=text,
        model=outcome.model,
        fingerprint=outcome.fingerprint,
        reused_from=outcome.reused_from,
    )
    draft.attempt(name, stage, "completed", elapsed_ms=end.elapsed_ms)
    for result, data in results:
        draft.result(name, result, data)
    about: JsonObject = {"elapsed_ms": end.elapsed_ms}
    if outcome.fallbacks:
        about["fallbacks"] = [fallback.to_json() for fallback in outcome.fallbacks]
    if outcome.reused_from is not None:
        about["reused_from"] = str(outcome.reused_from)
    draft.event("stage.completed", name, about)
    return Settled(completed, output=output)


def _failed(
    draft: Draft,
    end: Ended,
    stage: StageProgress,
    outcome: Failed,
    *,
    retries_of: RetriesOf,
    delay_of: DelayOf,
) -> Settled:
    name, error = end.stage, replace(outcome.error, stage=end.stage)
    text = storable_json(error.to_json())
    draft.attempt(name, stage, "failed", error=text, elapsed_ms=end.elapsed_ms)
    failures = stage.failures + 1
    if failures > retries_of(outcome):
        return failed_for_good(draft, name, replace(stage, failures=failures), error)
    delay_s = delay_of(failures, outcome.retry_after_s)
    waiting = stage.moved(
        StageStatus.WAITING,
        failures=failures,
        generation=stage.generation + outcome.rejected,
        due=monotonic() + delay_s,
    )
    draft.move(name, waiting, due_in_s=delay_s, error=text)
    data: JsonObject = {"attempt": stage.attempt, "due_in_s": round(delay_s, 3), "error": error.to_json()}
    draft.event("stage.retrying", name, data)
    return Settled(waiting)


def _postponed(draft: Draft, end: Ended, stage: StageProgress, outcome: Postponed, inbox: int) -> Settled:
    name, reason = end.stage, replace(outcome.waits_for, stage=end.stage)
    text = storable_json(reason.to_json())
    delay_s = min(POSTPONED_S_MAX, max(0.0, outcome.due_in_s))
    if outcome.is_wakeable and inbox > stage.heard:
        delay_s = 0.0  # signalled while the attempt ran, which may have looked before
    if outcome.is_look:  # a stage may look for weeks: no row, and the next look has the same number
        stage = replace(stage, attempt=stage.attempt - 1)
    else:
        draft.attempt(name, stage, "handed_back", error=text, elapsed_ms=end.elapsed_ms)
    waiting = stage.moved(StageStatus.WAITING, due=monotonic() + delay_s, is_wakeable=outcome.is_wakeable)
    draft.move(name, waiting, due_in_s=delay_s, error=text)
    data: JsonObject = {"due_in_s": round(delay_s, 3), "reason": reason.to_json()}
    draft.event("stage.waiting", name, data)
    return Settled(waiting)


def _crashed(draft: Draft, end: Ended, stage: StageProgress, outcome: Crashed) -> Settled:
    name, crashes = end.stage, stage.crashes + 1
    error = ErrorInfo("crashed", outcome.reason, stage=name)
    draft.attempt(name, stage, "crashed", error=storable_json(error.to_json()), elapsed_ms=end.elapsed_ms)
    draft.event("stage.crashed", name, {"crashes": crashes, "reason": outcome.reason})
    counted = replace(stage, crashes=crashes, is_alone=True)
    if crashes < CRASHES_MAX:
        return Settled(counted)
    reason = f"it crashed its process {crashes} times, the last time: {outcome.reason}"
    return quarantined(draft, name, counted, reason)
