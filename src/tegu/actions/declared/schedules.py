"""Schedules: create, list, read, pause, resume and remove them."""

from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from tegu.actions import schedules
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import ModelName, Name, PageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.operations import checked_priority
from tegu.domain.page import Page, page_within
from tegu.domain.schedule import (
    CRON_LENGTH_MAX,
    INPUTS_MAX,
    NAME_LENGTH_MAX,
    Schedule,
    ScheduledInput,
    ScheduleSpec,
)
from tegu.pipeline.pipeline_name import base_name


class WhichSchedule(ActionInput):
    """Which schedule."""

    schedule: Annotated[Name, Field(description="Its name or id.")]


class ListSchedules(PageInput):
    """Which schedules."""

    pipeline: Name | None = None
    is_paused: bool | None = None


class CreateSchedule(ActionInput):
    """What is to begin, and when."""

    name: Annotated[str, Field(max_length=NAME_LENGTH_MAX)]
    pipeline: Annotated[Name, Field(description="`invoices`, or one version: `invoices@2`.")]
    cron: Annotated[
        str,
        Field(
            max_length=CRON_LENGTH_MAX,
            description="Minute, hour, day of month, month, day of week: `30 8 * * MON-FRI`.",
        ),
    ]
    zone: Annotated[str, Field(max_length=100, description="A time zone: `Europe/Berlin`.")] = "UTC"
    content_ids: Annotated[tuple[UUID, ...], Field(max_length=INPUTS_MAX)] = ()
    thread_ids: Annotated[tuple[UUID, ...], Field(max_length=INPUTS_MAX)] = ()
    model: ModelName | None = None
    priority: Annotated[int | Literal["low", "normal", "high"], Field(description="-9 to 9.")] = 0
    budget_usd: Annotated[
        Decimal | None, Field(description="The most that the calls of each run may cost.")
    ] = None


@action("schedules.list", effect=Effect.READ, permission=Permission.SCHEDULES_READ)
async def list_schedules(scope: Scope, asked: ListSchedules) -> Page[Schedule]:
    """List schedules by name, with their next time and what they began last."""
    found = [
        each
        for each in await schedules.list_schedules(scope)
        if asked.pipeline in {None, base_name(each.spec.pipeline)}
        and asked.is_paused in {None, each.next_at is None}
    ]
    return page_within(found, asked.limit, asked.cursor, lambda each: (each.name,))


@action("schedules.get", effect=Effect.READ, permission=Permission.SCHEDULES_READ, key="schedule")
async def get_schedule(scope: Scope, asked: WhichSchedule) -> Schedule:
    """Read one schedule."""
    return await schedules.get_schedule(scope, asked.schedule)


@action(
    "schedules.create",
    effect=Effect.WRITE,
    permission=Permission.SCHEDULES_WRITE,
    audited=("name", "pipeline", "cron", "zone"),
)
async def create_schedule(scope: Scope, asked: CreateSchedule) -> Schedule:
    """Begin runs of a pipeline at each time of a cron expression, from its next on."""
    spec = ScheduleSpec(
        pipeline=asked.pipeline,
        cron=asked.cron,
        zone=asked.zone,
        inputs=(
            *(ScheduledInput(content_id=each) for each in asked.content_ids),
            *(ScheduledInput(thread_id=each) for each in asked.thread_ids),
        ),
        model=asked.model,
        priority=checked_priority(asked.priority),
        budget_usd=asked.budget_usd,
    )
    return await schedules.create_schedule(scope, asked.name, spec)


@action(
    "schedules.pause",
    effect=Effect.WRITE,
    permission=Permission.SCHEDULES_WRITE,
    key="schedule",
    audited=("schedule",),
    is_idempotent=True,
)
async def pause_schedule(scope: Scope, asked: WhichSchedule) -> Schedule:
    """Begin no runs by a schedule until it is resumed; its times pass."""
    return await schedules.pause_schedule(scope, asked.schedule)


@action(
    "schedules.resume",
    effect=Effect.WRITE,
    permission=Permission.SCHEDULES_WRITE,
    key="schedule",
    audited=("schedule",),
    is_idempotent=True,
)
async def resume_schedule(scope: Scope, asked: WhichSchedule) -> Schedule:
    """Let a schedule go on, with the next of its times."""
    return await schedules.resume_schedule(scope, asked.schedule)


@action(
    "schedules.remove",
    effect=Effect.DESTRUCTIVE,
    permission=Permission.SCHEDULES_WRITE,
    key="schedule",
    audited=("schedule",),
)
async def remove_schedule(scope: Scope, asked: WhichSchedule) -> Schedule:
    """Begin no more runs by a schedule; those that it began stay. Returns what it was."""
    return await schedules.remove_schedule(scope, asked.schedule)
