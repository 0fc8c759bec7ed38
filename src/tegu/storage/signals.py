"""Signals that runs are sent: stored by the actions, found by the stages that wait for one.

Invariants: a signal and the run's `inbox` change together, so that it is never overlooked, whether the run waits, is owned or
has lost its owner; a signal with a key is stored once. Locks the run before its signals.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
from pydantic import JsonValue
from pydantic_core import from_json
from sqlalchemy import case, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.signal import RunSignal
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.storage.outages import PatientPool
from tegu.storage.statements import statement
from tegu.storage.tables import run_events, run_signals, runs, stage_runs
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen


@dataclass(frozen=True, slots=True)
class Addressed:
    """A run that is locked until the transaction ends. `active` are its stages that are under way or wait."""

    status: RunStatus
    version_id: UUID
    signals: int
    active: frozenset[str]


@dataclass(frozen=True, slots=True)
class NewSignal:
    """What to tell a run. `stages`: only these may hear it; `key`: the same one is stored once."""

    name: str
    data: JsonValue = None
    key: str | None = None
    stages: tuple[str, ...] | None = None


async def address(
    connection: Transaction, organization_id: UUID, run_id: UUID, rows: Rows = ALL_ROWS
) -> Addressed | None:
    """Lock the run and see where it stands; None: there is no such run."""
    mine = (runs.c.organization_id == organization_id) & (runs.c.id == run_id)
    mine &= pipelines_seen(organization_id, rows, runs.c.pipeline_id)
    query = select(runs.c.status, runs.c.version_id).where(mine).with_for_update(key_share=True)
    run = (await connection.execute(query)).first()
    if run is None:
        return None
    sent = select(func.count()).where(
        run_signals.c.organization_id == organization_id, run_signals.c.run_id == run_id
    )
    active = select(stage_runs.c.stage).where(
        stage_runs.c.organization_id == organization_id,
        stage_runs.c.run_id == run_id,
        stage_runs.c.status.in_((StageStatus.RUNNING.value, StageStatus.WAITING.value)),
    )
    return Addressed(
        RunStatus(run.status),
        run.version_id,
        await connection.scalar(sent) or 0,
        frozenset((await connection.scalars(active)).all()),
    )


async def send(connection: Transaction, organization_id: UUID, run_id: UUID, signal: NewSignal) -> bool:
    """Store a signal for a run that `address` has locked, and wake it. False: one with this key was stored before."""
    stored = (
        upsert(run_signals)
        .values(
            organization_id=organization_id,
            run_id=run_id,
            id=new_id(),
            name=signal.name,
            data=signal.data,
            key=signal.key,
            stages=list(signal.stages) if signal.stages is not None else None,
            created_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing()
        .returning(run_signals.c.id)
    )
    if await connection.scalar(stored) is None:
        return False
    await tell(connection, organization_id, run_id, "run.signalled", {"name": signal.name})
    return True


async def tell(
    connection: Transaction,
    organization_id: UUID,
    run_id: UUID,
    kind: str,
    data: JsonObject,
    *,
    stage: str | None = None,
    item: str = "",
) -> None:
    """An event of a run that is locked; and it is due now if it waits, or its owner hears of it."""
    is_waiting = runs.c.owner.is_(None) & (runs.c.status == RunStatus.WAITING.value)
    woken = (
        update(runs)
        .where(runs.c.organization_id == organization_id, runs.c.id == run_id)
        .values(
            last_seq=runs.c.last_seq + 1,
            inbox=runs.c.inbox + 1,
            due_at=case((is_waiting, func.clock_timestamp()), else_=runs.c.due_at),
        )
    )
    seq = await connection.scalar(woken.returning(runs.c.last_seq))
    event = {"organization_id": organization_id, "run_id": run_id, "seq": seq, "kind": kind}
    await connection.execute(
        insert(run_events).values(**event, stage=stage, item=item, data=data, at=func.clock_timestamp())
    )


class SignalStore:
    """Implements `stages.reach.Signals` on the engine's pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = PatientPool(pool)

    async def find(self, task: StageTask, name: str) -> RunSignal | None:
        """See `stages.reach.Signals`."""
        row = await self._pool.fetchrow(
            statement("find_signal"), task.organization_id, task.run_id, name, split_name(task.stage.name)[0]
        )
        if row is None:
            return None
        data = from_json(row["data"]) if row["data"] is not None else None
        return RunSignal(row["name"], data, row["created_at"])
