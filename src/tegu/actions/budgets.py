"""Budgets: list, set, remove.

Called by the handle. Invariant: raising or removing a budget lets what waits for it go on at once.
"""

from decimal import Decimal
from uuid import UUID

from tegu.actions.pipelines import pipeline_id_of
from tegu.actions.scope import Scope
from tegu.domain.budget import Budget, BudgetPlace, checked_limit
from tegu.domain.errors import ConflictError, NotFoundError
from tegu.storage import budgets as store
from tegu.storage.transaction import Transaction


async def list_budgets(scope: Scope) -> list[Budget]:
    """All that the actor sees, and how much is left of each."""
    async with scope.transaction() as connection:
        return await store.list_budgets(connection, scope.organization_id, scope.rows)


async def set_budget(
    scope: Scope, place: BudgetPlace, limit_usd: Decimal, *, allows_unpriced: bool = False
) -> int:
    """Set or change a budget; it counts what was spent since its window began. Returns how many runs waited for a budget and
    are tried again. Raises UsageError, NotFoundError, ConflictError for a run that has ended.
    """
    limit_usd = checked_limit(limit_usd)
    async with scope.transaction() as connection:
        is_set = await store.set_budget(
            connection,
            scope.organization_id,
            place,
            limit_usd,
            pipeline_id=await _pipeline_id(scope, connection, place),
            allows_unpriced=allows_unpriced,
            rows=scope.rows,
        )
        if not is_set:
            raise ConflictError(
                f"there is no run {place.run_id} that has not ended and has a budget of its own",
                hint="runs of a backfill, and those that another run started, have that one's",
            )
    return await _woken(scope)


async def remove_budget(scope: Scope, place: BudgetPlace) -> int:
    """Take a budget away. Returns as `set_budget`. Raises NotFoundError."""
    async with scope.transaction() as connection:
        pipeline_id = await _pipeline_id(scope, connection, place)
        if not await store.remove_budget(
            connection, scope.organization_id, place, pipeline_id=pipeline_id, rows=scope.rows
        ):
            raise NotFoundError(f"there is no budget of {place}", hint="`tegu budgets` lists them")
    return await _woken(scope)


async def _woken(scope: Scope) -> int:
    """In a transaction of its own, once the change is there for all: see `wake_postponed`."""
    async with scope.transaction() as connection:
        woken = await store.wake_postponed(connection, scope.organization_id)
    scope.wake()
    return woken


async def _pipeline_id(scope: Scope, connection: Transaction, place: BudgetPlace) -> UUID | None:
    return None if place.run_id is not None else await pipeline_id_of(scope, connection, place.pipeline)
