"""How many items of a mapped stage have ended, for whoever watches it.

Called by `families`, again and again while a map of thousands is under way. Invariant: the items of a slice that has ended are
counted once by each process, for they never change; so what is read is what the slices under way have, some hundred items each.
"""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select

from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.child import ItemCounts
from tegu.storage.tables import stage_runs
from tegu.storage.transaction import Transaction

_KNOWN_MAX = 50_000
_ENDED = [status.value for status in StageStatus if status.is_terminal]
_known: dict[tuple[UUID, UUID], ItemCounts] = {}
"""Of slices that have ended, by organization and run."""


async def items_of(
    connection: Transaction, organization_id: UUID, stage: str, slices: Mapping[UUID, RunStatus]
) -> ItemCounts:
    """Of all these slices of a mapped stage together."""
    known = {each: _known[organization_id, each] for each in slices if (organization_id, each) in _known}
    unknown = [each for each in slices if each not in known]
    counted = await _counted(connection, organization_id, stage, unknown) if unknown else {}
    for each in unknown:
        if slices[each].is_terminal:
            if len(_known) >= _KNOWN_MAX:
                _known.clear()
            _known[organization_id, each] = counted.get(each, ItemCounts())
    every = (*known.values(), *counted.values())
    return ItemCounts(
        sum(each.ended for each in every),
        sum(each.failed for each in every),
        sum(each.skipped for each in every),
    )


async def _counted(
    connection: Transaction, organization_id: UUID, stage: str, slices: list[UUID]
) -> dict[UUID, ItemCounts]:
    status = stage_runs.c.status
    query = (
        select(
            stage_runs.c.run_id,
            func.count().filter(status.in_(_ENDED)).label("ended"),
            func.count().filter(status == StageStatus.FAILED.value).label("failed"),
            func.count().filter(status == StageStatus.SKIPPED.value).label("skipped"),
        )
        .where(
            stage_runs.c.organization_id == organization_id,
            stage_runs.c.run_id.in_(slices),
            stage_runs.c.stage == stage,
        )
        .group_by(stage_runs.c.run_id)
    )
    return {
        row.run_id: ItemCounts(row.ended, row.failed, row.skipped) for row in await connection.execute(query)
    }
