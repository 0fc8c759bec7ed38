"""Backfills: plan, start, go on, read, pause and end them; `backfilling` starts their runs.

Called by `declared`. Invariant: what was forecast when runs were asked for is written down in the transaction that asks for them.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tegu.actions.backfill_plans import BackfillSpec, Planned, filter_json, planned, runs_of
from tegu.actions.backfilling import advance
from tegu.actions.scope import Scope
from tegu.domain.backfill import Backfill, BackfillPlan, BackfillStatus, StageOutlook, Step
from tegu.domain.budget import checked_limit
from tegu.domain.errors import ConflictError, NotFoundError
from tegu.domain.ids import new_id
from tegu.domain.operations import checked_priority
from tegu.domain.run import TriggeredBy
from tegu.storage import backfill_bases, backfill_runs
from tegu.storage import backfills as store
from tegu.storage.backfill_steps import steps_json
from tegu.storage.budgets import forget_windows, wake_postponed
from tegu.storage.pipelines import refuse_archived
from tegu.storage.schedules import now
from tegu.storage.transaction import Transaction


async def preview_backfill(scope: Scope, spec: BackfillSpec) -> BackfillPlan:
    """What it would do. Nothing is stored."""
    return (await planned(scope, spec)).plan


async def start_backfill(scope: Scope, spec: BackfillSpec, triggered_by: TriggeredBy) -> Backfill:
    """Start it, or go on with the one over the same of which something is left. Raises ConflictError where there is nothing to run."""
    spec = replace(
        spec,
        priority=checked_priority(spec.priority),
        budget_usd=checked_limit(spec.budget_usd) if spec.budget_usd is not None else None,
    )
    async with scope.in_one_transaction() as joined, joined.transaction() as connection:
        await store.hold_pipeline(connection, scope.organization_id, spec.pipeline)
        found = await planned(joined, spec)
        if found.version.archived_at is not None:
            raise refuse_archived(found.version.name)
        _check_acts(found, spec)
        backfill = await _made(joined, connection, found, spec, triggered_by)
        count = runs_of(spec, backfill, backfill.targets)
        if not count:
            raise ConflictError(
                f"there is nothing to run: {backfill.wanted} of {backfill.targets} runs are wanted already",
                hint="`tegu backfills list` shows how far they are",
            )
        await _want(joined, connection, backfill, found, count, spec.budget_usd)
    await advance(scope, backfill.id)
    if spec.budget_usd is not None and found.existing is not None:
        await _wake(scope)
    scope.wake()
    return await get_backfill(scope, backfill.id)


def _check_acts(found: Planned, spec: BackfillSpec) -> None:
    acting = [
        f"{each.stage} ({', '.join(each.why)})" if each.why else each.stage
        for each in found.plan.stages
        if each.outlook is StageOutlook.ACTS
    ]
    if acting and not spec.acts:
        raise ConflictError(
            f"each of its runs would send, ask or wait again: {', '.join(acting)}",
            code="acts_again",
            hint="say that it shall: `--acts`, over HTTP `acts`",
        )


async def get_backfill(scope: Scope, backfill_id: UUID) -> Backfill:
    """One, with how far it is. Raises NotFoundError."""
    async with scope.transaction() as connection:
        found = await _found(scope, connection, backfill_id)
        progress = await backfill_runs.progress_of(connection, scope.organization_id, found.id)
    return replace(found, progress=progress)


async def pause_backfill(scope: Scope, backfill_id: UUID) -> Backfill:
    """Start no more of its runs until it is resumed. Raises ConflictError for one that has ended."""
    return await _turned(scope, backfill_id, BackfillStatus.PAUSED)


async def resume_backfill(scope: Scope, backfill_id: UUID) -> Backfill:
    """Let it go on. Raises ConflictError for one that has ended."""
    done = await _turned(scope, backfill_id, BackfillStatus.RUNNING)
    await advance(scope, backfill_id)
    scope.wake()
    return done


async def cancel_backfill(scope: Scope, backfill_id: UUID) -> Backfill:
    """End it, and the runs of it that are under way; those that ended stay. Raises ConflictError for one that has ended."""
    async with scope.transaction() as connection:
        found = await _found(scope, connection, backfill_id, locks=True)
        _check_open(found)
        await backfill_runs.cancel_runs(connection, scope.organization_id, found.id)
        await store.set_backfill(
            connection,
            scope.organization_id,
            found.id,
            status=BackfillStatus.CANCELLED.value,
            ended_at=await now(connection),
            note=None,
        )
    scope.wake()
    return await get_backfill(scope, backfill_id)


async def set_budget(scope: Scope, backfill_id: UUID, budget_usd: Decimal | None) -> Backfill:
    """Change what all its runs together may cost; what waits for it goes on. Raises UsageError."""
    limit = checked_limit(budget_usd) if budget_usd is not None else None
    async with scope.transaction() as connection:
        found = await _found(scope, connection, backfill_id, locks=True)
        await store.set_backfill(connection, scope.organization_id, found.id, budget_usd=limit)
        await backfill_runs.raise_budget(connection, scope.organization_id, found.id, limit)
        if limit is None:
            await forget_windows(connection, scope.organization_id, found.id)
    await _wake(scope)
    return await get_backfill(scope, backfill_id)


async def _made(
    scope: Scope, connection: Transaction, found: Planned, spec: BackfillSpec, triggered_by: TriggeredBy
) -> Backfill:
    """The backfill that is gone on with, locked, or a new one."""
    if found.existing is not None:
        return await _found(scope, connection, found.existing.id, locks=True)
    backfill_id = new_id()
    seed = spec.seed if spec.seed is not None else backfill_id.int % 2**31
    targets = await backfill_bases.write_targets(
        connection, scope.organization_id, backfill_id, found.bases, seed
    )
    new = store.NewBackfill(
        id=backfill_id,
        version=found.version,
        model=spec.model,
        filter=filter_json(spec.filter),
        seed=seed,
        targets=targets,
        budget_usd=spec.budget_usd,
        priority=spec.priority,
        triggered_by=triggered_by,
    )
    await store.insert_backfill(connection, scope.organization_id, new)
    return await _found(scope, connection, backfill_id)


async def _want(
    scope: Scope,
    connection: Transaction,
    backfill: Backfill,
    found: Planned,
    count: int,
    budget_usd: Decimal | None,
) -> None:
    """Ask for so many more of its runs, and write down what was forecast of them."""
    at: datetime = await now(connection)
    said = found.plan.forecast
    step = Step(at, backfill.wanted, backfill.wanted + count, said.calls, said.cost_usd)
    await store.set_backfill(
        connection,
        scope.organization_id,
        backfill.id,
        wanted=backfill.wanted + count,
        status=BackfillStatus.RUNNING.value,
        ended_at=None,
        steps=steps_json((*backfill.steps, step)),
        note=None,
    )
    if budget_usd is not None:
        await store.set_backfill(connection, scope.organization_id, backfill.id, budget_usd=budget_usd)
        await backfill_runs.raise_budget(connection, scope.organization_id, backfill.id, budget_usd)


async def _turned(scope: Scope, backfill_id: UUID, status: BackfillStatus) -> Backfill:
    async with scope.transaction() as connection:
        found = await _found(scope, connection, backfill_id, locks=True)
        _check_open(found)
        await store.set_backfill(connection, scope.organization_id, found.id, status=status.value, note=None)
    return await get_backfill(scope, backfill_id)


async def _wake(scope: Scope) -> None:
    """In a transaction of its own, once the change is there for all: see `storage.budgets.wake_postponed`."""
    async with scope.transaction() as connection:
        await wake_postponed(connection, scope.organization_id)
    scope.wake()


def _check_open(backfill: Backfill) -> None:
    if backfill.ended_at is not None:
        raise ConflictError(
            f"backfill {backfill.id} is {backfill.status.value} already",
            hint="`tegu backfill PIPELINE --all` goes on with one of which something is left",
        )


async def _found(
    scope: Scope, connection: Transaction, backfill_id: UUID, *, locks: bool = False
) -> Backfill:
    found = await store.find_backfill(connection, scope.organization_id, backfill_id, scope.rows, locks=locks)
    if found is None:
        raise NotFoundError(f"there is no backfill {backfill_id}", hint="`tegu backfills list` lists them")
    return found
