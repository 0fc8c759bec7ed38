"""The rows that a policy lets an actor see, as conditions for queries.

Called by the reads of this room. Invariant: a condition only narrows; the organization is asked for beside it.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, true

from tegu.domain.actor import Rows
from tegu.storage.tables import pipelines, runs


def pipelines_seen(organization_id: UUID, rows: Rows, pipeline_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a row's pipeline is one of those that are seen."""
    if rows.pipelines is None:
        return true()
    return pipeline_id.in_(
        select(pipelines.c.id).where(
            pipelines.c.organization_id == organization_id, pipelines.c.name.in_(sorted(rows.pipelines))
        )
    )


def runs_seen(organization_id: UUID, rows: Rows, run_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a row's run is one of a pipeline that is seen; a row without a run is not, where anything is hidden."""
    if rows.runs is not None:
        return run_id.in_(sorted(rows.runs))
    if rows.pipelines is None:
        return true()
    return run_id.in_(
        select(runs.c.id).where(
            runs.c.organization_id == organization_id,
            pipelines_seen(organization_id, rows, runs.c.pipeline_id),
        )
    )
