"""`tegu results`: typed results, with the evidence for them."""

from collections.abc import Sequence
from itertools import groupby
from uuid import UUID

import click

from tegu.client.service import Service
from tegu.domain.run import Result
from tegu.interfaces.cli.lazy import ListingGroup
from tegu.interfaces.cli.result_table import write_results
from tegu.interfaces.cli.run_reference import RunReference
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import page_size, taken, with_service


@click.group(cls=ListingGroup, noun="results", takes_words=True)
def results() -> None:
    """Show results and the evidence for them. Without a command it lists: `tegu results RUN` is `tegu results list RUN`."""


@results.command("list")
@click.argument("run_id", metavar="[RUN]", type=RunReference(), required=False)
@click.option("--type", "result_type", help="Only results of this type.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many of the newest."
)
@json_option
def list_(*, run_id: UUID | None, result_type: str | None, limit: int, as_json: bool) -> None:
    """Show results and the evidence for them: those of a run, or the newest of all runs."""

    async def work(service: Service) -> Sequence[Result]:
        if run_id is None:
            return await taken(service.results.all(type=result_type, page_size=page_size(limit)), limit)
        found = (await service.runs.get(run_id)).results
        return tuple(result for result in found if result_type in {None, result.type})

    found = with_service(work)
    if as_json:
        write_json({"results": found})
        return
    if not found:
        click.echo("There are no such results.")
    out = console()
    for of_run, group in groupby(found, key=lambda result: result.run_id):
        out.print(f"\n[dim]run {of_run}[/]")
        write_results(out, list(group))
