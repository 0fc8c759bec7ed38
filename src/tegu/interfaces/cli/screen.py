"""Where output goes: tables to people, JSON to programs, notices beside both.

Called by every command. Invariant: with --json stdout holds JSON and nothing else.
"""

import json
import os
import sys
from typing import Any

import click
from pydantic_core import to_json, to_jsonable_python
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tegu.interfaces.cli.printable import printable, printable_json

PLAIN_WIDTH = 100
"""Columns where the output is no terminal, unless COLUMNS says otherwise."""


class PrintableConsole(Console):
    """A console that no text it shows can steer. Every text passes here: cells, lines and what is measured."""

    def render_str(self, text: str, **options: Any) -> Text:
        """See rich."""
        return super().render_str(printable(text), **options)


def console(*, err: bool = False) -> Console:
    """The console of stdout or stderr. NO_COLOR is obeyed; nothing but a terminal gets colors."""
    file = sys.stderr if err else sys.stdout
    width = None if file.isatty() or os.environ.get("COLUMNS") else PLAIN_WIDTH
    return PrintableConsole(file=file, width=width, highlight=False, soft_wrap=False)


def json_text(value: Any) -> str:
    """One JSON document, as it is written to files."""
    return printable_json(_json(value, indent=2)) + "\n"


def _json(value: Any, *, indent: int | None = None) -> str:
    """The document; a name that is no UTF-8 (of a file, from the command line) has half surrogate pairs in it."""
    try:
        return to_json(value, indent=indent).decode()
    except ValueError:
        separators = (",", ":") if indent is None else None
        plain = to_jsonable_python(value)
        return json.dumps(plain, indent=indent, separators=separators, ensure_ascii=False)


def write_json(value: Any) -> None:
    """One JSON document. Dataclasses become objects; money is text, so that nothing is lost."""
    click.echo(json_text(value), nl=False)


def write_json_line(value: Any) -> None:
    """One JSON document on one line, seen at once by whoever reads along."""
    click.echo(printable_json(_json(value)))
    sys.stdout.flush()


def table(*columns: str, right: tuple[str, ...] = (), whole: tuple[str, ...] = ()) -> Table:
    """A table in the one style of this command line; `right` names columns of numbers, `whole` those never wrapped."""
    made = Table(box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for name in columns:
        is_number = name in right
        made.add_column(
            name,
            justify="right" if is_number else "left",
            no_wrap=is_number or name in whole,
            overflow="fold",
        )
    return made


def json_option(function: Any) -> Any:
    """The option --json of a command."""
    return click.option("--json", "as_json", is_flag=True, help="Write one JSON document.")(function)
