"""Where output goes: tables to people, JSON to programs, notices beside both.

Called by every command. Invariant: with --json stdout holds JSON and nothing else.
"""

import os
import sys
from typing import Any

import click
from pydantic_core import to_json
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 100
"""Columns where the output is no terminal, unless COLUMNS says otherwise."""


def console(*, err: bool = False) -> Console:
    """The console of stdout or stderr. NO_COLOR is obeyed; nothing but a terminal gets colors."""
    file = sys.stderr if err else sys.stdout
    width = None if file.isatty() or os.environ.get("COLUMNS") else PLAIN_WIDTH
    return Console(file=file, width=width, highlight=False, soft_wrap=False)


def write_json(value: Any) -> None:
    """One JSON document. Dataclasses become objects; money is text, so that nothing is lost."""
    click.echo(to_json(value, indent=2).decode())


def write_json_line(value: Any) -> None:
    """One JSON document on one line, seen at once by whoever reads along."""
    click.echo(to_json(value).decode())
    sys.stdout.flush()


def table(*columns: str, title: str | None = None, right: tuple[str, ...] = ()) -> Table:
    """A table in the one style of this command line; `right` names columns of numbers."""
    made = Table(
        box=SIMPLE_HEAD, title=title, title_justify="left", title_style="bold", pad_edge=False, expand=False
    )
    for name in columns:
        made.add_column(
            name, justify="right" if name in right else "left", no_wrap=name in right, overflow="fold"
        )
    return made


def json_option(function: Any) -> Any:
    """The option --json of a command."""
    return click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")(function)
