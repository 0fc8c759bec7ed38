"""`tegu run` and `tegu start`: a pipeline over inputs, driven here or by whichever worker is there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape

from tegu.actions.contents import Ingested
from tegu.actions.run_inputs import RunInput, inputs_of
from tegu.actions.runs import StartOptions, statuses
from tegu.app import Tegu
from tegu.domain.errors import UsageError
from tegu.domain.run import Run, TriggeredBy
from tegu.domain.status import RunStatus, StageStatus
from tegu.domain.worker import waiting_reason
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.board import RunLine
from tegu.interfaces.cli.failure import ExitCode, write_error, write_notice
from tegu.interfaces.cli.following import drive, drive_shown, shows_partials
from tegu.interfaces.cli.inputs import Unread, ingest_each, pipeline_source
from tegu.interfaces.cli.printable import printable
from tegu.interfaces.cli.result_table import write_results
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import with_tegu
from tegu.interfaces.cli.stage_modules import import_option, stages_of
from tegu.interfaces.cli.tables import runs_table, write_error_info
from tegu.interfaces.cli.usd import Usd
from tegu.interfaces.cli.when import when_options
from tegu.interfaces.cli.written_pipelines import written_pipeline
from tegu.pipeline.builder import Pipeline
from tegu.runtime import StageFunction
from tegu.storage.pipelines import PipelineVersion

SHOWN_RUNS_MAX = 10
"""Runs whose results are shown in full; of more, one line each."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to run: as given on the command line."""

    pipeline: "str | Path | Pipeline[Any]"
    inputs: tuple[str, ...]
    model: str | None
    limit: int

    @property
    def functions(self) -> tuple[StageFunction, ...]:
        """The Python stages that a pipeline in Python brings with it."""
        return tuple(self.pipeline.functions.values()) if isinstance(self.pipeline, Pipeline) else ()


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
@import_option
@json_option
def run(
    *,
    pipeline: str,
    inputs: tuple[str, ...],
    model: str | None,
    budget: Decimal | None,
    priority: int,
    due_at: datetime | None,
    delay_s: float | None,
    follow: bool | None,
    partials: bool,
    limit: int,
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
    wish = Wish(written_pipeline(pipeline) or pipeline_source(pipeline), inputs, model, limit)
    started = Started({}, {})

    async def work(tegu: Tegu) -> list[Run]:
        version, found = await _planned(tegu, wish, drives=True)
        out = console()
        follows = (not as_json) if follow is None else follow
        shown = follows and shows_partials(len(found), out, as_json=as_json, asked=partials)
        options = StartOptions(
            model=model,
            triggered_by=TriggeredBy.USER,
            stream=shown,
            budget_usd=budget,
            priority=priority,
            due_at=due_at,
            delay_s=delay_s,
        )
        run_ids = await tegu.start_inputs(version, found, options)
        started.names.update(zip(run_ids, [item.name for item in found], strict=True))
        try:
            if follows:
                lines = lines_of(version, started.names)
                await drive_shown(tegu, lines, out, as_json=as_json, partials=shown)
            else:
                await drive(tegu, list(run_ids))
        except asyncio.CancelledError:
            await _note_statuses(tegu, started)
            raise
        return [await tegu.get_run(run_id) for run_id in run_ids]

    try:
        runs = with_tegu(work, stages=stages_of(modules, wish.functions))
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
@import_option
@json_option
def start(
    *,
    pipeline: str,
    inputs: tuple[str, ...],
    model: str | None,
    budget: Decimal | None,
    priority: int,
    due_at: datetime | None,
    delay_s: float | None,
    limit: int,
    modules: tuple[str, ...],
    as_json: bool,
) -> None:
    """Start runs and print their ids; a worker drives them.

    PIPELINE and INPUT are as for `tegu run`.
    """
    wish = Wish(written_pipeline(pipeline) or pipeline_source(pipeline), inputs, model, limit)

    async def work(tegu: Tegu) -> dict[UUID, str]:
        # Keys are the workers' affair, who may run elsewhere.
        version, found = await _planned(tegu, wish, drives=False)
        options = StartOptions(
            model=model,
            triggered_by=TriggeredBy.USER,
            budget_usd=budget,
            priority=priority,
            due_at=due_at,
            delay_s=delay_s,
        )
        run_ids = await tegu.start_inputs(version, found, options)
        return dict(zip(run_ids, [item.name for item in found], strict=True))

    names = with_tegu(work, stages=stages_of(modules, wish.functions))
    if as_json:
        write_json({"runs": [{"id": run_id, "name": name} for run_id, name in names.items()]})
        return
    for run_id, name in names.items():
        click.echo(printable(f"{run_id}  {name}"))
    write_notice("`tegu worker` drives them; `tegu runs show RUN` shows one.")


async def _planned(tegu: Tegu, wish: Wish, *, drives: bool) -> tuple[PipelineVersion, tuple[RunInput, ...]]:
    """The version and the runs to start. Everything that can be refused is refused here, before any run exists."""
    version = await tegu.pipeline(wish.pipeline)
    await _check_functions(tegu, version, drives=drives)
    await tegu.require_models(version, model=wish.model, with_keys=drives)
    stored, unread = await ingest_each(tegu, wish.inputs)
    if unread:
        raise _refusal(unread, len(wish.inputs))
    found = inputs_of(version, stored)
    _announce(version, stored, found)
    if len(found) > wish.limit:
        raise UsageError(
            f"that is more than {wish.limit}: nothing was started", hint=f"allow it with --limit {len(found)}"
        )
    return version, found


async def _check_functions(tegu: Tegu, version: PipelineVersion, *, drives: bool) -> None:
    """This process, or a worker that is alive, must have the Python stages, or the runs would wait without end."""
    missing = ", ".join(sorted(version.definition.python_stages() - tegu.registry.functions().keys()))
    if drives and not missing:
        return
    unserved = await tegu.unserved_functions(version)
    if not drives:
        if unserved:
            write_notice(f"The runs wait: {waiting_reason(unserved)} (`tegu worker --import MODULE`).")
        return
    if unserved:
        hint = "add --import MODULE, or use `tegu start` and a worker that has it"
        raise UsageError(f"this process has no {missing}, and {waiting_reason(unserved)}", hint=hint)
    write_notice(f"This process has no {missing}: a worker that has drives the runs.")


def _announce(version: PipelineVersion, stored: Sequence[Ingested], found: Sequence[RunInput]) -> None:
    """Say first how many runs this makes."""
    per = "mail thread" if any(item.thread_id for item in found) else "file or message"
    runs, inputs = wording.counted(len(found), "run"), wording.counted(len(stored), "input")
    write_notice(f"This makes {runs} of {version.name}@{version.number}: one per {per}, from {inputs}.")
    for item in stored:
        for warning in item.warnings:
            write_notice(f"note: {item.content.name}: {warning}")


def _refusal(unread: Sequence[Unread], total: int) -> Exception:
    """One error for all inputs that cannot be read."""
    if len(unread) == 1 and total == 1:
        return unread[0].error
    for each in unread:
        write_error(each.error.message, each.error.hint)
    first = unread[0].error
    message = f"{len(unread)} of {total} inputs cannot be read: nothing was started"
    return type(first)(message, code=first.code, hint="leave them out, or mend them")


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
