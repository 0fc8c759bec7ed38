"""`tegu calls`: the ledger of calls to models."""

from uuid import UUID

import click

from tegu.actions.calls import CallExchange
from tegu.client.service import Service
from tegu.domain.call import LlmCall
from tegu.interfaces.cli.lazy import ListingGroup
from tegu.interfaces.cli.run_reference import RunReference
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import page_size, taken, with_service
from tegu.interfaces.cli.tables import calls_table


@click.group(cls=ListingGroup, noun="calls", takes_words=True)
def calls() -> None:
    """Show calls to models: tokens, time, cost. Without a command it lists: `tegu calls RUN` is `tegu calls list RUN`."""


@calls.command("list")
@click.argument("run_id", metavar="[RUN]", type=RunReference(), required=False)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many of the newest."
)
@json_option
def list_(*, run_id: UUID | None, limit: int, as_json: bool) -> None:
    """Show calls to models: tokens, time, cost; those of one run, or the newest of all.

    A row is one attempt: a retry and a re-ask have their own. With --json also the request as sent and the reply.
    """

    async def work(service: Service) -> tuple[list[LlmCall], list[CallExchange]]:
        if run_id is not None:
            await service.runs.get(run_id)  # says so where there is none
        sort = "-created_at" if run_id is None else "created_at"
        listed = service.calls.all(run_id=run_id, sort=sort, page_size=page_size(limit))
        found = await taken(listed, limit)
        return found, [await service.calls.get(call.id) for call in found] if as_json else []

    found, exchanges = with_service(work)
    if as_json:
        write_json({"calls": exchanges})
    elif found:
        console().print(calls_table(found))
    else:
        click.echo("No model was called yet.")
