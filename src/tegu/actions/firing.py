"""The runs of schedules whose time has come.

`fire` is called by every worker. Invariant: the runs of one time are begun in the transaction that moves the schedule on, so
once, however many workers look.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from tegu.actions.run_inputs import RunInput
from tegu.actions.runs import StartOptions, start_in
from tegu.actions.schedules import check_schedule
from tegu.actions.scope import Scope
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.run import TriggeredBy
from tegu.domain.schedule import Schedule
from tegu.storage import pipelines
from tegu.storage import schedules as store
from tegu.storage.schedules import DueSchedules
from tegu.storage.transaction import Transaction

log = logging.getLogger("tegu.engine")

LOOK_S = 5.0
"""How late at most a schedule is seen that was made or resumed on another machine."""
_MORE_S = 0.05
"""Until the next look when there was more than one look takes."""
_ANSWER_S = 30.0
_ERROR_LENGTH_MAX = 500


async def fire_for_ever(
    look: Callable[[], Awaitable[DueSchedules]], scope_of: Callable[[UUID], Scope], *, look_s: float = LOOK_S
) -> None:
    """Begin what is due, of all organizations, on time or a moment later. Never returns."""
    while True:
        wait_s = look_s
        try:
            async with asyncio.timeout(_ANSWER_S):
                due = await look()
            for organization_id, schedule_id in due.keys:
                await _try_to_fire(scope_of(organization_id), schedule_id)
            if len(due.keys) >= store.DUE_MAX:
                wait_s = _MORE_S
            elif due.others_in_s is not None:
                wait_s = min(look_s, max(0.0, due.others_in_s))
        except Exception as error:  # noqa: BLE001 (the next look may do better)
            log.warning("schedules not looked at: %s", error or type(error).__name__)
        await asyncio.sleep(wait_s)


async def fire(scope: Scope, schedule_id: UUID) -> tuple[UUID, ...]:
    """Begin the runs of a schedule, if its time has come and nobody else does. What it refuses, or that it cannot be read
    any more, is noted on the schedule, which goes on with its next time.
    """
    try:
        async with scope.transaction() as connection:
            due = await store.take_due(connection, scope.organization_id, schedule_id)
            if due is None:
                return ()
            run_ids = await _begin(scope, connection, due)
            await store.note_fired(
                connection,
                due.id,
                scope.organization_id,
                next_at=due.spec.times.after(await store.now(connection)),
                run_ids=run_ids,
            )
    except UsageError as error:
        await _note_failed(scope, schedule_id, error)
        return ()
    scope.wake()
    log.info("schedule %s began %d runs", due.name, len(run_ids))
    return run_ids


async def _try_to_fire(scope: Scope, schedule_id: UUID) -> None:
    """What breaks one schedule keeps no other from its time."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            await fire(scope, schedule_id)
    except Exception as error:  # noqa: BLE001 (it stays due: the next look tries again)
        log.warning("schedule %s not begun: %s", schedule_id, error or type(error).__name__)


async def _begin(scope: Scope, connection: Transaction, due: Schedule) -> tuple[UUID, ...]:
    version = await pipelines.find_named(connection, scope.organization_id, due.spec.pipeline)
    if version is None:
        raise NotFoundError(f"there is no pipeline {due.spec.pipeline!r} any more")
    check_schedule(due.name, due.spec, version)
    if missing := await store.missing_inputs(connection, scope.organization_id, due.spec.inputs):
        raise NotFoundError(f"there is no content or mail thread {missing[0]} any more")
    options = StartOptions(
        model=due.spec.model,
        triggered_by=TriggeredBy.SCHEDULE,
        metadata={"schedule": due.name, "scheduled_for": due.next_at.isoformat() if due.next_at else None},
        budget_usd=due.spec.budget_usd,
        priority=due.spec.priority or None,
    )
    inputs = [RunInput(due.name, content_id=i.content_id, thread_id=i.thread_id) for i in due.spec.inputs]
    return await start_in(scope, connection, version, inputs, options)


async def _note_failed(scope: Scope, schedule_id: UUID, error: UsageError) -> None:
    async with scope.transaction() as connection:
        due = await store.take_due(connection, scope.organization_id, schedule_id)
        if due is None:
            return
        try:
            next_at = due.spec.times.after(await store.now(connection))
        except UsageError:
            next_at = None  # its zone or its times are no more: it is paused
        said = str(error)[:_ERROR_LENGTH_MAX]
        await store.note_fired(connection, due.id, scope.organization_id, next_at=next_at, error=said)
    log.warning("schedule %s began nothing: %s", due.name, said)
