"""The layout of a text: cells of a line, and values that stand beside, after or below a label.

Called by `found` and the tables. Invariant: a pair's value lies in one line, and is never its own label.
"""

import re
from dataclasses import dataclass

from tegu.llm.providers.rules.lexicon import concepts, is_known
from tegu.llm.providers.rules.reading import Kind, Line, Span, span

_GAP = re.compile(r"[ ]{2,}|\t+|[ ]?\|[ ]?|\u00a0{2,}")
_LABEL = re.compile(r"[-*•#> ]{0,6}([^\W_][^:=\n|]{0,48}?)[ *_]{0,4}(?::|=)(?![/\d=]|//)[ *_]{0,4}")
_LABEL_TIGHT = re.compile(r"[-*•#> ]{0,6}([^\W\d_][^:=\n|\d]{1,48}?)[ *_]{0,4}:(?=\d)")
_FIGURES = re.compile(
    r"(?:\bon )?[$€£]?[ ]?\d{1,9}(?:[.,]\d{1,3})?[ ]?%?"
)  # `VAT 19%`, `Tax 15% on $ 112.90`
_LABEL_WORDS_MAX = 6
_BELOW_MAX = 3
_CELLS_MAX = 40
_PAIRS_MAX = 2_000


@dataclass(frozen=True, slots=True)
class Pair:
    """A label and the stretch of text that is its value. `strength` says how sure it is that they belong together."""

    label: str
    concepts: frozenset[str]
    value: Span
    strength: float


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a line, and where the line starts."""

    start: int
    cells: list[Span]


def cells(line: Line) -> list[Span]:
    """The cells of a line: what is apart by two spaces, a tab or a bar."""
    found: list[Span] = []
    at = 0
    for gap in _GAP.finditer(line.text):
        _add_cell(found, line, at, gap.start())
        at = gap.end()
        if len(found) >= _CELLS_MAX:
            return found
    _add_cell(found, line, at, len(line.text))
    return found


def _add_cell(found: list[Span], line: Line, start: int, end: int) -> None:
    there = span(Kind.TEXT, line.text, start, end)
    if there.text:
        found.append(
            Span(Kind.TEXT, line.start + there.start, line.start + there.end, there.text, there.text)
        )


def is_label(text: str) -> bool:
    """Whether a cell reads like a label: few words, no digits, some of them known."""
    return (
        len(text) <= 48
        and not any(char.isdigit() for char in text)
        and "@" not in text
        and len(text.split()) <= _LABEL_WORDS_MAX
        and not text.rstrip().endswith((".", "!", "?", ","))
    )


def find_pairs(lines: tuple[Line, ...]) -> list[Pair]:
    """Label and value pairs, in order of their labels. At most 2,000."""
    rows = [Row(line.start, cells(line)) for line in lines]
    pairs: list[Pair] = []
    for number, row in enumerate(rows):
        for index, cell in enumerate(row.cells):
            pairs += _pairs_of(rows, number, index, cell)
        if len(pairs) > _PAIRS_MAX:
            break
    return pairs[:_PAIRS_MAX]


def _pairs_of(rows: list[Row], number: int, index: int, cell: Span) -> list[Pair]:
    match = _LABEL.match(cell.text) or _LABEL_TIGHT.match(cell.text)
    row = rows[number].cells
    if match and len(match[1].split()) <= _LABEL_WORDS_MAX:
        rest = span(Kind.TEXT, cell.text, match.end(), len(cell.text.rstrip("*_")))
        if rest.text:
            start = cell.start + rest.start
            return _pair(match[1], Span(Kind.TEXT, start, start + len(rest.text), rest.text, rest.text), 1.0)
        beside = row[index + 1] if index + 1 < len(row) else None
        if beside is not None and not _is_labelled(beside.text):
            return _pair(match[1], beside, 1.0)
        below = _below(rows, number, cell)
        return _pair(match[1], below, 0.85) if below is not None else []
    label = _FIGURES.sub(" ", cell.text).strip() if index + 1 < len(row) else cell.text
    if not is_label(label):
        return []
    found: list[Pair] = []
    if index + 1 < len(row) and not is_label(row[index + 1].text):
        found += _pair(label, row[index + 1], 0.85)
    if is_known(cell.text) or (len(row) > 1 and concepts(cell.text)):
        below = _below(rows, number, cell)
        if below is not None and (len(row) > 1 or not is_label(below.text)):
            found += _pair(cell.text, below, 0.8 if len(row) > 1 else 0.65)
    return found


def _is_labelled(text: str) -> bool:
    return bool(_LABEL.match(text))


def _pair(label: str, value: Span, strength: float) -> list[Pair]:
    return [Pair(label.strip(), concepts(label), value, strength)] if value.text else []


def _below(rows: list[Row], number: int, label: Span) -> Span | None:
    """The cell under a label: in the next line that is not blank, overlapping it."""
    first, last = label.start - rows[number].start, label.end - rows[number].start
    for row in rows[number + 1 : number + 1 + _BELOW_MAX]:
        if not row.cells:
            continue
        if len(rows[number].cells) == 1 and len(row.cells) == 1:
            return None if _is_labelled(row.cells[0].text) else row.cells[0]
        over = [cell for cell in row.cells if cell.start - row.start < last and cell.end - row.start > first]
        return over[0] if over and not _is_labelled(over[0].text) else None
    return None
