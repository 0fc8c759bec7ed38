"""`tegu drive`: one step of another engine's plan, a job of a cluster or a line of cron, drives runs in its own process."""

from collections.abc import Mapping
from math import inf
from uuid import UUID

import click

from tegu.app import Tegu
from tegu.domain.status import RunStatus
from tegu.interfaces.cli.failure import ExitCode, write_notice
from tegu.interfaces.cli.run_reference import RunReference
from tegu.interfaces.cli.screen import json_option, write_json
from tegu.interfaces.cli.session import with_tegu
from tegu.interfaces.cli.stage_modules import import_option, stages_of

_SECONDS = click.FloatRange(0, min_open=True)


@click.command()
@click.argument("run_ids", metavar="RUN...", nargs=-1, required=True, type=RunReference())
@click.option("--timeout", "timeout_s", default=3600.0, show_default=True, type=_SECONDS, help="In seconds.")
@click.option(
    "--patience",
    "patience_s",
    type=_SECONDS,
    help="End as well when what is left waits for longer than so many seconds.",
)
@import_option
@json_option
def drive(
    *,
    run_ids: tuple[UUID, ...],
    timeout_s: float,
    patience_s: float | None,
    modules: tuple[str, ...],
    as_json: bool,
) -> int:
    """Drive given runs in this process until they have ended.

    Safe to repeat, and to run twice at once: a run that another process drives is waited for, and taken over when that
    process dies. Exit code 7 means that a run has not ended yet: call it again later.
    """

    async def work(tegu: Tegu) -> Mapping[UUID, RunStatus]:
        try:
            patience = inf if patience_s is None else patience_s
            return await tegu.drive(run_ids, timeout_s=timeout_s, patience_s=patience)
        except TimeoutError:
            return {run.id: run.status for run in [await tegu.get_run(run_id) for run_id in run_ids]}

    statuses = with_tegu(work, stages=stages_of(modules))
    if as_json:
        write_json({"runs": [{"id": run_id, "status": status} for run_id, status in statuses.items()]})
    else:
        for run_id, status in statuses.items():
            click.echo(f"{run_id}  {status.value}")
    if not all(status.is_terminal for status in statuses.values()):
        write_notice("Not every run has ended: call it again later, or let a worker go on.")
        return ExitCode.WAITING
    is_well = all(status is RunStatus.COMPLETED for status in statuses.values())
    return ExitCode.OK if is_well else ExitCode.FAILED
