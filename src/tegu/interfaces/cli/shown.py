"""What an action returned, as people read it: a table for a list, a line for each field of one thing.

Called by `action_commands`. Invariant: nothing of what was returned is written as markup, and only what does not fit a cell is
shortened; `--json` has it all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

from pydantic_core import to_json
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from tegu.domain.page import Page
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.failure import write_notice
from tegu.interfaces.cli.screen import table
from tegu.interfaces.cli.when import said

CELL_MAX = 40
_GAP = 2
_EVERYWHERE = "organization_id"
"""Said by whose key it is, and the same in every row."""


def write_shown(out: Console, value: object) -> None:
    """Write it."""
    if isinstance(value, Page):
        page = cast("Page[object]", value)
        _write_items(out, page.items)
        if page.next_cursor is not None:
            write_notice(f"There are more: --cursor {page.next_cursor}, or --all.")
    elif is_dataclass(value):
        _write_one(out, _parts(value))
    elif isinstance(value, tuple):
        _write_items(out, cast("Sequence[object]", value))
    else:
        out.print(escape(_text(value)))


def _write_items(out: Console, items: Sequence[object]) -> None:
    if not items:
        out.print("There is none.")
    elif is_dataclass(items[0]):
        out.print(_items_table([_parts(item) for item in items], out.width))
    else:
        for item in items:
            out.print(escape(_text(item)))


def _write_one(out: Console, parts: dict[str, object]) -> None:
    """A line a field; lists of things become tables below."""
    made = Table.grid(padding=(0, 2))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    below: dict[str, Sequence[object]] = {}
    for name, value in parts.items():
        if things := _things(value):
            below[name] = things
        elif _is_said(value):
            made.add_row(name.replace("_", " "), escape(_text(value)))
    out.print(made)
    for name, items in below.items():
        out.print(f"\n[bold]{escape(name.replace('_', ' '))}[/]")
        _write_items(out, items)


def _items_table(rows: Sequence[dict[str, object]], width: int) -> Table:
    """As many columns as fit, whole: the first ones first, and none that is empty everywhere."""
    columns: dict[str, list[str]] = {}
    left = width
    for name in rows[0]:
        cells = [_cell(row.get(name)) for row in rows]
        needed = max(len(name), *map(len, cells)) + _GAP
        if any(cells) and needed <= left:
            columns[name] = cells
            left -= needed
    right = [name for name in columns if isinstance(rows[0][name], int | Decimal)]
    made = table(*columns, right=tuple(right), whole=tuple(columns))
    for row in zip(*columns.values(), strict=True):
        made.add_row(*map(escape, row))
    return made


def _parts(value: object) -> dict[str, object]:
    """The fields of one thing, in the order of its class."""
    names: Iterable[str] = (each.name for each in fields(cast("Any", value)))
    return {name: getattr(value, name) for name in names if name != _EVERYWHERE}


def _things(value: object) -> Sequence[object]:
    """What has fields of its own, of a list; nothing of any other value."""
    found = cast("Sequence[object]", value) if isinstance(value, list | tuple) else ()
    return found if found and is_dataclass(found[0]) else ()


def _is_said(value: object) -> bool:
    return value is not None and value not in ((), {})


def _cell(value: object) -> str:
    text = _text(value)
    return text if isinstance(value, UUID) else wording.shortened(" ".join(text.split()), CELL_MAX)


def _text(value: object) -> str:
    """A value as one line says it; what has parts as JSON."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return said(value)
        case Enum():
            return str(value.value)
        case str():
            return value
        case int() | float() | Decimal() | UUID() | timedelta():
            return str(value)
        case _:
            return to_json(value).decode()
