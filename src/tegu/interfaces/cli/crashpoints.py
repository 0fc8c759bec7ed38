"""`tegu crashpoints`: where a process can be made to kill itself, for tests of faults."""

import click
from rich.markup import escape

from tegu.crashpoints import crash_points
from tegu.interfaces.cli.screen import console, json_option, table, write_json


@click.command()
@json_option
def crashpoints(*, as_json: bool) -> None:
    """List the moments right before and right after each commit.

    TEGU_CRASHPOINT=NAME lets a process kill itself there, NAME:3 the third time that it comes there: for tests that
    prove that nothing is lost whenever a process dies.
    """
    points = crash_points()
    if as_json:
        write_json({"crash_points": points})
        return
    made = table("crash point", "what the statement does", whole=("crash point",))
    for point in points:
        made.add_row(escape(point.name), escape(point.does) if point.side == "before" else "")
    console().print(made)
