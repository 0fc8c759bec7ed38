"""Lists as CSV, for spreadsheets: every row that matches, page by page.

Called by `api` for every list. Invariants: one page is in memory at a time; the columns follow from the type of the rows, and not
from what they hold; no cell is a formula.
"""

import csv
import io
import re
from collections.abc import AsyncGenerator, Iterator
from typing import Any

from fastapi import Request
from pydantic import JsonValue
from pydantic_core import from_json, to_json
from starlette.responses import StreamingResponse

from tegu.actions.action import Action, ActionInput
from tegu.actions.scope import Scope
from tegu.domain.page import PAGE_MAX, Page

ROWS_MAX = 1_000_000
"""A longer list ends with a broken transfer, so that nobody takes it for the whole: ask for less of it."""
_DEPTH_MAX = 3
_SIGN = r"[=+\-@\uff1d\uff0b\uff0d\uff20]"
_UNSEEN = r"[\s\x00-\x1f\x7f\xad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
_FORMULA = re.compile(rf"[\t\r\n]|{_UNSEEN}*{_SIGN}")
_FORMULA_WITHIN = re.compile(rf"([;\t\r\n\u2028\u2029]{_UNSEEN}*[\"']?{_UNSEEN}*)(?={_SIGN})")
"""Where a program begins another cell that takes these for what stands between cells: no quotes keep it from that."""
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")

Schema = dict[str, Any]


def is_csv_wanted(request: Request, named: str | None) -> bool:
    """Whether the answer shall be CSV: by `format`, or by the Accept header."""
    if named is not None:
        return named == "csv"
    return "text/csv" in request.headers.get("accept", "").lower()


async def csv_response(scope: Scope, action: Action[Any, Any], asked: ActionInput) -> StreamingResponse:
    """All rows from the cursor on. What refuses the first page is raised here."""
    asked = asked.model_copy(update={"limit": PAGE_MAX})
    first = await action(scope, asked)
    headers = {
        "content-disposition": f'attachment; filename="{action.noun}.csv"',
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
        "vary": "accept",
    }
    return StreamingResponse(
        _pages(scope, action, asked, first), headers=headers, media_type="text/csv; charset=utf-8"
    )


async def _pages(
    scope: Scope, action: Action[Any, Any], asked: ActionInput, page: Page[Any]
) -> AsyncGenerator[str]:
    columns = columns_of(action)
    yield _lines([[name for name, _ in columns]])
    rows = 0
    while True:
        shown = from_json(action.output.dump_json(page))["items"]
        yield _lines([[cell(_at(row, path)) for _, path in columns] for row in shown])
        rows += len(shown)
        if page.next_cursor is None:
            return
        if rows >= ROWS_MAX:
            raise ValueError(f"{action.name} has more than {ROWS_MAX} rows to export")
        page = await action(scope, asked.model_copy(update={"cursor": page.next_cursor}))


def columns_of(action: Action[Any, Any]) -> list[tuple[str, tuple[str, ...]]]:
    """Name and place of each column: `totals.cost_usd`. What has no fixed shape is one column of JSON."""
    schema = action.output.json_schema(mode="serialization")
    definitions: dict[str, Schema] = schema.get("$defs", {})
    items: Schema = schema["properties"]["items"]["items"]
    return [(".".join(path), path) for path in _paths(items, definitions, ())]


def cell(value: JsonValue) -> str:
    """A value as a spreadsheet may read it: no text of it begins as a formula does."""
    match value:
        case None:
            return ""
        case bool() | int() | float():
            return to_json(value).decode()
        case str():
            return _harmless(value)
        case _:
            return _harmless(to_json(value).decode())


def _harmless(text: str) -> str:
    if _NUMBER.fullmatch(text):
        return text
    text = _FORMULA_WITHIN.sub(r"\1'", text)
    return f"'{text}" if _FORMULA.match(text) else text


def _paths(
    schema: Schema, definitions: dict[str, Schema], path: tuple[str, ...]
) -> Iterator[tuple[str, ...]]:
    found = _resolved(schema, definitions)
    properties: dict[str, Schema] = found.get("properties", {})
    if not properties or len(path) >= _DEPTH_MAX:
        yield path
        return
    for name, each in properties.items():
        yield from _paths(each, definitions, (*path, name))


def _resolved(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    """What a reference, or something that may be null, is."""
    choices = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(choices) == 1:
        schema = choices[0]
    if "$ref" in schema:
        return definitions[schema["$ref"].rpartition("/")[2]]
    return schema


def _at(row: JsonValue, path: tuple[str, ...]) -> JsonValue:
    for name in path:
        row = row.get(name) if isinstance(row, dict) else None
    return row


def _lines(rows: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue()
