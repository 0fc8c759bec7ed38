"""The statuses of runs and stage runs, the moves allowed between them, and the one function that makes a move.

Called by whoever changes a status (the engine's checkpoint) before it writes. Invariant: a status that is not
reached through `transition` is never stored. The diagram in docs/status.md is generated from these tables.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from tegu.domain.errors import ConflictError


class RunStatus(StrEnum):
    """Where a run stands."""

    PENDING = "pending"  # started by someone; no worker has taken it yet, or its worker handed it back
    RUNNING = "running"  # a worker owns it, or owned it when that worker died
    WAITING = "waiting"  # nobody owns it until `due_at`: a retry delay, a budget, a provider's limit
    COMPLETED = "completed"  # every stage ended, and no failure counts
    FAILED = (
        "failed"  # a stage failed whose failure nothing handles, or the deadline passed; `error` says which
    )
    CANCELLED = "cancelled"  # someone asked; running stages were dropped

    @property
    def is_terminal(self) -> bool:
        """Whether the status is final."""
        return not RUN_MOVES[self]


class StageStatus(StrEnum):
    """Where one stage of a run stands."""

    PENDING = "pending"  # not started, or handed back undone by a worker that was told to stop
    RUNNING = "running"  # an attempt has begun and its end is not known
    WAITING = "waiting"  # not done and not given up: the next attempt is due at `due_at`
    COMPLETED = "completed"  # its output is stored and will not change
    FAILED = "failed"  # it failed for good
    SKIPPED = "skipped"  # its condition was false, or something it needs has no output
    CANCELLED = "cancelled"  # its run ended first, or a stage started that cancels it; `error` says which

    @property
    def is_terminal(self) -> bool:
        """Whether the status is final."""
        return not STAGE_MOVES[self]


RUN_MOVES: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.RUNNING: frozenset(
        {RunStatus.PENDING, RunStatus.WAITING, RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED}
    ),
    RunStatus.WAITING: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED}),
    RunStatus.COMPLETED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}

STAGE_MOVES: Mapping[StageStatus, frozenset[StageStatus]] = {
    StageStatus.PENDING: frozenset({StageStatus.RUNNING, StageStatus.SKIPPED, StageStatus.CANCELLED}),
    StageStatus.RUNNING: frozenset(
        {
            StageStatus.PENDING,
            StageStatus.WAITING,
            StageStatus.COMPLETED,
            StageStatus.FAILED,
            StageStatus.CANCELLED,
        }
    ),
    StageStatus.WAITING: frozenset({StageStatus.RUNNING, StageStatus.FAILED, StageStatus.CANCELLED}),
    StageStatus.COMPLETED: frozenset(),
    StageStatus.FAILED: frozenset(),
    StageStatus.SKIPPED: frozenset(),
    StageStatus.CANCELLED: frozenset(),
}

Status = TypeVar("Status", RunStatus, StageStatus)


def transition(now: Status, to: Status) -> Status:
    """`to`, if the table allows the move from `now`; staying is allowed while the status is not final.

    Raises ConflictError otherwise.
    """
    moves = RUN_MOVES[now] if isinstance(now, RunStatus) else STAGE_MOVES[now]
    if to in moves or (to == now and moves):
        return to
    noun = "run" if isinstance(now, RunStatus) else "stage run"
    raise ConflictError(
        f"a {noun} that is {now.value} cannot become {to.value}",
        hint=f"{now.value} is final" if not moves else f"it may become {', '.join(sorted(moves))}",
    )
