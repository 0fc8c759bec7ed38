"""`tegu doctor`: whether everything that Tegu needs is there."""

import click
from rich.markup import escape

from tegu.actions.doctor import HealthCheck, Verdict
from tegu.app import Tegu
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.failure import ExitCode
from tegu.interfaces.cli.screen import console, json_option, table, write_json
from tegu.interfaces.cli.session import run_async
from tegu.settings import Settings


@click.command()
@json_option
def doctor(*, as_json: bool) -> int:
    """Look whether everything that Tegu needs is there; exit code 0 if nothing failed."""

    async def work() -> tuple[HealthCheck, ...]:
        return await Tegu(settings=Settings.from_environment()).doctor()

    checks = run_async(work())
    failed = [check for check in checks if check.verdict is Verdict.FAILED]
    if as_json:
        write_json({"ok": not failed, "checks": checks})
    else:
        made = table("check", "", "found")
        for check in checks:
            hint = f"\n[cyan]hint:[/] {escape(check.hint)}" if check.hint else ""
            made.add_row(check.name, wording.status(check.verdict.value), escape(check.detail) + hint)
        console().print(made)
    if any(check.name == "database" for check in failed):
        return ExitCode.DATABASE
    return ExitCode.FAILED if failed else ExitCode.OK
