"""Signals that runs are sent: stored by the actions, found by the stages that wait for one.

A signal that is kept is stored once, for the run that was addressed, and found by all that stem from it, children that are started
later among them. One for those who wait now is stored for each run in which one does, with the names of those stages.

Invariants: a signal and the `inbox` of every run in which a stage may wait for it change together, so that it is never overlooked,
whether the run waits, is owned or has lost its owner; a signal with a key is stored once. Locks the run that was addressed, then
those that stem from it, then signals.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from pydantic import JsonValue
from pydantic_core import from_json
from sqlalchemy import ColumnElement, Update, Uuid, any_, case, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.outcome import WAITS_FOR_SIGNAL
from tegu.domain.signal import RunSignal
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.task import StageTask
from tegu.storage.families import families
from tegu.storage.outages import PatientPool
from tegu.storage.statements import statement
from tegu.storage.tables import run_events, run_signals, runs, stage_runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

RowT = TypeVar("RowT")
_TOGETHER = 1000
_OPEN = (RunStatus.PENDING.value, RunStatus.RUNNING.value, RunStatus.WAITING.value)
_ACTIVE = (StageStatus.RUNNING.value, StageStatus.WAITING.value)


@dataclass(frozen=True, slots=True)
class Addressed:
    """A run that is locked until the transaction ends, and how many signals it was sent. `family` are it and those that stem from
    it and have not ended, which are locked likewise: none of them starts another meanwhile.
    """

    status: RunStatus
    signals: int
    family: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Listener:
    """A run with stages that are under way or wait, items by their full names."""

    run_id: UUID
    version_id: UUID
    is_slice: bool
    active: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewSignal:
    """What to tell a run. `key`: the same one is stored once."""

    name: str
    data: JsonValue = None
    key: str | None = None


async def address(
    connection: Transaction, organization_id: UUID, run_id: UUID, rows: Rows = ALL_ROWS
) -> Addressed | None:
    """Lock the run with all that stem from it, and see where it stands; None: there is no such run."""
    mine = (runs.c.organization_id == organization_id) & (runs.c.id == run_id)
    mine &= pipelines_seen(organization_id, rows, runs.c.pipeline_id)
    query = select(runs.c.status, runs.c.has_children).where(mine).with_for_update(key_share=True)
    run = (await connection.execute(query)).first()
    if run is None:
        return None
    sent = select(func.count()).where(
        run_signals.c.organization_id == organization_id, run_signals.c.run_id == run_id
    )
    below = await _hold_below(connection, organization_id, run_id) if run.has_children else ()
    return Addressed(RunStatus(run.status), await connection.scalar(sent) or 0, (run_id, *below))


async def _hold_below(connection: Transaction, organization_id: UUID, run_id: UUID) -> Sequence[UUID]:
    """Whoever starts a child has its parent locked: what such a one has started meanwhile is there at the next look, and once
    there is nothing new all are locked.
    """
    family = families(organization_id, [run_id])
    query = (
        select(runs.c.id)
        .where(
            runs.c.organization_id == organization_id,
            runs.c.id.in_(select(family.c.id)),
            runs.c.id != run_id,
            runs.c.status.in_(_OPEN),
        )
        .order_by(runs.c.id)
        .with_for_update(key_share=True)
    )
    held: Sequence[UUID] = ()
    while len(found := (await connection.scalars(query)).all()) > len(held):
        held = found
    return held


async def listeners(
    connection: Transaction, organization_id: UUID, run_ids: Sequence[UUID]
) -> tuple[Listener, ...]:
    """Those of these runs in which something is under way or waits."""
    item = stage_runs.c.item
    name = case((item == "", stage_runs.c.stage), else_=func.concat(stage_runs.c.stage, "#", item))
    both = (stage_runs.c.organization_id == runs.c.organization_id) & (stage_runs.c.run_id == runs.c.id)
    query = (
        select(runs.c.id, runs.c.version_id, runs.c.slice_stage.is_not(None), func.array_agg(name))
        .join_from(runs, stage_runs, both)
        .where(_among(organization_id, run_ids), stage_runs.c.status.in_(_ACTIVE))
        .group_by(runs.c.id, runs.c.version_id, runs.c.slice_stage)
    )
    rows = (await connection.execute(query)).all()
    return tuple(Listener(row[0], row[1], row[2], tuple(row[3])) for row in rows)


async def send(
    connection: Transaction, organization_id: UUID, family: Sequence[UUID], signal: NewSignal
) -> bool:
    """Store a signal for the first of a family that `address` has locked, and wake those of it that may wait for it. False: one
    with this key was stored before.
    """
    run_id, *below = family
    if not await send_to(connection, organization_id, {run_id: None}, signal):
        return False
    waits = (
        select(literal(1))
        .where(
            stage_runs.c.organization_id == organization_id,
            stage_runs.c.run_id == runs.c.id,
            stage_runs.c.status == StageStatus.WAITING.value,
            func.jsonb_extract_path_text(stage_runs.c.error, "code") == WAITS_FOR_SIGNAL,
        )
        .exists()
    )
    if below:
        # One that is owned may be about to wait; one that nobody owns, and in which nothing waits, will look.
        may_wait = runs.c.owner.is_not(None) | waits
        await connection.execute(_woken().where(_among(organization_id, below), may_wait))
    return True


async def send_to(
    connection: Transaction,
    organization_id: UUID,
    to: Mapping[UUID, Sequence[str] | None],
    signal: NewSignal,
) -> bool:
    """Store a signal for runs that `address` has locked, and wake them; some of their stages may hear it, or all. False: each had one
    with this key before.
    """
    told: list[UUID] = []
    for some in _pieces([*to.items()]):
        rows: list[dict[str, Any]] = [
            {
                "organization_id": organization_id,
                "run_id": run_id,
                "id": new_id(),
                "name": signal.name,
                "data": signal.data,
                "key": signal.key,
                "stages": None if stages is None else [*stages],
                "created_at": func.clock_timestamp(),
            }
            for run_id, stages in some
        ]
        stored = upsert(run_signals).values(rows).on_conflict_do_nothing().returning(run_signals.c.run_id)
        told += (await connection.scalars(stored)).all()
    await tell(connection, organization_id, told, "run.signalled", {"name": signal.name})
    return bool(told)


async def tell(
    connection: Transaction,
    organization_id: UUID,
    run_ids: Sequence[UUID],
    kind: str,
    data: JsonObject,
    *,
    stage: str | None = None,
    item: str = "",
) -> None:
    """An event of runs that are locked; and they are due now if they wait, or their owners hear of it."""
    woken = _woken().values(last_seq=runs.c.last_seq + 1).where(_among(organization_id, run_ids))
    seqs = await connection.execute(woken.returning(runs.c.id, runs.c.last_seq))
    rows: list[dict[str, Any]] = [
        {
            "organization_id": organization_id,
            "run_id": row.id,
            "seq": row.last_seq,
            "kind": kind,
            "stage": stage,
            "item": item,
            "data": data,
            "at": func.clock_timestamp(),
        }
        for row in seqs
    ]
    for some in _pieces(rows):
        await connection.execute(insert(run_events).values(some))


def _pieces(rows: Sequence[RowT]) -> Iterator[Sequence[RowT]]:
    """So many that a statement has room for their values."""
    return (rows[start : start + _TOGETHER] for start in range(0, len(rows), _TOGETHER))


def _among(organization_id: UUID, run_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """As one parameter, however many they are."""
    return (runs.c.organization_id == organization_id) & (runs.c.id == any_(literal([*run_ids], ARRAY(Uuid))))


def _woken() -> Update:
    """Runs that wait are due now; the owners of others hear of it."""
    is_waiting = runs.c.owner.is_(None) & (runs.c.status == RunStatus.WAITING.value)
    return update(runs).values(
        inbox=runs.c.inbox + 1, due_at=case((is_waiting, func.clock_timestamp()), else_=runs.c.due_at)
    )


class SignalStore:
    """Implements `stages.reach.Signals` on the engine's pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = PatientPool(pool)

    async def find(self, task: StageTask, name: str) -> RunSignal | None:
        """See `stages.reach.Signals`."""
        row = await self._pool.fetchrow(
            statement("find_signal"), task.organization_id, task.run_id, name, task.stage.name
        )
        if row is None:
            return None
        data = from_json(row["data"]) if row["data"] is not None else None
        return RunSignal(row["name"], data, row["created_at"])
