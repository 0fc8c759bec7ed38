"""Holding runs back and letting them go on: what an organization may decide about its own.

Called by the handle as `tegu.operations`. Invariant: no run is changed; workers pass over what is paused.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.operations import Pause
from tegu.storage import holds, pipelines
from tegu.storage.transaction import Transaction

REASON_LENGTH_MAX = 500


class Operations:
    """See the module."""

    def __init__(self, scope: Callable[[], Awaitable[Scope]]) -> None:
        self._scope = scope

    async def pause(self, pipeline: str | None = None, *, reason: str | None = None) -> None:
        """Hold back the runs of a pipeline, or all of the organization's. No worker takes them any more; those under way
        end the stages that have begun, within a second no further one begins, and they are let go. Raises NotFoundError.
        """
        reason = checked_reason(reason)
        scope = await self._scope()
        async with scope.transaction() as connection:
            pipeline_id = await pipeline_id_of(scope, connection, pipeline)
            await holds.pause(connection, scope.organization_id, pipeline_id, reason)

    async def resume(self, pipeline: str | None = None) -> None:
        """Let them go on, at once. What is paused as a whole stays so for each of its pipelines. Raises NotFoundError where
        there is no such pause.
        """
        scope = await self._scope()
        async with scope.transaction() as connection:
            pipeline_id = await pipeline_id_of(scope, connection, pipeline)
            if not await holds.resume(connection, scope.organization_id, pipeline_id):
                whose = f"pipeline {pipeline!r}" if pipeline else "the organization"
                raise NotFoundError(f"{whose} is not paused", hint="`tegu pauses` lists what is")
        scope.wake()

    async def list_pauses(self) -> list[Pause]:
        """What holds back runs of the organization, everybody's pause included."""
        scope = await self._scope()
        async with scope.transaction() as connection:
            return await holds.list_pauses(connection, scope.organization_id)

    async def runs_max(self) -> int | None:
        """How many runs of the organization may be under way at once, over all workers; None: no limit of its own."""
        scope = await self._scope()
        async with scope.transaction() as connection:
            return await holds.runs_max(connection, scope.organization_id)


def checked_reason(reason: str | None) -> str | None:
    """A reason that can be stored and shown. Raises UsageError."""
    if reason is None:
        return None
    if len(reason) > REASON_LENGTH_MAX or not reason.isprintable():
        raise UsageError(
            f"{reason[:80]!r} cannot be kept as a reason",
            hint=f"at most {REASON_LENGTH_MAX} printable characters",
        )
    return reason or None


async def pipeline_id_of(scope: Scope, connection: Transaction, pipeline: str | None) -> UUID | None:
    """The id of a pipeline by name. Raises NotFoundError."""
    if pipeline is None:
        return None
    found = await pipelines.find(connection, scope.organization_id, pipeline)
    if found is None:
        raise NotFoundError(
            f"there is no pipeline {pipeline!r} in this organization", hint="`tegu pipelines` lists them"
        )
    return found.pipeline_id
