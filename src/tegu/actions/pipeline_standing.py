"""What a pipeline's name stands for: going back to an older version, archiving, restoring.

Called by `declared`. Invariants: versions and runs stay as they are, a run ends on the version that it began with; what is
archived begins nothing, by whomever it is asked, until it is restored.
"""

from dataclasses import dataclass
from datetime import datetime

from tegu.actions.pipelines import find_in, name_of, unknown_pipeline
from tegu.actions.scope import Scope
from tegu.domain.errors import NotFoundError
from tegu.pipeline.pipeline_name import base_name
from tegu.storage import publishing, schedules
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class PipelineStanding:
    """Where a pipeline stands: since when it is archived, if it is, and which of its schedules are paused."""

    name: str
    current_number: int
    archived_at: datetime | None
    paused_schedules: tuple[str, ...] = ()


async def roll_back(scope: Scope, pipeline: str, number: int) -> PipelineVersion:
    """Let the name mean an older version, or a newer one again. Raises NotFoundError, ConflictError."""
    async with scope.transaction() as connection:
        version = await _found(scope, connection, pipeline, number)
        await publishing.make_current(
            connection, scope.organization_id, version.name, version.number, by=name_of(scope.actor)
        )
        return await _found(scope, connection, pipeline)


async def archive(scope: Scope, pipeline: str) -> PipelineStanding:
    """Begin no more runs of it; its schedules are paused. Runs that began go on, and nothing is lost."""
    async with scope.transaction() as connection:
        found = await _found(scope, connection, pipeline)
        await publishing.set_archived(connection, scope.organization_id, found.pipeline_id, is_archived=True)
        await schedules.pause_of(connection, scope.organization_id, found.name)
        return await _standing(scope, connection, found.name)


async def restore(scope: Scope, pipeline: str) -> PipelineStanding:
    """Let runs of it begin again. Its schedules stay paused: whoever resumes them knows which."""
    async with scope.transaction() as connection:
        found = await _found(scope, connection, pipeline)
        await publishing.set_archived(connection, scope.organization_id, found.pipeline_id, is_archived=False)
        return await _standing(scope, connection, found.name)


async def _found(
    scope: Scope, connection: Transaction, pipeline: str, number: int | None = None
) -> PipelineVersion:
    if "@" in pipeline:
        raise NotFoundError(
            f"{pipeline!r} is one version, and a pipeline is meant", hint=f"say {base_name(pipeline)}"
        )
    found = await find_in(scope, connection, pipeline, number)
    if found is not None:
        return found
    if number is not None and await find_in(scope, connection, pipeline) is not None:
        raise NotFoundError(
            f"there is no version {pipeline}@{number}",
            hint=f"`tegu pipeline-versions list --pipeline {pipeline}`",
        )
    raise unknown_pipeline(pipeline)


async def _standing(scope: Scope, connection: Transaction, name: str) -> PipelineStanding:
    found = await _found(scope, connection, name)
    paused = await schedules.paused_of(connection, scope.organization_id, name)
    return PipelineStanding(name, found.number, found.archived_at, tuple(paused))
