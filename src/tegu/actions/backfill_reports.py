"""What a backfill has changed so far.

Called by `declared`. Invariant: it reads in pages, and at most so many runs as are asked for: the first that were drawn, which are a
fair sample of all.
"""

from uuid import UUID

from tegu.actions.backfills import get_backfill
from tegu.actions.field_changes import FieldChanges
from tegu.actions.pipelines import resolve
from tegu.actions.scope import Scope
from tegu.domain.backfill import BackfillReport
from tegu.storage import backfill_outcomes

_PAGE = 100


async def report_backfill(scope: Scope, backfill_id: UUID, *, runs_max: int) -> BackfillReport:
    """Stages that were reused and done anew, and fields that changed. Raises NotFoundError."""
    backfill = await get_backfill(scope, backfill_id)
    version = await resolve(scope, f"{backfill.pipeline}@{backfill.version}")
    changes = FieldChanges()
    position, read = 0, 0
    async with scope.transaction() as connection:
        completed = await backfill_outcomes.count_completed(connection, scope.organization_id, backfill_id)
        stages = await backfill_outcomes.stages_of(connection, scope.organization_id, backfill_id)
    while read < runs_max:
        async with scope.transaction() as connection:
            pairs = await backfill_outcomes.pairs_after(
                connection, scope.organization_id, backfill_id, position, min(_PAGE, runs_max - read)
            )
            ids = [run_id for _, *both in pairs for run_id in both]
            found = await backfill_outcomes.results_of_runs(connection, scope.organization_id, ids)
        for _, run_id, base_run_id in pairs:
            changes.add(run_id, base_run_id, found[base_run_id], found[run_id])
        position, read = pairs[-1][0] if pairs else position, read + len(pairs)
        if len(pairs) < _PAGE:
            break
    order = [stage.name for stage in version.definition.stages]
    return BackfillReport(
        backfill=backfill,
        runs=read,
        of=completed,
        stages=tuple(stages[name] for name in order if name in stages),
        fields=changes.report(),
    )
