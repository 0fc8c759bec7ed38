"""`tegu doctor`: whether everything that Tegu needs is there."""

import click
from rich.markup import escape

from tegu.actions.doctor import ROWS_DEFAULT, ROWS_MAX, HealthCheck, Verdict
from tegu.app import Tegu
from tegu.domain.invariant import BrokenRow
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.failure import ExitCode
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import only_here, run_async
from tegu.settings import Settings


@click.command()
@click.option(
    "--rows",
    "rows_max",
    type=click.IntRange(1, ROWS_MAX),
    default=ROWS_DEFAULT,
    show_default=True,
    help="How many rows to show of each invariant that is broken.",
)
@json_option
def doctor(*, rows_max: int, as_json: bool) -> int:
    """Look whether everything that Tegu needs is there, and whether the stored state is what it must be.

    Exit code 0 if nothing failed.
    """

    async def work() -> tuple[HealthCheck, ...]:
        return await Tegu(settings=Settings.from_environment()).doctor(rows_max=rows_max)

    only_here()
    checks = run_async(work())
    failed = [check for check in checks if check.verdict is Verdict.FAILED]
    if as_json:
        write_json({"ok": not failed, "checks": checks})
    else:
        made = table("check", "", "found")
        for check in checks:
            hint = f"\n[cyan]hint:[/] {escape(check.hint)}" if check.hint else ""
            rows = "".join(f"\n[red]{escape(_broken(row))}[/]" for row in check.rows)
            made.add_row(check.name, wording.status(check.verdict.value), escape(check.detail) + rows + hint)
        console().print(made)
    if any(check.name == "database" for check in failed):
        return ExitCode.UNAVAILABLE
    return ExitCode.FAILED if failed else ExitCode.OK


def _broken(row: BrokenRow) -> str:
    where = f"run {row.run_id}" if row.run_id else f"organization {row.organization_id}"
    return f"{where} {row.detail}"
