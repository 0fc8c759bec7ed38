"""Costs: what calls of models cost, by day, model, pipeline or stage."""

from datetime import UTC, datetime, timedelta

from tegu.actions.scope import Scope
from tegu.domain.cost import CostGrouping, CostSummary
from tegu.domain.errors import UsageError
from tegu.storage import costs as store
from tegu.storage.schedules import now

DAYS_DEFAULT = 30
DAYS_MAX = 3660


async def summarize_costs(
    scope: Scope,
    *,
    by: CostGrouping = CostGrouping.DAY,
    since: datetime | None = None,
    until: datetime | None = None,
    pipeline: str | None = None,
) -> CostSummary:
    """Costs of a time, by default of the last 30 days. Raises UsageError for a time that ends before it begins."""
    async with scope.transaction() as connection:
        until = (until or await now(connection)).astimezone(UTC)
        since = (since or until - timedelta(days=DAYS_DEFAULT)).astimezone(UTC)
        if not timedelta(0) < until - since <= timedelta(days=DAYS_MAX):
            raise UsageError(
                f"from {since.isoformat()} to {until.isoformat()} is no time to add costs up for",
                hint=f"`since` comes before `until`, at most {DAYS_MAX} days",
            )
        total = await store.sum_costs(
            connection, scope.organization_id, since=since, until=until, pipeline=pipeline, rows=scope.rows
        )
        groups = await store.group_costs(
            connection,
            scope.organization_id,
            by,
            since=since,
            until=until,
            pipeline=pipeline,
            limit=store.GROUPS_MAX + 1,
            rows=scope.rows,
        )
    shown = tuple(groups[: store.GROUPS_MAX])
    return CostSummary(since, until, by, total, shown, is_cut_off=len(groups) > len(shown))
