"""`tegu workers`: which workers are alive, and what they have."""

from datetime import UTC, datetime

import click
from rich.markup import escape

from tegu.client.service import Service
from tegu.domain.worker import LivingWorker
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import taken, with_service

LISTED_MAX = 10_000


@click.command()
@json_option
def workers(*, as_json: bool) -> None:
    """List the workers that are alive, with their Python stages.

    Workers of all organizations, on all machines: for whoever operates them. A worker that died is not shown.
    """

    async def work(service: Service) -> list[LivingWorker]:
        return await taken(service.workers.all(), LISTED_MAX)

    found = with_service(work)
    if as_json:
        write_json({"workers": found})
        return
    if not found:
        click.echo("No worker is alive. `tegu worker` starts one.")
        return
    made = table("worker", "tegu", "age", "runs", "Python stages", right=("age", "runs"), whole=("worker",))
    now = datetime.now(tz=UTC)
    for worker in found:
        functions = ", ".join(worker.functions) or "none"
        made.add_row(
            escape(f"{worker.host}:{worker.pid}"),
            escape(worker.version),
            wording.age(worker.started_at, now),
            f"{worker.owned_runs} of {worker.concurrency}",
            escape(functions if worker.drives_all else f"{functions}; drives only runs that it started"),
        )
    console().print(made)
