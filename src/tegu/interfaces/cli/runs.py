"""`tegu runs`: list runs, show one, cancel one, tell one something; `reruns` has the commands that fork and compare."""

from uuid import UUID

import click
from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape

from tegu.actions.declared.runs import SignalledRun
from tegu.client.service import Service
from tegu.domain.run import Run
from tegu.domain.status import RunStatus
from tegu.domain.versions import pipeline_label
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.action_options import Json
from tegu.interfaces.cli.lazy import ListingGroup
from tegu.interfaces.cli.reruns import compare, fork
from tegu.interfaces.cli.result_table import write_results
from tegu.interfaces.cli.run_reference import RunReference
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import page_size, taken, with_service
from tegu.interfaces.cli.tables import runs_table, stages_table, write_error_info
from tegu.interfaces.cli.when import said

LIMITS = click.IntRange(1, 1000)


@click.group(cls=ListingGroup, noun="runs")
def runs() -> None:
    """List runs, show, fork or compare them, cancel one, or signal one. Without a command it lists (see `list --help`)."""


runs.add_command(fork)
runs.add_command(compare)


@runs.command("list")
@click.option("--status", type=click.Choice([status.value for status in RunStatus]), help="Only these.")
@click.option("--pipeline", help="Only runs of this pipeline.")
@click.option("--limit", default=20, show_default=True, type=LIMITS, help="How many of the newest.")
@json_option
def list_runs(*, status: str | None, pipeline: str | None, limit: int, as_json: bool) -> None:
    """List the newest runs."""

    async def work(service: Service) -> list[Run]:
        wanted = RunStatus(status) if status else None
        return await taken(
            service.runs.all(status=wanted, pipeline=pipeline, page_size=page_size(limit)), limit
        )

    found = with_service(work)
    if as_json:
        write_json({"runs": found})
    elif found:
        console().print(runs_table(found))
    else:
        click.echo("There is no such run yet. `tegu demo` makes some.")


@runs.command()
@click.argument("run_id", metavar="RUN", type=RunReference())
@json_option
def show(*, run_id: UUID, as_json: bool) -> None:
    """Show a run: its stages, results, evidence and cost."""

    async def work(service: Service) -> Run:
        return await service.runs.get(run_id)

    run = with_service(work)
    if as_json:
        write_json(run)
        return
    out = console()
    out.print(f"[bold]run {run.id}[/]")
    subject = f"mail thread {run.thread_id}" if run.thread_id else f"content {run.content_id}"
    if run.input_name:
        out.print(escape(run.input_name))
    out.print(
        f"{escape(pipeline_label(run.pipeline, run.version, run.version_label))} over {subject}, started by {run.triggered_by.value}"
    )
    totals = f"{wording.counted(run.totals.calls, 'call')}, {wording.run_cost(run)}"
    out.print(f"{wording.status(run.status.value)}, {wording.run_elapsed(run) or 'not started'}, {totals}")
    if run.waiting_reason:
        hint = "" if run.held_by else " (`tegu worker --import MODULE`)"
        out.print(f"[yellow]waits:[/] {escape(run.waiting_reason)}{hint}")
    if run.erased_at:
        out.print(
            f"[yellow]erased:[/] what it read was deleted {said(run.erased_at)}, and its results with it"
        )
    if run.scheduled_at:
        out.print(f"[yellow]scheduled:[/] starts {said(run.scheduled_at)}")
    if run.priority:
        out.print(f"priority {run.priority}")
    _write_origin(out, run)
    out.print(stages_table(run.stages, run.children))
    write_results(out, run.results)
    write_error_info(out, run.error)


def _write_origin(out: Console, run: Run) -> None:
    """Which run it goes on from, with what changes, and which go on from it."""
    if run.forked_from is not None:
        out.print(f"forked from run {run.forked_from} at stage {escape(run.fork_stage or '')}")
    elif run.reuse_from is not None:
        out.print(f"reuses what run {run.reuse_from} came to")
    if run.edits is not None:
        parts = ", ".join(str(part) for part in run.edits if part != "by")
        by = run.edits.get("by")
        who = str(by.get("label") or by.get("kind")) if isinstance(by, dict) else ""
        out.print(f"[yellow]edited:[/] {escape(parts)}{escape(f' by {who}') if who else ''}")
    for each in run.forks:
        out.print(f"fork: run {each}")


@runs.command()
@click.argument("run_id", metavar="RUN", type=RunReference())
@json_option
def cancel(*, run_id: UUID, as_json: bool) -> None:
    """Ask for the end of a run. Stages that are finished keep their results."""

    async def work(service: Service) -> RunStatus:
        return (await service.runs.cancel(run_id)).status

    before = with_service(work)
    if as_json:
        write_json({"id": run_id, "status": before, "cancel_requested": True})
    else:
        click.echo(f"Run {run_id} is {before.value} and will be cancelled by its worker within seconds.")


@runs.command()
@click.argument("run_id", metavar="RUN", type=RunReference())
@click.argument("name", metavar="NAME")
@click.option("--data", type=Json(), help="What the waiting stage puts out: JSON, or @FILE.")
@click.option("--if-waiting", is_flag=True, help="Only for a stage that waits for it now; do not keep it.")
@json_option
def signal(*, run_id: UUID, name: str, data: JsonValue, if_waiting: bool, as_json: bool) -> None:
    """Tell a run something that a `wait` stage of it waits for, now or later."""

    async def work(service: Service) -> SignalledRun:
        return await service.runs.signal(run_id, name=name, data=data, keep=not if_waiting)

    told = with_service(work)
    if as_json:
        write_json(told)
    elif told.received:
        click.echo(f"Run {run_id} was sent {name!r}.")
    else:
        click.echo(f"No stage of run {run_id} waits for {name!r} now, and it was not kept.")
