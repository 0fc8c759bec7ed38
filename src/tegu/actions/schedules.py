"""Schedules: make, list, pause, resume and remove them; `firing` begins the runs whose time has come.

Called by the handle as `tegu.schedules`, and by `declared`. Invariant: a schedule of a pipeline that the actor does not see
is not there for it.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from tegu.actions.pipelines import resolve
from tegu.actions.scope import Scope
from tegu.domain.budget import checked_limit
from tegu.domain.content import InputKind
from tegu.domain.errors import ConflictError, NotFoundError, UsageError
from tegu.domain.operations import checked_priority
from tegu.domain.schedule import INPUTS_MAX, Schedule, ScheduleSpec, checked_schedule_name
from tegu.pipeline.pipeline_name import base_name
from tegu.storage import schedules as store
from tegu.storage.pipelines import PipelineVersion, find, refuse_archived
from tegu.storage.transaction import Transaction

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def create_schedule(scope: Scope, name: str, spec: ScheduleSpec) -> Schedule:
    """Begin runs at each time of the spec, from its next on. Raises UsageError for what cannot be, NotFoundError for
    a pipeline or an input that is not there, ConflictError when there is a schedule of that name.
    """
    version = await resolve(scope, spec.pipeline)
    if version.archived_at is not None:
        raise refuse_archived(version.name)
    check_schedule(name, spec, version)
    spec = replace(spec, priority=checked_priority(spec.priority))
    async with scope.transaction() as connection:
        if missing := await store.missing_inputs(connection, scope.organization_id, spec.inputs):
            raise NotFoundError(f"there is no content or mail thread {missing[0]}")
        if await store.count_schedules(connection, scope.organization_id) >= store.LISTED_MAX:
            raise ConflictError(
                f"there are {store.LISTED_MAX} schedules already", hint="remove those that are not needed"
            )
        next_at = spec.times.after(await store.now(connection))
        made = await store.put_schedule(connection, scope.organization_id, name, spec, next_at)
    if made is None:
        raise ConflictError(
            f"there is a schedule {name!r} already", hint="remove it first, or choose another name"
        )
    return made


async def list_schedules(scope: Scope) -> list[Schedule]:
    """All of the organization that the actor sees, by name."""
    async with scope.transaction() as connection:
        found = await store.list_schedules(connection, scope.organization_id)
    return [schedule for schedule in found if _is_seen(scope, schedule)]


async def get_schedule(scope: Scope, which: str) -> Schedule:
    """One by name or id. Raises NotFoundError."""
    async with scope.transaction() as connection:
        return await _found(scope, connection, which)


async def remove_schedule(scope: Scope, which: str) -> Schedule:
    """Begin no more runs by it; those that it began stay. Raises NotFoundError."""
    async with scope.transaction() as connection:
        found = await _found(scope, connection, which, locks=True)
        await store.remove_schedule(connection, scope.organization_id, found.name)
    return found


async def pause_schedule(scope: Scope, which: str) -> Schedule:
    """Begin no runs until it is resumed; its times pass. Raises NotFoundError."""
    async with scope.transaction() as connection:
        found = await _found(scope, connection, which, locks=True)
        return await store.set_next(connection, scope.organization_id, found.id, None)


async def resume_schedule(scope: Scope, which: str) -> Schedule:
    """Go on, with the next of its times. Raises NotFoundError, ConflictError where its pipeline is archived."""
    async with scope.transaction() as connection:
        found = await _found(scope, connection, which, locks=True)
        name = base_name(found.spec.pipeline)
        version = await find(connection, scope.organization_id, name)
        if version is not None and version.archived_at is not None:
            raise refuse_archived(name)
        next_at = found.next_at or found.spec.times.after(await store.now(connection))
        return await store.set_next(connection, scope.organization_id, found.id, next_at)


class Schedules:
    """The same for one organization: `await tegu.schedules.create("monday", ScheduleSpec(...))`."""

    def __init__(self, scope: Callable[[], Awaitable[Scope]]) -> None:
        self._scope = scope

    async def create(self, name: str, spec: ScheduleSpec) -> Schedule:
        """Begin runs at each time of the spec, from its next on. Raises UsageError for what cannot be, NotFoundError for
        a pipeline or an input that is not there, ConflictError when there is a schedule of that name.
        """
        return await create_schedule(await self._scope(), name, spec)

    async def list(self) -> Sequence[Schedule]:
        """All of the organization, by name."""
        return await list_schedules(await self._scope())

    async def get(self, name: str) -> Schedule:
        """One by name. Raises NotFoundError."""
        return await get_schedule(await self._scope(), name)

    async def remove(self, name: str) -> None:
        """Begin no more runs by it; those that it began stay. Raises NotFoundError."""
        await remove_schedule(await self._scope(), name)

    async def pause(self, name: str) -> None:
        """Begin no runs until it is resumed; its times pass. Raises NotFoundError."""
        await pause_schedule(await self._scope(), name)

    async def resume(self, name: str) -> datetime:
        """Go on, with the next of its times, which is returned. Raises NotFoundError, ConflictError."""
        resumed = await resume_schedule(await self._scope(), name)
        assert resumed.next_at is not None
        return resumed.next_at


def check_schedule(name: str, spec: ScheduleSpec, version: PipelineVersion) -> None:
    """Raises UsageError for what cannot be begun."""
    checked_schedule_name(name)
    if spec.budget_usd is not None:
        checked_limit(spec.budget_usd)
    if not 1 <= len(spec.inputs) <= INPUTS_MAX:
        raise UsageError(f"a schedule has 1 to {INPUTS_MAX} inputs, and not {len(spec.inputs)}")
    takes_threads = version.definition.input is InputKind.MAIL_THREAD
    for each in spec.inputs:
        if (each.content_id is None) == (each.thread_id is None):
            raise UsageError("an input of a schedule is either a content or a mail thread")
        if (each.thread_id is not None) != takes_threads:
            kind = "mail threads" if takes_threads else "contents"
            raise UsageError(f"pipeline {version.name!r} takes {kind}")


def _is_seen(scope: Scope, schedule: Schedule) -> bool:
    return scope.rows.has(base_name(schedule.spec.pipeline))


async def _found(scope: Scope, connection: Transaction, which: str, *, locks: bool = False) -> Schedule:
    found = await store.find_schedule(connection, scope.organization_id, which, locks=locks)
    if found is None and _UUID.fullmatch(which):
        found = await store.find_schedule(connection, scope.organization_id, UUID(which), locks=locks)
    if found is None or not _is_seen(scope, found):
        raise NotFoundError(f"there is no schedule {which!r}", hint="`tegu schedules` lists them")
    return found
