"""`tegu calls`: the ledger of calls to models."""

from uuid import UUID

import click

from tegu.actions.calls import exchanges_of
from tegu.app import Tegu
from tegu.domain.call import LlmCall
from tegu.interfaces.cli.screen import console, json_option, write_json
from tegu.interfaces.cli.session import with_tegu
from tegu.interfaces.cli.tables import calls_table
from tegu.storage.calls import Exchange


@click.command()
@click.argument("run_id", metavar="[RUN]", type=click.UUID, required=False)
@click.option(
    "--limit", default=50, show_default=True, type=click.IntRange(1, 1000), help="How many of the newest."
)
@json_option
def calls(*, run_id: UUID | None, limit: int, as_json: bool) -> None:
    """Show calls to models: tokens, time, cost; those of one run, or the newest of all.

    A row is one attempt: a retry and a re-ask have their own. With --json also the request as sent and the reply.
    """

    async def work(tegu: Tegu) -> tuple[list[LlmCall], dict[UUID, Exchange]]:
        if run_id is not None:
            await tegu.get_run(run_id)  # says so where there is none
        found = await tegu.list_calls(run_id=run_id, limit=limit)
        return found, await exchanges_of(await tegu.scope(), found) if as_json else {}

    found, exchanges = with_tegu(work)
    if as_json:
        write_json({"calls": [{"call": call, "exchange": exchanges.get(call.id)} for call in found]})
    elif found:
        console().print(calls_table(found))
    else:
        click.echo("No model was called yet.")
