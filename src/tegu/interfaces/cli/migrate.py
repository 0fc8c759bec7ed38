"""`tegu migrate`: bring the database to this version."""

import click

from tegu.app import Tegu
from tegu.interfaces.cli.screen import json_option, write_json
from tegu.interfaces.cli.session import only_here, run_async
from tegu.settings import Settings


@click.command()
@json_option
def migrate(*, as_json: bool) -> None:
    """Bring the database to this version. Safe from several processes at once; forward only."""

    async def work() -> tuple[str | None, str]:
        return await Tegu(settings=Settings.from_environment()).migrate()

    only_here()
    before, after = run_async(work())
    if as_json:
        write_json({"before": before, "after": after})
    elif before == after:
        click.echo(f"The database is at revision {after} already.")
    else:
        click.echo(
            f"The database went from {f'revision {before}' if before else 'nothing'} to revision {after}."
        )
