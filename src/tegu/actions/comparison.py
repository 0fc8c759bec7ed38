"""Comparing two runs: what is different, and why.

Called by the action, and by whoever shows what a new version changes.
"""

import asyncio
from itertools import islice
from uuid import UUID

from tegu.actions.compared import Side, changes_of, stages_of
from tegu.actions.runs import get_run
from tegu.actions.scope import Scope
from tegu.domain.comparison import Change, RunComparison, RunSide, StageComparison
from tegu.domain.errors import UsageError
from tegu.domain.page import cursor_of, key_of
from tegu.domain.run import Run
from tegu.storage import comparison as store
from tegu.storage import pipelines

CHANGES_MAX = 20_000
"""Places that are looked at, over all pages."""


async def compare(
    scope: Scope, a: UUID, b: UUID, *, limit: int = 200, cursor: str | None = None
) -> RunComparison:
    """What differs from run `a` to run `b`, of any pipelines. Raises NotFoundError, UsageError for another's cursor."""
    async with scope.in_one_transaction() as joined:
        ours, theirs = await _side(joined, a), await _side(joined, b)
    begin = _begin(cursor)

    def compared() -> tuple[tuple[Change, ...], tuple[StageComparison, ...]]:
        changes = islice(changes_of(ours, theirs), begin, min(begin + limit + 1, CHANGES_MAX))
        return tuple(changes), stages_of(ours, theirs)

    # Outputs may be large: others are answered meanwhile.
    found, stages = await asyncio.to_thread(compared)
    return RunComparison(
        a=_shown(ours.run),
        b=_shown(theirs.run),
        is_same_input=(ours.run.content_id, ours.run.thread_id)
        == (theirs.run.content_id, theirs.run.thread_id),
        stages=stages,
        changes=found[:limit],
        next_cursor=cursor_of((str(begin + limit),)) if len(found) > limit else None,
    )


async def _side(scope: Scope, run_id: UUID) -> Side:
    run = await get_run(scope, run_id)
    async with scope.transaction() as connection:
        version = await pipelines.find(connection, scope.organization_id, run.pipeline, number=run.version)
        calls = await store.calls_by_stage(connection, scope.organization_id, run_id)
    assert version is not None
    return Side(run, version.definition, calls)


def _shown(run: Run) -> RunSide:
    elapsed_s = None
    if run.started_at is not None and run.ended_at is not None:
        elapsed_s = (run.ended_at - run.started_at).total_seconds()
    return RunSide(
        run.id,
        run.pipeline,
        run.version,
        run.status,
        run.model,
        run.forked_from,
        elapsed_s,
        run.totals,
        run.version_label,
    )


def _begin(cursor: str | None) -> int:
    found = key_of(cursor, 1)
    if found is None:
        return 0
    if not found[0].isdecimal() or len(found[0]) > len(str(CHANGES_MAX)):
        raise UsageError(f"{cursor!r} is no cursor of this list", hint="`next_cursor` of the page before")
    return int(found[0])
