"""Rows of a table as objects: invoice lines with description, quantity, unit price and amount.

Called by the schema walk for arrays of objects. Invariant: a row's values stand on one line, each in one column.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass, replace

from tegu.llm.providers.rules import numbered
from tegu.llm.providers.rules.found import Found
from tegu.llm.providers.rules.layout import cells
from tegu.llm.providers.rules.lexicon import concepts, similarity
from tegu.llm.providers.rules.reading import Kind, Line, Span, span
from tegu.llm.providers.rules.wanted import Field
from tegu.llm.providers.rules.words import word_set

_NUMERIC = frozenset((Kind.MONEY, Kind.NUMBER, Kind.PERCENT))
_STOP = frozenset(("total", "subtotal"))
_NUMBER, _POSITION = frozenset(("number",)), frozenset(("position",))
_NUMBERS = frozenset(("number", "integer"))
_BLANK_MAX = 2
_ROWS_MAX = 500
_TEXT_CHARS_MAX = 300
_COLUMN_MIN = 0.6
_HEADER_CHARS_MAX = 400
_WORD = re.compile(r"[^\s|]+")
_SUM_HEAD = re.compile(
    r"(?:price|prijs|preis|prix|amount|betrag|bedrag|montant|total|totaal|gesamt)\b.{0,4}\bincl",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: where its head stands in the line, and the field it fills (None where nobody wants it)."""

    start: int
    end: int
    field: Field | None
    is_numeric: bool
    is_plain: bool = False
    """Whether no percentage belongs here."""


Row = dict[str, Span]
"""The spans of one row by the name of the field."""

_PLAIN_HEADS = word_set("quantity unit_price amount total subtotal price position")
_NUMERIC_HEADS = word_set("quantity unit_price amount total subtotal tax discount percent position price")


def find_rows(found: Found, fields: list[Field]) -> list[Row]:
    """The rows of every table whose head names at least two of the fields. At most 500."""
    lines = found.reading.lines
    rows: list[Row] = []
    number = 0
    while number < len(lines) and len(rows) < _ROWS_MAX:
        columns = _head(lines[number], fields)
        number += 1
        if columns:
            body, number = _body(lines, number, fields)
            for line in body:
                row = _row(found, line, columns)
                if row:
                    rows.append(row)
    return rows[:_ROWS_MAX] or _sums(found, fields) or _numbered(found, fields)


def _sums(found: Found, fields: list[Field]) -> list[Row]:
    """Lines of a table without a head: a text, then quantity, unit price and amount that multiply."""
    names = {
        concept: field.name
        for field in fields
        for concept in ("description", "quantity", "unit_price", "amount")
        if concept in _meant(field)
    }
    rows: list[Row] = []
    for line in found.reading.lines if len(names) > 2 else ():
        values = _values(found, line)[-3:]
        numbers = [value.value for value in values if isinstance(value.value, int | float)]
        if len(numbers) != 3 or numbers[2] == 0 or abs(numbers[0] * numbers[1] - numbers[2]) > 0.011:
            continue
        text = span(Kind.TEXT, line.text, 0, values[0].start - line.start)
        text = span(Kind.TEXT, line.text, text.start, text.start + len(text.text.rstrip("|@x* ")))
        label = Span(Kind.TEXT, line.start + text.start, line.start + text.end, text.text, text.text)
        row = dict(zip(("description", "quantity", "unit_price", "amount"), (label, *values), strict=True))
        if 0 < len(text.text) <= _TEXT_CHARS_MAX:
            rows.append({names[concept]: there for concept, there in row.items() if concept in names})
    return rows[:_ROWS_MAX]


def _numbered(found: Found, fields: list[Field]) -> list[Row]:
    """Lines that number themselves, for records that have a place and a description."""
    names = {
        concept: field.name
        for field in fields
        for concept in ("position", "description", "quantity", "unit")
        if concept in _meant(field)
    }
    if not {"position", "description"} <= names.keys():
        return []
    lines = numbered.find_numbered(found.reading.lines, has_quantity="quantity" in names)
    rows = [{names[concept]: there for concept, there in row.items() if concept in names} for row in lines]
    return rows[:_ROWS_MAX]


def _head(line: Line, fields: list[Field]) -> list[Column]:
    """The columns that a line names, left to right; empty where it is no head."""
    if not 4 < len(line.text) < _HEADER_CHARS_MAX or line.text.rstrip().endswith("."):
        return []
    found = [
        _column(start, end, line.text[start:end], fields)
        for cell in cells(line)
        for start, end in _split_head(cell.start - line.start, cell.text)
    ]
    if sum(column.field is not None for column in found) < 2:
        found = _squeezed(line, fields)
    if re.search(r"\d{2}", line.text):
        return []
    found = _each_once(found, line)
    return found if sum(column.field is not None for column in found) >= 2 else []


def _split_head(start: int, text: str) -> list[tuple[int, int]]:
    """Where the heads in a cell are: `VAT Price incl. VAT` is two that only one space keeps apart."""
    first, _, rest = text.partition(" ")
    is_two = concepts(first) <= {"tax", "quantity"} and bool(concepts(first)) and _SUM_HEAD.match(rest)
    if not is_two:
        return [(start, start + len(text))]
    return [(start, start + len(first)), (start + len(first) + 1, start + len(text))]


def _each_once(columns: list[Column], line: Line) -> list[Column]:
    """Of two columns for one field the one that fits better keeps it; of equals the later."""
    best: dict[str, tuple[float, int]] = {}
    for index, column in enumerate(columns):
        if column.field is not None:
            fits = similarity(_meant(column.field), concepts(line.text[column.start : column.end]))
            best[column.field.name] = max(best.get(column.field.name, (0.0, -1)), (fits, index))
    kept = {index for _, index in best.values()}
    return [column if index in kept else replace(column, field=None) for index, column in enumerate(columns)]


def _column(start: int, end: int, text: str, fields: list[Field]) -> Column:
    said = concepts(text)
    scored = [(max(similarity(_meant(field), other) for other in _read(said)), field) for field in fields]
    best = max(scored, key=lambda pair: pair[0], default=None)
    field = best[1] if best and best[0] >= _COLUMN_MIN else None
    is_number = field is not None and field.type in _NUMBERS
    return Column(start, end, field, is_number or bool(said & _NUMERIC_HEADS), bool(said & _PLAIN_HEADS))


def _read(head: frozenset[str]) -> tuple[frozenset[str], ...]:
    """What a head may mean in a table: a total is a row's amount, and a number the place of the row."""
    if head == _NUMBER:
        return (head, _POSITION)
    if head & {"total", "subtotal"} and head <= {"total", "subtotal", "tax", "currency", "~incl", "~excl"}:
        return (head, frozenset(("amount",)))
    return (head,)


def _meant(field: Field) -> frozenset[str]:
    """A field's concepts in a table, where `name` is the description and an amount no grand total."""
    named = concepts(field.name)
    if named == _POSITION:
        return named
    if named <= {"name", "~product", "~item", "~title", "description"}:
        return named | {"description"}
    if named <= {"total", "amount", "subtotal", "unit_price", "currency", "position"} and named != frozenset(
        ("unit_price",)
    ):
        return frozenset(("amount",))
    return named - {"position"} or named


def _squeezed(line: Line, fields: list[Field]) -> list[Column]:
    """The columns of a head whose names are apart by one space: the longest names first."""
    parts = list(_WORD.finditer(line.text))
    if len(parts) > 14:
        return []
    found: list[Column] = []
    at = 0
    while at < len(parts):
        for length in (3, 2, 1):
            last = parts[min(len(parts), at + length) - 1]
            column = _column(parts[at].start(), last.end(), line.text[parts[at].start() : last.end()], fields)
            exact = column.field is not None and (
                length == 1 or concepts(line.text[column.start : column.end]) <= _meant(column.field)
            )
            if exact or length == 1:
                found.append(column)
                at += length if at + length <= len(parts) else 1
                break
    return found


def _body(lines: tuple[Line, ...], first: int, fields: list[Field]) -> tuple[list[Line], int]:
    """The lines of a table: until two empty ones, a total, or the next head."""
    body: list[Line] = []
    blank = 0
    number = first
    while number < len(lines):
        line = lines[number]
        if line.is_blank:
            blank += 1
            if blank > (_BLANK_MAX if body else _BLANK_MAX + 1):
                break
        elif not re.fullmatch(r"[\s|:=+_-]{3,400}", line.text):
            after_blank, blank = blank > 0, 0
            if _is_end(line) or (after_blank and body and _head(line, fields)):
                break
            body.append(line)
        number += 1
    return body, number


def _is_end(line: Line) -> bool:
    """Whether the line is a total of the rows above."""
    for cell in cells(line):
        said = concepts(" ".join(cell.text.split()[:3]))
        if "total" in said or (said & _STOP and not re.search(r"[A-Za-z]{12}", cell.text)):
            return True
    return False


def _row(found: Found, line: Line, columns: list[Column]) -> Row:
    """The values of one line by field; empty where the line is no row."""
    numeric = [column for column in columns if column.is_numeric]
    values = _values(found, line) if numeric else []
    if not numeric:
        return _by_place(line, columns, [])
    if not values:
        return {}
    values = [value for value in values if not _is_in_words(line, value)] or values
    squeezed = len(cells(line)) == 1 and len(numeric) < len(values)
    if (squeezed or len(numeric) == len(values)) and all(column.is_numeric for column in columns[1:]):
        row = _by_order(line, columns, values[-len(numeric) :])
        if row:
            return row
    return _by_place(line, columns, values)


def _values(found: Found, line: Line) -> list[Span]:
    first = bisect_left(found.amounts, line.start, key=lambda item: item.start)
    last = bisect_left(found.amounts, line.end, key=lambda item: item.start)
    return found.amounts[first:last]


def _by_order(line: Line, columns: list[Column], values: list[Span]) -> Row:
    """One text, then numbers in the order of the columns."""
    between = line.text[values[0].end - line.start : values[-1].start - line.start]
    if columns[0].is_numeric or sum(map(str.isalpha, between)) > 3 * len(values):
        return {}
    text = span(Kind.TEXT, line.text, 0, values[0].start - line.start)
    row = {
        column.field.name: value for column, value in zip(columns[1:], values, strict=False) if column.field
    }
    label = text.text.strip("|*- ")
    if not label or len(label) > _TEXT_CHARS_MAX:
        return {}
    if columns[0].field is not None:
        start = line.start + line.text.index(label)
        row[columns[0].field.name] = Span(Kind.TEXT, start, start + len(label), label, label)
    return row


def _by_place(line: Line, columns: list[Column], values: list[Span]) -> Row:
    """Every cell goes to the column that it stands under, or is nearest to."""
    row: Row = {}
    values = [value for value in values if not _is_in_words(line, value)]
    texts = _texts(line, values)
    for there in [*values, *texts]:
        start, end = there.start - line.start, there.end - line.start
        fitting = [column for column in columns if column.is_numeric == (there.kind in _NUMERIC)] or columns
        if there.kind is Kind.PERCENT:
            fitting = [column for column in columns if column.is_numeric and not column.is_plain]
        if not fitting:
            continue
        nearest = min(fitting, key=lambda column: _distance(column, start, end))
        if nearest.field is not None and not (there.kind is Kind.TEXT and nearest.field.type in _NUMBERS):
            row.setdefault(nearest.field.name, there)
    has_text = any(there.kind is Kind.TEXT for there in row.values())
    return row if len(row) >= 2 and (has_text or len(row) > 2) else {}


def _is_in_words(line: Line, value: Span) -> bool:
    """Whether a number is part of a description: `box of 200`."""
    cell = next((cell for cell in cells(line) if cell.start <= value.start < cell.end), None)
    if cell is None or len(cells(line)) < 2:
        return False
    before = cell.text[: value.start - cell.start]
    return sum(map(str.isalpha, before)) > 3


def _texts(line: Line, values: list[Span]) -> list[Span]:
    """The cells that are no numbers, cut off where a number begins."""
    texts: list[Span] = []
    for cell in cells(line):
        inside = [value for value in values if cell.start <= value.start < cell.end]
        end = (
            inside[0].start
            if inside and (inside[0].start == cell.start or inside[-1].end == cell.end)
            else cell.end
        )
        there = span(Kind.TEXT, line.text, cell.start - line.start, end - line.start)
        if len(there.text) <= _TEXT_CHARS_MAX and any(char.isalpha() for char in there.text):
            start = line.start + there.start
            texts.append(Span(Kind.TEXT, start, start + len(there.text), there.text, there.text))
    return texts


def _distance(column: Column, start: int, end: int) -> int:
    overlap = min(column.end, end) - max(column.start, start)
    if overlap > 0:
        return -overlap
    return min(abs(column.start - start), abs(column.end - end))
