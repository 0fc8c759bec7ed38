"""Two runs, side by side: what differs between them, and why. What is shown to people and programs."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from pydantic import JsonValue, computed_field

from tegu.domain.difference import ChangeKind
from tegu.domain.run import CallTotals
from tegu.domain.status import RunStatus, StageStatus


class ChangedPart(StrEnum):
    """Of what a change is."""

    DEFINITION = "definition"  # of the pipeline's versions
    OUTPUT = "output"  # of a stage
    RESULT = "result"  # which results there are, where the output is the same
    CONFIDENCE = "confidence"  # of a result
    EVIDENCE = "evidence"  # of a result: it has moved, or is another


@dataclass(frozen=True, slots=True)
class Change:
    """One place that differs. `pointer` leads into the stage's entry, its output or its result (`result` says which one, as
    `type` or `type/key`, with `#3` behind it for an item of a map). A value that is too long is cut, and then a text.
    """

    part: ChangedPart
    stage: str | None
    pointer: str
    kind: ChangeKind
    before: JsonValue
    after: JsonValue
    result: str | None = None


@dataclass(frozen=True, slots=True)
class RunSide:
    """One of the two runs."""

    run_id: UUID
    pipeline: str
    version: int
    status: RunStatus
    model: str | None
    forked_from: UUID | None
    elapsed_s: float | None
    totals: CallTotals
    version_label: str = ""


@dataclass(frozen=True, slots=True)
class StageSide:
    """A stage in one of the two. `totals` are its calls in this very run, and those of the runs that it started: of a stage that
    was reused there are none. The `requests` are hashes of what the stage itself sent, in order.
    """

    status: StageStatus
    attempts: int
    model: str | None
    reused_from: UUID | None
    is_edited: bool
    elapsed_s: float | None
    totals: CallTotals
    requests: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StageComparison:
    """A stage in both; None where the version has no such stage, or the run did not come to it. `differs` counts the places in
    which its outputs differ, at most as many as are looked at. `why` names what its output depends on and what is another
    (`instructions`, `model`, `input:classify`: components of fingerprints), or one of

        given         somebody gave the output
        condition     one was skipped
        failed_before one was not come to: a stage before it failed
        asked_again   the same question, asked again, was answered otherwise
        unknown       one has no fingerprint

    and is empty where nothing differs. `instructions` is how they changed, as lines with + and -.
    """

    stage: str
    a: StageSide | None
    b: StageSide | None
    differs: int
    why: tuple[str, ...]
    instructions: str | None = None


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Two runs, stage by stage, and one page of the places in which they differ."""

    a: RunSide
    b: RunSide
    is_same_input: bool
    stages: tuple[StageComparison, ...]
    changes: tuple[Change, ...]
    next_cursor: str | None = None

    @computed_field
    @property
    def is_same(self) -> bool:
        """Whether every stage ended in the same way with the same output."""
        return not any(stage.why or stage.differs for stage in self.stages)
