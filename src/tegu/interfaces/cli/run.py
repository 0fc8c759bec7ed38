"""`tegu run` and `tegu start`: a pipeline over inputs, driven here, or by the service's workers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape

from tegu.actions.runs import StartOptions, statuses
from tegu.app import Tegu
from tegu.client.service import Service
from tegu.domain.errors import UsageError
from tegu.domain.run import Run, TriggeredBy
from tegu.domain.status import RunStatus, StageStatus
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.board import RunLine
from tegu.interfaces.cli.failure import ExitCode, write_error, write_notice
from tegu.interfaces.cli.following import finish_shown, shows_partials
from tegu.interfaces.cli.inputs import pipeline_source
from tegu.interfaces.cli.local_service import LocalService
from tegu.interfaces.cli.planning import Wish, begun, planned
from tegu.interfaces.cli.printable import printable
from tegu.interfaces.cli.result_table import write_results
from tegu.interfaces.cli.runners import Here, There
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import with_service
from tegu.interfaces.cli.stage_modules import import_option, stages_of
from tegu.interfaces.cli.tables import runs_table, write_error_info
from tegu.interfaces.cli.usd import Usd
from tegu.interfaces.cli.when import when_options
from tegu.interfaces.cli.written_pipelines import written_pipeline
from tegu.storage.pipelines import PipelineVersion

SHOWN_RUNS_MAX = 10
"""Runs whose results are shown in full; of more, one line each."""


@dataclass(slots=True)
class Started:
    """Runs that were started, so that an interruption can say what becomes of them."""

    names: dict[UUID, str]
    statuses: dict[UUID, RunStatus]


@click.command()
@click.argument("pipeline")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--model",
    metavar="MODEL",
    help="The model of every stage, before all other settings: provider:model, an alias, several.",
)
@click.option("--budget", metavar="USD", type=Usd(), help="The most that the calls of each run may cost.")
@when_options
@click.option("--follow/--no-follow", default=None, help="Show progress (default, except with --json).")
@click.option("--partials", is_flag=True, help="With --follow --json: also what models have said so far.")
@click.option("--limit", default=100, show_default=True, help="Start nothing if this makes more runs.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask whether to go on after the forecast.")
@import_option
@json_option
def run(
    *,
    pipeline: str,
    inputs: tuple[str, ...],
    model: str | None,
    budget: Decimal | None,
    priority: int | None,
    due_at: datetime | None,
    delay_s: float | None,
    follow: bool | None,
    partials: bool,
    limit: int,
    is_sure: bool,
    modules: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run a pipeline over files, here, and show the results.

    PIPELINE is a name (email_analysis, invoices@2), a .yaml or .json file, or one in Python (triage.py,
    triage.py:email, shop.triage:email), which brings its stages with it. INPUT is a file, or - for text from
    stdin. A pipeline over mail threads runs once per thread, any other once per file or message.

    With --json, stdout is one JSON document; with --follow --json, the events as JSON lines before it. --partials adds
    lines of the kind stage.partial: outputs while they grow, a few a second, of the moment only.
    """
    if partials and not (follow and as_json):
        raise UsageError("--partials belongs to --follow --json", hint="a terminal shows them without asking")
    wish = Wish(
        written_pipeline(pipeline) or pipeline_source(pipeline),
        inputs,
        limit,
        StartOptions(model, TriggeredBy.USER, None, None, False, budget, priority, due_at, delay_s),
        is_sure,
    )
    started = Started({}, {})

    async def work(service: Service) -> list[Run]:
        out = console()
        follows = (not as_json) if follow is None else follow
        version, found = await planned(service, wish, drives=True)
        shown = follows and shows_partials(len(found), out, as_json=as_json, asked=partials)
        started.names.update(await begun(service, version, found, replace(wish.options, stream=shown)))
        runner = Here(service.tegu) if isinstance(service, LocalService) else There(service)
        try:
            if follows:
                lines = lines_of(version, started.names)
                await finish_shown(runner, lines, out, as_json=as_json, partials=shown)
            else:
                await runner.finish(list(started.names))
        except asyncio.CancelledError:
            if isinstance(service, LocalService):
                await _note_statuses(service.tegu, started)
            raise
        return [await service.runs.get(run_id) for run_id in started.names]

    try:
        runs = with_service(work, stages=stages_of(modules, wish.functions))
    except KeyboardInterrupt:
        _write_interrupted(started)
        return ExitCode.INTERRUPTED
    if as_json:
        write_json({"runs": [{"name": started.names[run.id], "run": run} for run in runs]})
    else:
        write_runs(console(), runs, started.names)
    return write_verdict(runs, started.names)


@click.command()
@click.argument("pipeline")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "--model",
    metavar="MODEL",
    help="The model of every stage, before all other settings: provider:model, an alias, several.",
)
@click.option("--budget", metavar="USD", type=Usd(), help="The most that the calls of each run may cost.")
@when_options
@click.option("--limit", default=100, show_default=True, help="Start nothing if this makes more runs.")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask whether to go on after the forecast.")
@import_option
@json_option
def start(
    *,
    pipeline: str,
    inputs: tuple[str, ...],
    model: str | None,
    budget: Decimal | None,
    priority: int | None,
    due_at: datetime | None,
    delay_s: float | None,
    limit: int,
    is_sure: bool,
    modules: tuple[str, ...],
    as_json: bool,
) -> None:
    """Start runs and print their ids; a worker drives them.

    PIPELINE and INPUT are as for `tegu run`.
    """
    wish = Wish(
        written_pipeline(pipeline) or pipeline_source(pipeline),
        inputs,
        limit,
        StartOptions(model, TriggeredBy.USER, None, None, False, budget, priority, due_at, delay_s),
        is_sure,
    )

    async def work(service: Service) -> dict[UUID, str]:
        # Keys are the workers' affair, who may run elsewhere.
        version, found = await planned(service, wish, drives=False)
        return await begun(service, version, found, wish.options)

    names = with_service(work, stages=stages_of(modules, wish.functions))
    if as_json:
        write_json({"runs": [{"id": run_id, "name": name} for run_id, name in names.items()]})
        return
    for run_id, name in names.items():
        click.echo(printable(f"{run_id}  {name}"))
    write_notice("`tegu worker` drives them; `tegu runs show RUN` shows one.")


def lines_of(version: PipelineVersion, names: dict[UUID, str]) -> dict[UUID, RunLine]:
    """Lines for the board, with the stages of the version."""
    stages = [stage.name for stage in version.definition.stages]
    return {run_id: RunLine.of(name, stages) for run_id, name in names.items()}


async def _note_statuses(tegu: Tegu, started: Started) -> None:
    started.statuses.update(await statuses(await tegu.scope(), list(started.names)))


def _write_interrupted(started: Started) -> None:
    open_runs = [
        run_id for run_id in started.names if not started.statuses.get(run_id, RunStatus.PENDING).is_terminal
    ]
    if not open_runs:
        write_error("interrupted")
        return
    of_all = wording.counted(len(started.names), "run")
    write_error(
        f"interrupted: {len(open_runs)} of {of_all} not finished and handed back",
        "`tegu worker` goes on with them; `tegu runs cancel RUN` ends one",
    )
    for run_id in open_runs[:SHOWN_RUNS_MAX]:
        write_notice(f"  {run_id}  {started.names[run_id]}")


def write_runs(out: Console, runs: Sequence[Run], names: dict[UUID, str]) -> None:
    """Results of a few runs in full, of many one line each."""
    if len(runs) > SHOWN_RUNS_MAX:
        out.print(runs_table(runs))
        out.print("`tegu results RUN` shows the results of one.")
        return
    for each in runs:
        out.print(f"\n[bold]{escape(names[each.id])}[/]  [dim]run {each.id}[/]")
        write_results(out, each.results)
        for stage in each.stages:
            if stage.status in {StageStatus.SKIPPED, StageStatus.FAILED}:
                out.print(f"{escape(stage.stage)}  {wording.status(stage.status.value)}")
        out.print(_totals(each))


def write_verdict(runs: Sequence[Run], names: dict[UUID, str]) -> ExitCode:
    """Name what failed, with its stage. Returns the exit code."""
    bad = [run for run in runs if run.status is not RunStatus.COMPLETED]
    out = console(err=True)
    for run in bad[:SHOWN_RUNS_MAX]:
        if run.error is None:
            write_error(f"run {run.id} of {names[run.id]!r} was {run.status.value}")
        else:
            out.print(f"\n[dim]run {run.id} of {escape(names[run.id])!r}[/]")
            write_error_info(out, run.error)
    if len(bad) > SHOWN_RUNS_MAX:
        write_error(f"{len(bad)} of {len(runs)} runs failed", "`tegu runs --status failed` lists them")
    return ExitCode.FAILED if bad else ExitCode.OK


def _totals(run: Run) -> str:
    totals = run.totals
    parts = [
        wording.status(run.status.value),
        wording.run_elapsed(run),
        wording.counted(totals.calls, "call") if totals.calls else "no calls",
    ]
    if wording.is_rule_based(run):
        parts.append(wording.RULE_BASED)
    elif totals.calls:
        if totals.input_tokens or totals.output_tokens:
            parts.append(f"{totals.input_tokens:,} tokens in, {totals.output_tokens:,} out")
        parts.append(f"cost {wording.run_cost(run)}")
    return ", ".join(part for part in parts if part)
