"""What holds runs back although they are due: pauses, and how many runs of an organization may be under way.

An organization sees and sets its own pauses (under tegu_app); those of everybody and the limits are the operator's (under
tegu_engine). Called by the actions and by `runs`. Enforced by the claim, and nowhere else.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Text, and_, cast, func, literal, select
from sqlalchemy.dialects.postgresql import insert

from tegu.domain.operations import Pause, limit_reached
from tegu.storage.statements import statement
from tegu.storage.tables import organization_limits, pauses, pipelines, runs
from tegu.storage.transaction import Transaction

EVERYBODY = EVERY_PIPELINE = UUID(int=0)


async def list_pauses(connection: Transaction, organization_id: UUID) -> list[Pause]:
    """Those that hold back runs of the organization: everybody's first, then its own."""
    return list((await _pauses(connection, organization_id)).values())


async def pause(
    connection: Transaction, organization_id: UUID, pipeline_id: UUID | None, reason: str | None
) -> datetime:
    """Hold back the runs of a pipeline, or of the whole organization. Returns since when they are."""
    row = insert(pauses).values(
        organization_id=organization_id,
        pipeline_id=pipeline_id or EVERY_PIPELINE,
        reason=reason,
        paused_at=func.clock_timestamp(),
    )
    again = row.on_conflict_do_update(
        index_elements=["organization_id", "pipeline_id"], set_={"reason": reason}
    )
    paused_at: datetime = await connection.scalar(again.returning(pauses.c.paused_at))
    return paused_at


async def resume(connection: Transaction, organization_id: UUID, pipeline_id: UUID | None) -> bool:
    """Let them go on. False: they were not paused."""
    mine = and_(
        pauses.c.organization_id == organization_id, pauses.c.pipeline_id == (pipeline_id or EVERY_PIPELINE)
    )
    return await connection.scalar(pauses.delete().where(mine).returning(pauses.c.pipeline_id)) is not None


async def runs_max(connection: Transaction, organization_id: UUID) -> int | None:
    """How many runs of the organization may be under way at once; None: as many as there are slots."""
    query = select(organization_limits.c.runs_max)
    return await connection.scalar(query.where(organization_limits.c.organization_id == organization_id))


async def reasons_of(
    connection: Transaction, organization_id: UUID, free: Sequence[Mapping[Any, Any]]
) -> dict[UUID, str]:
    """Why runs that are due and free are not taken, by run; those that nothing holds back are missing."""
    if not free:
        return {}
    paused = await _pauses(connection, organization_id)
    found: dict[UUID, str] = {}
    for row in free:
        for place in (
            (EVERYBODY, EVERY_PIPELINE),
            (organization_id, EVERY_PIPELINE),
            (organization_id, row["pipeline_id"]),
        ):
            if place in paused:
                found.setdefault(row["id"], str(paused[place]))
    if len(found) < len(free) and (limit := await _reached_limit(connection, organization_id)):
        for row in free:
            found.setdefault(row["id"], limit_reached(limit))
    return found


async def pause_everybody(pool: "asyncpg.Pool[asyncpg.Record]", reason: str | None) -> None:
    """Hold back the runs of all organizations."""
    await pool.execute(statement("pause_everybody"), reason)


async def resume_everybody(pool: "asyncpg.Pool[asyncpg.Record]") -> bool:
    """Let them go on, but for those that their organizations paused. False: they were not paused."""
    return await pool.fetchval(statement("resume_everybody")) is not None


async def set_runs_max(
    pool: "asyncpg.Pool[asyncpg.Record]", organization_id: UUID, runs_max: int | None
) -> None:
    """Limit how many runs of an organization are under way at once; None: no longer. Those under way go on."""
    await pool.execute(statement("set_runs_max"), organization_id, runs_max)


async def _pauses(connection: Transaction, organization_id: UUID) -> dict[tuple[UUID, UUID], Pause]:
    query = (
        select(pauses, pipelines.c.name)
        .select_from(
            pauses.outerjoin(
                pipelines,
                and_(
                    pipelines.c.organization_id == pauses.c.organization_id,
                    pipelines.c.id == pauses.c.pipeline_id,
                ),
            )
        )
        .where(pauses.c.organization_id.in_((organization_id, EVERYBODY)))
        .order_by(pauses.c.organization_id, pauses.c.pipeline_id)
    )
    return {
        (row["organization_id"], row["pipeline_id"]): Pause(
            row["name"], row["reason"], row["paused_at"], is_everybodys=row["organization_id"] == EVERYBODY
        )
        for row in (await connection.execute(query)).mappings()
    }


async def _reached_limit(connection: Transaction, organization_id: UUID) -> int | None:
    """The limit, where as many runs are under way."""
    limit = await runs_max(connection, organization_id)
    if limit is None:
        return None
    under_way = select(literal(1)).where(
        cast(runs.c.organization_id, Text) == str(organization_id), runs.c.owner.is_not(None)
    )
    counted = select(func.count()).select_from(under_way.limit(limit).subquery())
    return limit if await connection.scalar(counted) >= limit else None
