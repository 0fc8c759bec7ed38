"""The runs of backfills, so many at a time.

`backfill_for_ever` is called by every worker. Invariants: a backfill never has more than FLIGHT_MAX runs under way, so that it
keeps nobody waiting for long; each target's run is started once, in the transaction that moves the backfill on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from uuid import UUID

from tegu.actions.scope import Scope
from tegu.domain.backfill import Backfill, BackfillStatus, Step
from tegu.domain.errors import QuotaError
from tegu.storage import backfill_runs, pipelines
from tegu.storage import backfills as store
from tegu.storage.backfill_steps import steps_json
from tegu.storage.quotas import take_runs
from tegu.storage.schedules import now
from tegu.storage.transaction import Transaction

log = logging.getLogger("tegu.engine")

FLIGHT_MAX = 300
LOOK_S = 1.0
_MORE_S = 0.2
"""Until the next look while runs are started."""
_ANSWER_S = 30.0


async def backfill_for_ever(
    look: Callable[[], Awaitable[Sequence[tuple[UUID, UUID]]]],
    scope_of: Callable[[UUID], Scope],
    *,
    look_s: float = LOOK_S,
) -> None:
    """Start what may be started, of all organizations. Never returns."""
    while True:
        wait_s = look_s
        try:
            async with asyncio.timeout(_ANSWER_S):
                running = await look()
            for organization_id, backfill_id in running:
                if await _try_to_advance(scope_of(organization_id), backfill_id):
                    wait_s = min(wait_s, _MORE_S)
        except Exception as error:  # noqa: BLE001 (the next look may do better)
            log.warning("backfills not looked at: %s", error or type(error).__name__)
        await asyncio.sleep(wait_s)


async def advance(scope: Scope, backfill_id: UUID) -> int:
    """Start the next of its runs, or note that all have ended, unless somebody else is at it. Returns how many were started."""
    try:
        async with scope.transaction() as connection:
            backfill = await store.find_backfill(
                connection, scope.organization_id, backfill_id, skips_locked=True
            )
            if backfill is None or backfill.status is not BackfillStatus.RUNNING:
                return 0
            under_way = await backfill_runs.count_open(connection, scope.organization_id, backfill_id)
            if backfill.started == backfill.wanted:
                if not under_way:
                    await _complete(scope, connection, backfill)
                return 0
            started = await _start(scope, connection, backfill, FLIGHT_MAX - under_way)
    except QuotaError as error:
        async with scope.transaction() as connection:
            await store.set_backfill(connection, scope.organization_id, backfill_id, note=error.message)
        return 0
    if started:
        scope.wake()
    return started


async def _try_to_advance(scope: Scope, backfill_id: UUID) -> int:
    """What breaks one keeps no other from going on."""
    try:
        async with asyncio.timeout(_ANSWER_S):
            return await advance(scope, backfill_id)
    except Exception as error:  # noqa: BLE001 (it stays running: the next look tries again)
        log.warning("backfill %s not gone on with: %s", backfill_id, error or type(error).__name__)
        return 0


async def _start(scope: Scope, connection: Transaction, backfill: Backfill, room: int) -> int:
    organization_id = scope.organization_id
    if room <= 0 or await backfill_runs.wait_for_budget(connection, organization_id, backfill.id):
        return 0
    version = await pipelines.find(connection, organization_id, backfill.pipeline, number=backfill.version)
    assert version is not None
    if version.archived_at is not None:
        note = f"pipeline {version.name!r} is archived"
        await store.set_backfill(connection, organization_id, backfill.id, note=note)
        return 0
    targets = await backfill_runs.next_targets(connection, organization_id, backfill, room)
    await take_runs(connection, organization_id, sum(not each.is_gone for each in targets))
    triggered_by = await store.triggered_by_of(connection, organization_id, backfill.id)
    await backfill_runs.start_targets(connection, organization_id, backfill, version, triggered_by, targets)
    return len(targets)


async def _complete(scope: Scope, connection: Transaction, backfill: Backfill) -> None:
    """All that was wanted has ended: write down what each step came to, beside what was forecast."""
    steps = [
        each if each.calls is not None else await _counted(scope, connection, backfill, each)
        for each in backfill.steps
    ]
    await store.set_backfill(
        connection,
        scope.organization_id,
        backfill.id,
        status=BackfillStatus.COMPLETED.value,
        ended_at=await now(connection),
        steps=steps_json(steps),
        note=None,
    )
    log.info("backfill %s of %s has ended: %d runs", backfill.id, backfill.pipeline, backfill.started)


async def _counted(scope: Scope, connection: Transaction, backfill: Backfill, step: Step) -> Step:
    totals = await backfill_runs.totals_of(
        connection, scope.organization_id, backfill.id, after=step.after, upto=step.upto
    )
    return replace(step, calls=totals.calls, cost_usd=totals.cost_usd, unknown_costs=totals.unknown_costs)
