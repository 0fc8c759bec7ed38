"""The checkpoint: one statement that stores what happened in many runs, each fenced by (owner, epoch, rev).

Called by the engine's commit lanes. Invariant: for every run, either everything of its checkpoint is stored and its
rev is one higher, or nothing is.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.slices import split_name
from tegu.storage.claims import RunKey
from tegu.storage.statements import statement


@dataclass(frozen=True, slots=True)
class StageWrite:
    """One stage run as it is from now on. `output` and `error` are JSON text. `deadline_in_s` and `arrived` are written once,
    with its first start.
    """

    stage: str
    status: StageStatus
    attempt: int
    failures: int = 0
    crashes: int = 0
    generation: int = 0
    due_in_s: float | None = None
    model: str | None = None
    fingerprint: str | None = None
    output: str | None = None
    error: str | None = None
    reused_from: UUID | None = None
    deadline_in_s: float | None = None
    arrived: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class AttemptWrite:
    """An attempt that ended."""

    stage: str
    attempt: int
    outcome: str
    error: str | None = None
    elapsed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ResultWrite:
    """A result. `data` and `evidence` are JSON text."""

    stage: str
    type: str
    key: str
    data: str
    confidence: float | None = None
    confidence_method: str | None = None
    evidence: str = "[]"
    llm_call_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class EventWrite:
    """An event of the run, in the order of the list. `data` is JSON text."""

    kind: str
    stage: str | None = None
    data: str | None = None


@dataclass(frozen=True, slots=True)
class RunWrite:
    """Everything that one checkpoint stores of one run, and what it expects to find there."""

    organization_id: UUID
    run_id: UUID
    epoch: int
    rev: int
    inbox: int
    status: RunStatus
    due_in_s: float = 0.0
    error: str | None = None
    stages: tuple[StageWrite, ...] = ()
    attempts: tuple[AttemptWrite, ...] = ()
    results: tuple[ResultWrite, ...] = ()
    events: tuple[EventWrite, ...] = ()

    @property
    def key(self) -> RunKey:
        """(organization, run)."""
        return self.organization_id, self.run_id

    @property
    def size_bytes(self) -> int:
        """About how much it sends, in characters: what bounds a batch besides its length."""
        outputs = sum(len(write.output or "") for write in self.stages)
        return 500 + outputs + sum(len(write.data) + len(write.evidence) for write in self.results)


@dataclass(frozen=True, slots=True)
class Applied:
    """The checkpoint of a run is stored, and this is what the run has heard meanwhile."""

    cancel_requested: bool
    inbox: int


@dataclass(frozen=True, slots=True)
class Fence:
    """Where a run stands."""

    owner: UUID | None
    epoch: int
    rev: int
    inbox: int
    cancel_requested: bool


class Checkpoints:
    """The checkpoint statement on one connection of its own: a commit lane."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def store(self, worker_id: UUID, writes: Sequence[RunWrite]) -> list[Applied | None]:
        """One transaction for all; None for a run that did not match its fence. Raises the driver's exceptions."""
        rows = await self._connection.fetch(statement("checkpoint"), worker_id, *_parameters(writes))
        applied: list[Applied | None] = [None] * len(writes)
        for row in rows:
            applied[row["i"] - 1] = Applied(row["cancel_requested"], row["inbox"])
        return applied

    async def read_fences(self, keys: Iterable[RunKey]) -> dict[RunKey, Fence]:
        """Where the runs stand now; a run that is gone is missing."""
        pairs = list(keys)
        rows = await self._connection.fetch(
            statement("read_fence"), [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        )
        return {
            (row["organization_id"], row["id"]): Fence(
                row["owner"], row["epoch"], row["rev"], row["inbox"], row["cancel_requested"]
            )
            for row in rows
        }


def _parameters(writes: Sequence[RunWrite]) -> list[list[Any]]:
    """$2 to $46, in the order of checkpoint.sql."""
    return [
        *_transpose(
            9,
            writes,
            lambda w: (
                w.organization_id,
                w.run_id,
                w.epoch,
                w.rev,
                w.status.value,
                len(w.events),
                w.due_in_s,
                w.inbox,
                w.error,
            ),
        ),
        *_transpose(13, _numbered(writes, lambda w: w.stages), _stage),
        *_transpose(
            6,
            _numbered(writes, lambda w: w.attempts),
            lambda p: (p[0], p[1].stage, p[1].attempt, p[1].outcome, p[1].error, p[1].elapsed_ms),
        ),
        *_transpose(9, _numbered(writes, lambda w: w.results), _result),
        *_transpose(5, _events(writes), lambda row: row),
        *_transpose(3, [stage for write in writes for stage in write.stages], _more_of_stage),
    ]


def _stage(pair: tuple[int, StageWrite]) -> tuple[Any, ...]:
    i, w = pair
    counts = (w.attempt, w.failures, w.crashes, w.generation)
    return (
        i,
        *split_name(w.stage),
        w.status.value,
        *counts,
        w.due_in_s,
        w.model,
        w.fingerprint,
        w.output,
        w.error,
    )


def _more_of_stage(w: StageWrite) -> tuple[Any, ...]:
    # As text: a list of lists would be taken for a matrix.
    arrived = None if w.arrived is None else "{" + ",".join(f'"{name}"' for name in w.arrived) + "}"
    return (w.reused_from, w.deadline_in_s, arrived)


def _result(pair: tuple[int, ResultWrite]) -> tuple[Any, ...]:
    i, w = pair
    return (
        i,
        w.stage,
        w.type,
        w.key,
        w.data,
        w.confidence,
        w.confidence_method,
        w.evidence,
        w.llm_call_id,
    )


def _events(writes: Sequence[RunWrite]) -> list[tuple[Any, ...]]:
    return [
        (i, n, event.kind, event.stage, event.data)
        for i, write in enumerate(writes, 1)
        for n, event in enumerate(write.events, 1)
    ]


def _numbered(
    writes: Sequence[RunWrite], part: Callable[[RunWrite], tuple[Any, ...]]
) -> list[tuple[int, Any]]:
    return [(i, row) for i, write in enumerate(writes, 1) for row in part(write)]


def _transpose(width: int, rows: Sequence[Any], row_of: Callable[[Any], tuple[Any, ...]]) -> list[list[Any]]:
    """Rows to columns; empty columns where there are no rows."""
    columns = list(zip(*map(row_of, rows), strict=True))
    return [list(column) for column in columns] if columns else [[] for _ in range(width)]
