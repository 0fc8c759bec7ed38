"""How a stage ended: values that stages return and the engine stores. A stage never raises to say these."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue

from tegu.domain.call import Fallback
from tegu.domain.errors import ErrorInfo
from tegu.domain.evidence import EvidenceSpan

BUDGET_EXHAUSTED = "budget_exhausted"
WAITS_FOR_REVIEW = "waits_for_review"
WAITS_FOR_RUNS = "waits_for_runs"
WAITS_FOR_SIGNAL = "waits_for_signal"
WAITS_FOR_TIME = "waits_for_time"
WAKEABLE_CODES = frozenset(
    {BUDGET_EXHAUSTED, WAITS_FOR_REVIEW, WAITS_FOR_RUNS, WAITS_FOR_SIGNAL, WAITS_FOR_TIME}
)
"""What a stage waits for that somebody may bring about: whoever does signals the run. checkpoint.sql and load_stages.sql
have the same list.
"""
_LOOKED_FOR = WAKEABLE_CODES - {BUDGET_EXHAUSTED}


class ConfidenceMethod(StrEnum):
    """How a confidence came about."""

    SELF_REPORTED = "self_reported"
    CALIBRATED = "calibrated"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Confidence:
    """A number from 0 to 1 and how it came about."""

    value: float
    method: ConfidenceMethod


@dataclass(frozen=True, slots=True)
class ResultDraft:
    """A result before it is stored. `key` tells results of one type and stage apart."""

    type: str
    data: JsonValue
    key: str = ""
    confidence: Confidence | None = None
    evidence: tuple[EvidenceSpan, ...] = ()
    llm_call_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """The stage has an output. `model` names those that answered, `fallbacks` why they and not others; `reused_from` is the
    run that it was made in, where that is another one.
    """

    output: JsonValue
    results: tuple[ResultDraft, ...] = ()
    model: str | None = None
    fingerprint: str | None = None
    fallbacks: tuple[Fallback, ...] = ()
    reused_from: UUID | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The attempt failed. `transient`: another may pass, if retries are left, after `retry_after_s` at the earliest.

    `rejected` says that a model's reply was stored and refused: the next attempt asks anew instead of replaying it.
    """

    error: ErrorInfo
    transient: bool = False
    retry_after_s: float | None = None
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class Crashed:
    """The child process that ran the stage alone died. Three of these quarantine the stage."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """The attempt could not go on for now, through nobody's fault: no capacity, no budget, a person who has not decided.
    It is no failure and uses up no retry. The stage waits, its run is released, and another attempt is made in `due_in_s`,
    or sooner if somebody wakes it. `waits_for` says why; calls that were answered meanwhile are replayed from the journal.
    """

    waits_for: ErrorInfo
    due_in_s: float

    @property
    def is_wakeable(self) -> bool:
        """Whether a signal to the run is a reason to look again at once."""
        return self.waits_for.code in WAKEABLE_CODES

    @property
    def is_look(self) -> bool:
        """Whether all that was done is to look whether what the stage waits for is there: no attempt, then."""
        return self.waits_for.code in _LOOKED_FOR


StageOutcome = Completed | Failed | Crashed | Postponed
