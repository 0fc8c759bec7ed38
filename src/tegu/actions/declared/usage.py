"""Usage: what the runs, calls and contents of the organization came to."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions.action import Effect, action
from tegu.actions.declared.inputs import PageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.page import Page, cursor_of, id_of
from tegu.domain.usage import DayUsage
from tegu.storage import usage

_DAYS = 30
_OFFSET_MAX = 10**6


class ListUsage(PageInput):
    """Of which days and pipeline."""

    since: Annotated[date | None, Field(description="The first day; 30 days ago where it is left out.")] = (
        None
    )
    until: Annotated[date | None, Field(description="The last day; today where it is left out.")] = None
    pipeline: Annotated[str | None, Field(max_length=200)] = None


@action("usage.list", effect=Effect.READ, permission=Permission.BUDGETS_READ)
async def list_usage(scope: Scope, asked: ListUsage) -> Page[DayUsage]:
    """List what each day (of UTC) came to, by pipeline, provider and model, the newest day first."""
    today = datetime.now(tz=UTC).date()
    row = id_of(asked.cursor)
    offset = (
        min(row.int, _OFFSET_MAX) if row is not None else 0
    )  # these rows have no ids: the cursor counts them
    async with scope.transaction() as connection:
        found = await usage.list_usage(
            connection,
            scope.organization_id,
            since=asked.since or today - timedelta(days=_DAYS),
            until=asked.until or today,
            pipeline=asked.pipeline,
            rows=scope.rows,
            offset=offset,
            limit=asked.limit + 1,
        )
    shown = tuple(found[: asked.limit])
    more = len(found) > asked.limit
    return Page(shown, cursor_of(UUID(int=offset + asked.limit)) if more else None)
