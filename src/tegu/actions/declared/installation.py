"""The whole installation, for its operators: how it is, workers, limits of providers, what is kept, everybody's runs."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from tegu.actions import installation
from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.declared.inputs import PageInput
from tegu.actions.doctor import ROWS_DEFAULT, ROWS_MAX, HealthCheck
from tegu.actions.operations import REASON_LENGTH_MAX
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.installation import Health
from tegu.domain.page import Page, page_within
from tegu.domain.retention import DAYS_MAX, DAYS_MIN, Pruned, Retention
from tegu.domain.worker import LivingWorker
from tegu.storage.limits import LimitLevel

Days = Annotated[float | None, Field(ge=DAYS_MIN, le=DAYS_MAX)]


class CheckInstallation(ActionInput):
    """How much to tell of what is broken."""

    rows_max: Annotated[int, Field(ge=0, le=ROWS_MAX)] = ROWS_DEFAULT


class Prune(ActionInput):
    """How many days to keep what; with none of them what the settings say."""

    events_days: Days = None
    replies_days: Days = None
    runs_days: Days = None
    dry_run: Annotated[bool, Field(description="Only count.")] = True


class PauseEverybody(ActionInput):
    """Why."""

    reason: Annotated[str | None, Field(max_length=REASON_LENGTH_MAX)] = None


@dataclass(frozen=True, slots=True)
class EverybodysRuns:
    """Whether the runs of all organizations are held back."""

    is_paused: bool


@dataclass(frozen=True, slots=True)
class CheckedInstallation:
    """One line per thing that was looked at."""

    checks: tuple[HealthCheck, ...]


@action("installation.get", effect=Effect.READ, permission=Permission.OPERATE)
async def get_installation(scope: Scope, asked: NoInput) -> Health:
    """Read how the installation is: workers and their slots, backlog, leases, what waits and why, of all organizations."""
    del asked
    return await scope.machinery.health()


@action("installation.check", effect=Effect.READ, permission=Permission.OPERATE)
async def check_installation(scope: Scope, asked: CheckInstallation) -> CheckedInstallation:
    """Check whether everything that is needed is there, and whether the stored state is what it must be."""
    return CheckedInstallation(await installation.check(scope, rows_max=asked.rows_max))


@action(
    "installation.prune",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.OPERATE,
    audited=("events_days", "replies_days", "runs_days", "dry_run"),
)
async def prune(scope: Scope, asked: Prune) -> Pruned:
    """Drop what was kept long enough, of every organization; or, as by default, only count it."""
    days = (asked.events_days, asked.replies_days, asked.runs_days)
    keep = Retention(*days) if any(each is not None for each in days) else None
    return await installation.prune(scope, keep, dry_run=asked.dry_run)


@action(
    "installation.pause",
    effect=Effect.WRITE,
    permission=Permission.OPERATE,
    audited=("reason",),
    is_idempotent=True,
)
async def pause_everybody(scope: Scope, asked: PauseEverybody) -> EverybodysRuns:
    """Hold back the runs of all organizations, on all workers."""
    await installation.pause_everybody(scope, asked.reason)
    return EverybodysRuns(is_paused=True)


@action("installation.resume", effect=Effect.WRITE, permission=Permission.OPERATE)
async def resume_everybody(scope: Scope, asked: NoInput) -> EverybodysRuns:
    """Let the runs of all organizations go on, but for those that their organizations paused."""
    del asked
    await installation.resume_everybody(scope)
    return EverybodysRuns(is_paused=False)


@action("workers.list", effect=Effect.READ, permission=Permission.OPERATE)
async def list_workers(scope: Scope, asked: PageInput) -> Page[LivingWorker]:
    """List the workers that are alive, whatever organization their runs belong to."""
    return page_within(
        await installation.list_workers(scope), asked.limit, asked.cursor, lambda each: (str(each.id),)
    )


@action("limits.list", effect=Effect.READ, permission=Permission.OPERATE)
async def list_limits(scope: Scope, asked: PageInput) -> Page[LimitLevel]:
    """List what providers may be asked, over all processes: window, levels and pauses of every key and model."""
    return page_within(
        await installation.list_limits(scope),
        asked.limit,
        asked.cursor,
        lambda each: (each.place.key, each.place.model),
    )
