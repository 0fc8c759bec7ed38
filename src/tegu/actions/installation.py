"""The whole installation, for whoever operates it: workers, limits of providers, what is kept, and everybody's runs.

Called by the app and by `declared.installation`. Invariant: what changes something does so within a transaction of the scope,
so that the audit log has it.
"""

from uuid import UUID

from tegu.actions.doctor import ROWS_DEFAULT, HealthCheck, examine
from tegu.actions.operations import checked_reason
from tegu.actions.scope import Scope
from tegu.domain.errors import ConflictError, NotFoundError
from tegu.domain.operations import checked_runs_max
from tegu.domain.retention import Pruned, Retention
from tegu.domain.worker import LivingWorker
from tegu.engine.prune import prune_once
from tegu.llm.credentials import EnvironmentCredentials
from tegu.storage import holds, limits
from tegu.storage.limits import LimitLevel
from tegu.storage.workers import Workers


async def list_workers(scope: Scope) -> tuple[LivingWorker, ...]:
    """The workers that are alive, whatever organization their runs belong to."""
    return await Workers(await scope.machinery.database.engine()).living()


async def list_limits(scope: Scope) -> list[LimitLevel]:
    """How the limits of every key and model stand that was ever used, over all processes."""
    return await limits.list_limits(await scope.machinery.database.engine())


async def check(scope: Scope, *, rows_max: int = ROWS_DEFAULT) -> tuple[HealthCheck, ...]:
    """Whether everything that is needed is there, and whether the stored state is what it must be."""
    machinery = scope.machinery
    return await examine(machinery.settings, machinery.address, EnvironmentCredentials(), rows_max=rows_max)


async def prune(scope: Scope, keep: Retention | None = None, *, dry_run: bool = False) -> Pruned:
    """Drop what was kept long enough, of every organization: by default what the settings say. A dry run only counts.
    Raises ConflictError when another process is at it.
    """
    machinery = scope.machinery
    async with scope.transaction():
        pass  # noted first: a transaction that stays open for long keeps dead rows alive
    pruned = await prune_once(
        await machinery.database.engine(), keep or machinery.settings.keep, dry_run=dry_run
    )
    if pruned is None:
        raise ConflictError("another process is pruning", hint="wait until it has ended")
    return pruned


async def pause_everybody(scope: Scope, reason: str | None) -> None:
    """Hold back the runs of all organizations, on all workers. See `operations.pause`."""
    reason = checked_reason(reason)
    async with scope.transaction():
        await holds.pause_everybody(await scope.machinery.database.engine(), reason)


async def resume_everybody(scope: Scope) -> None:
    """Let them go on, but for those that their organizations paused. Raises NotFoundError."""
    async with scope.transaction():
        if not await holds.resume_everybody(await scope.machinery.database.engine()):
            raise NotFoundError("not everything is paused", hint="`tegu pauses` lists what is")
    scope.wake()


async def set_runs_max(scope: Scope, organization_id: UUID, runs_max: int | None) -> None:
    """How many runs of an organization may be under way at once, over all workers; None: as many as there are slots. Those
    under way go on. Raises UsageError.
    """
    checked = None if runs_max is None else checked_runs_max(runs_max)
    async with scope.transaction():
        await holds.set_runs_max(await scope.machinery.database.engine(), organization_id, checked)
    scope.wake()
