"""`tegu pause`, `tegu resume`, `tegu pauses`, `tegu concurrency`: what workers pass over, on all of them, within a second."""

import click
from rich.markup import escape

from tegu.client.service import Service
from tegu.domain.errors import UsageError
from tegu.domain.operations import Pause
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import taken, with_service
from tegu.interfaces.cli.when import said

_PIPELINE = click.argument("pipeline", required=False)
_ORGANIZATION = click.option(
    "--organization", "whole", is_flag=True, help="All runs of the organization (TEGU_ORGANIZATION)."
)
LISTED_MAX = 10_000
_ALL = click.option("--all", "everybody", is_flag=True, help="All runs of all organizations.")


@click.command()
@_PIPELINE
@_ORGANIZATION
@_ALL
@click.option("--reason", metavar="TEXT", help="Shown beside the runs that wait.")
@json_option
def pause(*, pipeline: str | None, whole: bool, everybody: bool, reason: str | None, as_json: bool) -> None:
    """Hold back the runs of a PIPELINE, of the organization, or all.

    No worker takes them any more. Runs under way end the stages that have begun and are let go. It lasts until `tegu resume`.
    """
    said_to = _whose(pipeline, whole=whole, everybody=everybody)

    async def work(service: Service) -> None:
        if everybody:
            await service.installation.pause(reason=reason)
        else:
            await service.pauses.create(pipeline=pipeline, reason=reason)

    with_service(work)
    if as_json:
        write_json({"paused": _json_of(pipeline, everybody=everybody), "reason": reason})
    else:
        click.echo(f"Paused: {said_to}. `tegu resume` lets them go on.")


@click.command()
@_PIPELINE
@_ORGANIZATION
@_ALL
@json_option
def resume(*, pipeline: str | None, whole: bool, everybody: bool, as_json: bool) -> None:
    """Let runs go on that were paused: of a PIPELINE, of the organization, or all."""
    said_to = _whose(pipeline, whole=whole, everybody=everybody)

    async def work(service: Service) -> None:
        if everybody:
            await service.installation.resume()
        else:
            await service.pauses.remove(pipeline=pipeline)

    with_service(work)
    if as_json:
        write_json({"resumed": _json_of(pipeline, everybody=everybody)})
    else:
        click.echo(f"Resumed: {said_to}.")


@click.command()
@json_option
def pauses(*, as_json: bool) -> None:
    """List what is paused."""

    async def work(service: Service) -> list[Pause]:
        return await taken(service.pauses.all(), LISTED_MAX)

    found = with_service(work)
    if as_json:
        shown = [{**_json_of(p.pipeline, everybody=p.is_everybodys)} | _since(p) for p in found]
        write_json({"pauses": shown})
        return
    if not found:
        click.echo("Nothing is paused.")
        return
    made = table("paused", "since", "reason", whole=("since",))
    for each in found:
        whose = "everything" if each.is_everybodys else each.pipeline or "the organization"
        made.add_row(escape(whose), said(each.paused_at), escape(each.reason or ""))
    console().print(made)


@click.command()
@click.argument("runs", required=False, type=int)
@click.option("--no-limit", is_flag=True, help="As many as the workers have slots.")
@json_option
def concurrency(*, runs: int | None, no_limit: bool, as_json: bool) -> None:
    """Show or set how many RUNS of the organization may be under way at once, over all workers.

    Runs that wait for a retry, a budget or their time are not under way. Those under way when a lower limit is set go on.
    """
    if runs is not None and no_limit:
        raise UsageError(f"{runs} and --no-limit exclude each other")

    async def work(service: Service) -> int | None:
        if runs is not None or no_limit:
            await service.concurrency.set(runs_max=runs)
        return (await service.concurrency.get()).runs_max

    limit = with_service(work)
    if as_json:
        write_json({"runs_max": limit})
    elif limit is None:
        click.echo("No limit: as many runs are under way as the workers have slots.")
    else:
        click.echo(f"At most {limit} {'run is' if limit == 1 else 'runs are'} under way at once.")


def _whose(pipeline: str | None, *, whole: bool, everybody: bool) -> str:
    """What was meant, in words. Exactly one of the three."""
    if [pipeline is not None, whole, everybody].count(True) != 1:
        raise UsageError(
            "it takes one of three",
            hint="name a pipeline, or say --organization (all of it) or --all (everybody)",
        )
    if everybody:
        return "all runs of all organizations"
    return f"the runs of pipeline {pipeline}" if pipeline else "all runs of the organization"


def _json_of(pipeline: str | None, *, everybody: bool) -> dict[str, object]:
    scope = "everybody" if everybody else "pipeline" if pipeline else "organization"
    return {"scope": scope, "pipeline": pipeline}


def _since(pause: Pause) -> dict[str, object]:
    return {"reason": pause.reason, "paused_at": pause.paused_at}
