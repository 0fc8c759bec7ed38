"""Schedules as their organization sees and sets them, and which of all are due.

Called by the actions, under tegu_app; only the look for what is due is the engine's. Invariant: `next_at` is moved by whoever
holds the row, in the transaction that begins the runs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert

from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.schedule import Schedule, ScheduledInput, ScheduleSpec
from tegu.storage.statements import statement
from tegu.storage.tables import contents, mail_threads, schedules
from tegu.storage.transaction import Transaction

LISTED_MAX = 1000
DUE_MAX = 100


@dataclass(frozen=True, slots=True)
class DueSchedules:
    """Schedules of all organizations whose time has come, and when the first of the others is due (None: there is none)."""

    keys: tuple[tuple[UUID, UUID], ...]
    others_in_s: float | None


async def now(connection: Transaction) -> datetime:
    """The clock that schedules go by: the database's."""
    found: datetime = await connection.scalar(select(func.clock_timestamp()))
    return found


async def put_schedule(
    connection: Transaction, organization_id: UUID, name: str, spec: ScheduleSpec, next_at: datetime
) -> Schedule | None:
    """Make it. None: there is one of that name."""
    row = insert(schedules).values(
        organization_id=organization_id,
        id=new_id(),
        name=name,
        spec=_stored(spec),
        created_at=func.clock_timestamp(),
        next_at=next_at,
    )
    made = await connection.execute(row.on_conflict_do_nothing().returning(*schedules.c))
    found = made.mappings().first()
    return _schedule(found) if found is not None else None


async def list_schedules(connection: Transaction, organization_id: UUID) -> list[Schedule]:
    """All of the organization, by name."""
    query = select(schedules).where(schedules.c.organization_id == organization_id)
    rows = await connection.execute(query.order_by(schedules.c.name).limit(LISTED_MAX))
    return [_schedule(row) for row in rows.mappings()]


async def count_schedules(connection: Transaction, organization_id: UUID) -> int:
    """How many the organization has."""
    query = select(func.count()).where(schedules.c.organization_id == organization_id)
    found: int = await connection.scalar(query)
    return found


async def find_schedule(
    connection: Transaction, organization_id: UUID, which: str | UUID, *, locks: bool = False
) -> Schedule | None:
    """One by name or id, locked if it is to be changed."""
    is_it = schedules.c.id == which if isinstance(which, UUID) else schedules.c.name == which
    query = select(schedules).where(schedules.c.organization_id == organization_id, is_it)
    row = (await connection.execute(query.with_for_update() if locks else query)).mappings().first()
    return _schedule(row) if row is not None else None


async def remove_schedule(connection: Transaction, organization_id: UUID, name: str) -> bool:
    """Take it away; its runs stay. False: there is none."""
    mine = (schedules.c.organization_id == organization_id) & (schedules.c.name == name)
    return await connection.scalar(schedules.delete().where(mine).returning(schedules.c.id)) is not None


async def set_next(
    connection: Transaction, organization_id: UUID, schedule_id: UUID, next_at: datetime | None
) -> Schedule:
    """Let it go on at a time, or pause it (None). Returns it as it stands then."""
    paused_at = func.clock_timestamp() if next_at is None else None
    changed = (
        update(schedules)
        .where(schedules.c.organization_id == organization_id, schedules.c.id == schedule_id)
        .values(next_at=next_at, paused_at=paused_at)
    )
    return _schedule((await connection.execute(changed.returning(*schedules.c))).mappings().one())


async def pause_of(connection: Transaction, organization_id: UUID, pipeline: str) -> None:
    """Let the schedules of a pipeline, of whichever version, begin nothing until they are resumed."""
    await connection.execute(
        update(schedules)
        .where(_of(organization_id, pipeline), schedules.c.next_at.is_not(None))
        .values(next_at=None, paused_at=func.clock_timestamp())
    )


async def paused_of(connection: Transaction, organization_id: UUID, pipeline: str) -> list[str]:
    """The names of a pipeline's schedules that are paused, in order."""
    query = select(schedules.c.name).where(_of(organization_id, pipeline), schedules.c.next_at.is_(None))
    return list(await connection.scalars(query.order_by(schedules.c.name).limit(LISTED_MAX)))


def _of(organization_id: UUID, pipeline: str) -> ColumnElement[bool]:
    named = func.split_part(func.jsonb_extract_path_text(schedules.c.spec, "pipeline"), "@", 1)
    return (schedules.c.organization_id == organization_id) & (named == pipeline)


async def take_due(connection: Transaction, organization_id: UUID, schedule_id: UUID) -> Schedule | None:
    """Lock it, if its time has come and nobody else is at it."""
    query = select(schedules).where(
        schedules.c.organization_id == organization_id,
        schedules.c.id == schedule_id,
        schedules.c.next_at <= func.clock_timestamp(),
    )
    row = (await connection.execute(query.with_for_update(skip_locked=True))).mappings().first()
    return _schedule(row) if row is not None else None


async def note_fired(
    connection: Transaction,
    schedule_id: UUID,
    organization_id: UUID,
    *,
    next_at: datetime | None,
    run_ids: Sequence[UUID] = (),
    error: str | None = None,
) -> None:
    """Its time has come and went: what it began, or why it did not. Without a next time it is paused."""
    await connection.execute(
        update(schedules)
        .where(schedules.c.organization_id == organization_id, schedules.c.id == schedule_id)
        .values(
            last_at=func.clock_timestamp(),
            last_run_ids=list(run_ids),
            last_error=error,
            next_at=next_at,
            paused_at=func.clock_timestamp() if next_at is None else None,
        )
    )


async def missing_inputs(
    connection: Transaction, organization_id: UUID, inputs: Collection[ScheduledInput]
) -> list[UUID]:
    """Those that are not there (any more)."""
    wanted = {i.content_id for i in inputs if i.content_id}
    query = select(contents.c.id).where(
        contents.c.organization_id == organization_id,
        contents.c.id.in_(wanted),
        contents.c.deleted_at.is_(None),
    )
    there = set(await connection.scalars(query)) if wanted else set[UUID]()
    threads = {i.thread_id for i in inputs if i.thread_id}
    query = select(mail_threads.c.id).where(
        mail_threads.c.organization_id == organization_id, mail_threads.c.id.in_(threads)
    )
    there |= set(await connection.scalars(query)) if threads else set[UUID]()
    return sorted((wanted | threads) - there)


async def due_schedules(pool: "asyncpg.Pool[asyncpg.Record]") -> DueSchedules:
    """What is due of all organizations, the longest ago first, at most `DUE_MAX`."""
    rows = await pool.fetch(statement("due_schedules"), DUE_MAX)
    keys = tuple((row["organization_id"], row["id"]) for row in rows if row["id"] is not None)
    return DueSchedules(keys, rows[0]["others_in_s"])


def _stored(spec: ScheduleSpec) -> JsonObject:
    return {
        "pipeline": spec.pipeline,
        "cron": spec.cron,
        "zone": spec.zone,
        "inputs": [{"content": _text(i.content_id), "thread": _text(i.thread_id)} for i in spec.inputs],
        "model": spec.model,
        "priority": spec.priority,
        "budget_usd": str(spec.budget_usd) if spec.budget_usd is not None else None,
    }


def _schedule(row: Mapping[Any, Any]) -> Schedule:
    spec = row["spec"]
    return Schedule(
        id=row["id"],
        name=row["name"],
        spec=ScheduleSpec(
            pipeline=spec["pipeline"],
            cron=spec["cron"],
            zone=spec["zone"],
            inputs=tuple(ScheduledInput(_uuid(i["content"]), _uuid(i["thread"])) for i in spec["inputs"]),
            model=spec["model"],
            priority=spec["priority"],
            budget_usd=Decimal(spec["budget_usd"]) if spec["budget_usd"] is not None else None,
        ),
        created_at=row["created_at"],
        next_at=row["next_at"],
        paused_at=row["paused_at"],
        last_at=row["last_at"],
        last_run_ids=tuple(row["last_run_ids"]),
        last_error=row["last_error"],
    )


def _text(value: UUID | None) -> str | None:
    return str(value) if value is not None else None


def _uuid(value: str | None) -> UUID | None:
    return UUID(value) if value is not None else None
