"""`tegu backfill`: a newer version over what earlier runs were over: first what it would do, then a sample, then all."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import click
from rich.console import Console
from rich.live import Live

from tegu.client.service import Service
from tegu.domain.backfill import Backfill, BackfillPlan
from tegu.domain.errors import UsageError
from tegu.interfaces.cli.backfill_table import plan_line, progress_line, write_plan, write_report
from tegu.interfaces.cli.failure import ExitCode, write_notice
from tegu.interfaces.cli.forecast import where_of, where_options
from tegu.interfaces.cli.inputs import pipeline_source
from tegu.interfaces.cli.local_service import LocalService
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import with_service
from tegu.interfaces.cli.stage_modules import import_option, stages_of
from tegu.interfaces.cli.usd import Usd
from tegu.interfaces.cli.written_pipelines import is_python

_LOOK_S = 1.0
_SAID_EVERY = 5
"""Looks between two lines, where the output is no terminal."""


@click.command()
@click.argument("pipeline")
@click.option("--to", type=click.IntRange(min=1), metavar="N", help="This version, and not the current one.")
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="Run so many of them in all, at random."
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Run so many more of them.")
@click.option("--all", "is_all", is_flag=True, help="Run all that are left.")
@where_options
@click.option("--budget", metavar="USD", type=Usd(), help="The most that all its calls together may cost.")
@click.option("--model", metavar="MODEL", help="The model of every stage, as for `tegu run`.")
@click.option("--acts", is_flag=True, help="Also where stages send, ask people or wait again, in each run.")
@click.option("--seed", type=click.IntRange(min=0), help="Of the order in which runs are drawn.")
@click.option("--follow/--no-follow", default=True, help="Stay and show how far it is (default).")
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@import_option
@json_option
def backfill(
    *,
    pipeline: str,
    to: int | None,
    sample: int | None,
    limit: int | None,
    is_all: bool,
    since: datetime | None,
    until: datetime | None,
    source_type: str | None,
    metadata: tuple[str, ...],
    budget: Decimal | None,
    model: str | None,
    acts: bool,
    seed: int | None,
    follow: bool,
    is_sure: bool,
    modules: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run the current version of a pipeline over what earlier runs were over; what has not changed is reused, and not paid again.

    Without --sample, --limit or --all it says what it would do, and does nothing. A --sample shows what changes; --all goes on with
    the rest. Interrupted, it goes on without you: `tegu backfills get ID` shows it, `tegu backfills cancel ID` ends it.
    """
    wishes = sum((sample is not None, limit is not None, is_all))
    if wishes > 1:
        raise UsageError("--sample, --limit and --all are three different wishes", hint="say one of them")
    _check_name(pipeline)
    asked: dict[str, Any] = {
        "pipeline": f"{pipeline}@{to}" if to is not None else pipeline,
        "sample": sample,
        "limit": limit,
        "is_all": is_all or not wishes,
        "where": where_of(since, until, source_type, metadata),
        "budget_usd": budget,
        "model": model,
        "acts": acts,
        "seed": seed,
    }
    out, begun = console(), list[UUID]()

    async def work(service: Service) -> int:
        plan = await service.backfills.preview(**asked)
        if not wishes or (as_json and not is_sure):
            _write_preview(out, plan, as_json=as_json)
            return ExitCode.OK
        if not as_json:
            write_plan(out, plan)
        _make_sure(plan, is_sure=is_sure)
        started = await service.backfills.start(**asked)
        begun.append(started.id)
        if follow:
            await _followed(service, started, out, as_json=as_json)
        report = await service.backfills.report(started.id)
        if as_json:
            write_json({"plan": plan, "report": report})
        elif follow:
            write_report(out, report)
        else:
            out.print(f"Backfill {started.id} is running: `tegu backfills get {started.id}` shows it.")
        progress = report.backfill.progress
        return ExitCode.FAILED if progress and progress.runs.get("failed") else ExitCode.OK

    try:
        return with_service(work, stages=stages_of(modules, ()))
    except KeyboardInterrupt:
        if not begun:
            raise
        return _interrupted(begun[0])


def _check_name(pipeline: str) -> None:
    """A file has no runs. Raises UsageError."""
    if isinstance(pipeline_source(pipeline), Path) or is_python(pipeline):
        raise UsageError(
            f"{pipeline!r} is a file, and a backfill goes over the runs of a pipeline that is stored",
            hint=f"publish it (`tegu pipelines create --text @{pipeline}`), then name the pipeline: `tegu backfill NAME`",
        )


def _interrupted(backfill_id: UUID) -> ExitCode:
    write_notice(
        f"\nBackfill {backfill_id} goes on where a worker is: `tegu backfills get {backfill_id}` shows it, "
        f"`tegu backfills cancel {backfill_id}` ends it."
    )
    return ExitCode.INTERRUPTED


def _write_preview(out: Console, plan: BackfillPlan, *, as_json: bool) -> None:
    if as_json:
        write_json(plan)
        return
    write_plan(out, plan)
    out.print(
        "Nothing was started: `--sample 50` runs some of them and shows what changes, `--all` runs all."
    )


def _make_sure(plan: BackfillPlan, *, is_sure: bool) -> None:
    if is_sure or not plan.runs:
        return
    if not sys.stdin.isatty():
        raise UsageError("this asks models, and nobody is there to ask whether to go on", hint="add --yes")
    click.confirm(f"{plan_line(plan)} Go on?", abort=True, err=True)


async def _followed(service: Service, started: Backfill, out: Console, *, as_json: bool) -> None:
    """Until it has ended. In this process a worker of ours helps, or there may be none."""
    begun_at = datetime.now(UTC)
    begun_with = started.progress.ended if started.progress else 0
    looks = 0
    async with _helped(service):
        with Live(console=out, auto_refresh=False, transient=True) if out.is_terminal else _Quiet() as live:
            while True:
                found = await service.backfills.get(started.id)
                line = progress_line(found, datetime.now(UTC), begun_at, begun_with)
                if isinstance(live, Live):
                    live.update(line, refresh=True)
                elif not as_json and looks % _SAID_EVERY == 0:
                    write_notice(line)
                if found.ended_at is not None:
                    return
                looks += 1
                await asyncio.sleep(_LOOK_S)


class _Quiet:
    """Where there is no terminal to draw on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        return None


@asynccontextmanager
async def _helped(service: Service) -> AsyncGenerator[None]:
    """Beside a worker of this process, where the work is done here."""
    if not isinstance(service, LocalService):
        yield
        return
    worker = await service.tegu.worker()
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        worker.stop()
        await asyncio.gather(task, return_exceptions=True)
