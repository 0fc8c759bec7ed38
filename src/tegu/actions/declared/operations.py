"""What holds runs back, and deliveries that did not go well: pauses, concurrency, hook deliveries."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import deliveries, installation, operations
from tegu.actions.action import ActionInput, Effect, NoInput, action
from tegu.actions.declared.inputs import Name, PageInput
from tegu.actions.operations import REASON_LENGTH_MAX
from tegu.actions.policy import enforce
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.hook import HookDelivery
from tegu.domain.operations import RUNS_MAX_MAX, Pause
from tegu.domain.page import Page, key_of, page_of, page_within, uuid_in


class WhichPause(ActionInput):
    """Whose runs: those of a pipeline, or with none all of the organization's."""

    pipeline: Name | None = None


class CreatePause(WhichPause):
    """Whose runs, and why."""

    reason: Annotated[str | None, Field(max_length=REASON_LENGTH_MAX)] = None


class SetConcurrency(ActionInput):
    """How many runs, and whose."""

    runs_max: Annotated[int | None, Field(ge=1, le=RUNS_MAX_MAX, description="null: no limit.")]
    organization_id: Annotated[UUID | None, Field(description="Your own where not given.")] = None


class ListDeliveries(PageInput):
    """Which deliveries."""

    is_failed: Annotated[bool | None, Field(description="Those that were given up, or the others.")] = None


@dataclass(frozen=True, slots=True)
class ResumedRuns:
    """Whose runs go on: those of a pipeline, or all of the organization's."""

    pipeline: str | None


@dataclass(frozen=True, slots=True)
class RunsMax:
    """How many runs of the organization may be under way at once, over all workers; null: as many as there are slots."""

    runs_max: int | None


@action("pauses.list", effect=Effect.READ, permission=Permission.RUNS_READ)
async def list_pauses(scope: Scope, asked: PageInput) -> Page[Pause]:
    """List what holds back runs: everybody's pause, the organization's, and those of its pipelines."""
    found = await operations.list_pauses(scope)
    return page_within(found, asked.limit, asked.cursor, _order)


@action(
    "pauses.create",
    effect=Effect.WRITE,
    permission=Permission.RUNS_WRITE,
    audited=("pipeline",),
    is_idempotent=True,
)
async def pause(scope: Scope, asked: CreatePause) -> Pause:
    """Hold back the runs of a pipeline, or all of the organization's. Stages that have begun end; no further one begins."""
    _check_reach(scope, "pauses.create", asked.pipeline)
    return await operations.pause(scope, asked.pipeline, reason=asked.reason)


@action("pauses.remove", effect=Effect.WRITE, permission=Permission.RUNS_WRITE, audited=("pipeline",))
async def resume(scope: Scope, asked: WhichPause) -> ResumedRuns:
    """Let paused runs go on, at once. What is paused as a whole stays so for each of its pipelines."""
    _check_reach(scope, "pauses.remove", asked.pipeline)
    await operations.resume(scope, asked.pipeline)
    return ResumedRuns(asked.pipeline)


@action("concurrency.get", effect=Effect.READ, permission=Permission.RUNS_READ)
async def get_concurrency(scope: Scope, asked: NoInput) -> RunsMax:
    """Read how many runs of the organization may be under way at once."""
    del asked
    return RunsMax(await operations.runs_max(scope))


@action(
    "concurrency.set",
    effect=Effect.WRITE,
    permission=Permission.OPERATE,
    audited=("runs_max", "organization_id"),
    is_idempotent=True,
)
async def set_concurrency(scope: Scope, asked: SetConcurrency) -> RunsMax:
    """Limit how many runs of an organization may be under way at once, over all workers. Those under way go on."""
    await installation.set_runs_max(scope, asked.organization_id or scope.organization_id, asked.runs_max)
    return RunsMax(asked.runs_max)


@action("hook_deliveries.list", effect=Effect.READ, permission=Permission.WEBHOOKS_READ)
async def list_deliveries(scope: Scope, asked: ListDeliveries) -> Page[HookDelivery]:
    """List deliveries to hooks of the host that did not go well yet, those of the newest runs first."""
    key = key_of(asked.cursor, 2)
    found = await deliveries.list_deliveries(
        scope,
        failed=asked.is_failed,
        after=(uuid_in(asked.cursor, key[0]), key[1]) if key else None,
        limit=asked.limit + 1,
    )
    return page_of(found, asked.limit, lambda each: (str(each.run_id), each.hook))


def _check_reach(scope: Scope, name: str, pipeline: str | None) -> None:
    """What holds back a whole organization is for those who administer it. Raises ForbiddenError."""
    if pipeline is None:
        enforce(scope.actor, f"{name} of the whole organization", Permission.SETTINGS_WRITE)


def _order(pause: Pause) -> tuple[str, ...]:
    """Everybody's first, then the organization's, then by pipeline."""
    return ("" if pause.is_everybodys else "organization", pause.pipeline or "")
