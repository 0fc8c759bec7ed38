"""Holding runs back and letting them go on: what an organization may decide about its own.

Called by the handle as `tegu.operations`, and by `declared`. Invariant: no run is changed; workers pass over what is paused.
"""

from collections.abc import Awaitable, Callable

from tegu.actions.pipelines import pipeline_id_of
from tegu.actions.scope import Scope
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.operations import Pause
from tegu.storage import holds

REASON_LENGTH_MAX = 500


async def pause(scope: Scope, pipeline: str | None = None, *, reason: str | None = None) -> Pause:
    """Hold back the runs of a pipeline, or all of the organization's. No worker takes them any more; those under way
    end the stages that have begun, within a second no further one begins, and they are let go. Raises NotFoundError.
    """
    reason = checked_reason(reason)
    async with scope.transaction() as connection:
        pipeline_id = await pipeline_id_of(scope, connection, pipeline)
        paused_at = await holds.pause(connection, scope.organization_id, pipeline_id, reason)
    return Pause(pipeline, reason, paused_at)


async def resume(scope: Scope, pipeline: str | None = None) -> None:
    """Let them go on, at once. What is paused as a whole stays so for each of its pipelines. Raises NotFoundError where
    there is no such pause.
    """
    async with scope.transaction() as connection:
        pipeline_id = await pipeline_id_of(scope, connection, pipeline)
        if not await holds.resume(connection, scope.organization_id, pipeline_id):
            whose = f"pipeline {pipeline!r}" if pipeline else "the organization"
            raise NotFoundError(f"{whose} is not paused", hint="`tegu pauses` lists what is")
    scope.wake()


async def list_pauses(scope: Scope) -> list[Pause]:
    """What holds back runs of the organization, everybody's pause included, by pipeline."""
    async with scope.transaction() as connection:
        found = await holds.list_pauses(connection, scope.organization_id)
    return [each for each in found if each.pipeline is None or scope.rows.has(each.pipeline)]


async def runs_max(scope: Scope) -> int | None:
    """How many runs of the organization may be under way at once, over all workers; None: no limit of its own."""
    async with scope.transaction() as connection:
        return await holds.runs_max(connection, scope.organization_id)


class Operations:
    """The same for one organization: `await tegu.operations.pause("invoices")`."""

    def __init__(self, scope: Callable[[], Awaitable[Scope]]) -> None:
        self._scope = scope

    async def pause(self, pipeline: str | None = None, *, reason: str | None = None) -> Pause:
        """Hold back the runs of a pipeline, or all of the organization's. No worker takes them any more; those under way
        end the stages that have begun, within a second no further one begins, and they are let go. Raises NotFoundError.
        """
        return await pause(await self._scope(), pipeline, reason=reason)

    async def resume(self, pipeline: str | None = None) -> None:
        """Let them go on, at once. What is paused as a whole stays so for each of its pipelines. Raises NotFoundError where
        there is no such pause.
        """
        await resume(await self._scope(), pipeline)

    async def list_pauses(self) -> list[Pause]:
        """What holds back runs of the organization, everybody's pause included."""
        return await list_pauses(await self._scope())

    async def runs_max(self) -> int | None:
        """How many runs of the organization may be under way at once, over all workers; None: no limit of its own."""
        return await runs_max(await self._scope())


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
