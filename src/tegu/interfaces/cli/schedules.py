"""`tegu schedules`: runs that begin by themselves, at the times of a cron expression in a time zone."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import click
from rich.markup import escape

from tegu.actions.run_inputs import inputs_of
from tegu.client.service import Service
from tegu.domain.errors import UsageError
from tegu.domain.schedule import CronTimes, Schedule, ScheduledInput
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.inputs import ingest_each, pipeline_source, version_of
from tegu.interfaces.cli.lazy import ListingGroup
from tegu.interfaces.cli.local_service import LocalService
from tegu.interfaces.cli.printable import printable
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import taken, with_service
from tegu.interfaces.cli.usd import Usd
from tegu.interfaces.cli.when import priority_option, said

_ZONE = click.option(
    "--zone",
    default="UTC",
    show_default=True,
    metavar="ZONE",
    help="The time zone of the times: Europe/Berlin.",
)
_NAME = click.argument("name")


LISTED_MAX = 10_000


@click.group(cls=ListingGroup, noun="schedules", invoke_without_command=True)
def schedules() -> None:
    """List schedules, add, pause, resume or remove one.

    A schedule begins runs at the times of a cron expression in a time zone, once each, however many workers there are; a worker
    must be there. When none was there for a while it fires once, late.
    """


@schedules.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """List the schedules: when each fires next, and what it did the last time."""

    async def work(service: Service) -> list[Schedule]:
        return await taken(service.schedules.all(), LISTED_MAX)

    found = with_service(work)
    if as_json:
        write_json({"schedules": [_shown(each) for each in found]})
        return
    if not found:
        click.echo("There is no schedule: `tegu schedules add --help` says how to make one.")
        return
    made = table("schedule", "pipeline", "times", "next", "last", whole=("next",))
    for each in found:
        spec = each.spec
        made.add_row(
            escape(each.name),
            escape(spec.pipeline),
            escape(f"{spec.cron} {spec.zone}"),
            said(each.next_at) if each.next_at else "[yellow]paused[/]",
            _last(each),
        )
    console().print(made)


@schedules.command()
@_NAME
@click.argument("cron")
@click.argument("pipeline")
@click.argument("inputs", nargs=-1, metavar="[INPUT]...")
@click.option("--content", "contents", type=click.UUID, multiple=True, help="A content that is stored.")
@click.option("--thread", "threads", type=click.UUID, multiple=True, help="A mail thread, as it is then.")
@_ZONE
@click.option("--model", metavar="MODEL", help="The model of every stage of its runs.")
@click.option("--budget", metavar="USD", type=Usd(), help="The most that the calls of each run may cost.")
@priority_option
@json_option
def add(
    *,
    name: str,
    cron: str,
    pipeline: str,
    inputs: tuple[str, ...],
    contents: tuple[UUID, ...],
    threads: tuple[UUID, ...],
    zone: str,
    model: str | None,
    budget: Decimal | None,
    priority: int | None,
    as_json: bool,
) -> None:
    """Make a schedule NAME: at the times of CRON the PIPELINE runs over the inputs.

    CRON has five fields: minute, hour, day of month, month, day of week ('30 8 * * MON-FRI'). PIPELINE is a name, and then the
    version that is current at that time runs, a name with its version (invoices@2), or a file. An INPUT is a file, which is stored now.
    """
    times = CronTimes(cron, zone)
    now = datetime.now(UTC)
    times.after(now)  # refused before anything is stored

    async def work(service: Service) -> Schedule:
        source = pipeline_source(pipeline)
        version = await version_of(service, source)
        if isinstance(service, LocalService):
            await service.tegu.require_models(version, model=model, with_keys=False)
        stored, unread = await ingest_each(service, inputs)
        if unread:
            raise unread[0].error
        read = [ScheduledInput(i.content_id, i.thread_id) for i in inputs_of(version, stored)]
        given = [ScheduledInput(content_id=c) for c in contents] + [
            ScheduledInput(thread_id=t) for t in threads
        ]
        if not read and not given:
            raise UsageError("a schedule needs something to read", hint="name files, or --content, --thread")
        all_inputs = (*read, *given)
        return await service.schedules.create(
            name=name,
            pipeline=source if isinstance(source, str) else version.name,
            cron=cron,
            zone=zone,
            content_ids=[each.content_id for each in all_inputs if each.content_id],
            thread_ids=[each.thread_id for each in all_inputs if each.thread_id],
            model=model,
            priority=priority or 0,
            budget_usd=budget,
        )

    made = with_service(work)
    if as_json:
        write_json(_shown(made))
        return
    runs = wording.counted(len(made.spec.inputs), "run")
    click.echo(printable(f"{made.name} begins {runs} of {made.spec.pipeline} each time. The next times:"))
    for moment in times.several_after(now, 3):
        click.echo(f"  {moment:%a %Y-%m-%d %H:%M %Z}")


@schedules.command()
@_NAME
@json_option
def pause(*, name: str, as_json: bool) -> None:
    """Begin no runs by it until it is resumed; its times pass."""

    async def work(service: Service) -> None:
        await service.schedules.pause(name)

    with_service(work)
    if as_json:
        write_json({"paused": name})
    else:
        click.echo(printable(f"{name} is paused. `tegu schedules resume` lets it go on."))


@schedules.command()
@_NAME
@json_option
def resume(*, name: str, as_json: bool) -> None:
    """Let it go on, with its next time."""

    async def work(service: Service) -> datetime | None:
        return (await service.schedules.resume(name)).next_at

    next_at = with_service(work)
    if as_json:
        write_json({"resumed": name, "next_at": next_at})
    else:
        assert next_at is not None  # it was resumed
        click.echo(printable(f"{name} fires next at {said(next_at)}."))


@schedules.command()
@_NAME
@json_option
def remove(*, name: str, as_json: bool) -> None:
    """Take it away; the runs that it began stay."""

    async def work(service: Service) -> None:
        await service.schedules.remove(name)

    with_service(work)
    if as_json:
        write_json({"removed": name})
    else:
        click.echo(printable(f"There is no schedule {name} any more."))


def _last(schedule: Schedule) -> str:
    if schedule.last_at is None:
        return ""
    if schedule.last_error:
        return f"{said(schedule.last_at)}\n[red]{escape(schedule.last_error)}[/]"
    return f"{said(schedule.last_at)}\n{wording.counted(len(schedule.last_run_ids), 'run')}"


def _shown(schedule: Schedule) -> dict[str, Any]:
    spec = schedule.spec
    return {
        "id": schedule.id,
        "name": schedule.name,
        "pipeline": spec.pipeline,
        "cron": spec.cron,
        "zone": spec.zone,
        "inputs": [{"content_id": i.content_id, "thread_id": i.thread_id} for i in spec.inputs],
        "model": spec.model,
        "priority": spec.priority,
        "budget_usd": spec.budget_usd,
        "created_at": schedule.created_at,
        "next_at": schedule.next_at,
        "paused_at": schedule.paused_at,
        "last_at": schedule.last_at,
        "last_run_ids": schedule.last_run_ids,
        "last_error": schedule.last_error,
    }
