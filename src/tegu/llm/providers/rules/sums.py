"""Sums in the last line of a table: what stands in the line of the total, under the head of its column.

Called by `labelled`. Invariant: a sum is only taken where two heads and two amounts of one table stand over each other.
"""

from bisect import bisect_left

from tegu.llm.providers.rules.layout import cells
from tegu.llm.providers.rules.lexicon import concepts
from tegu.llm.providers.rules.reading import Line, Span

_HEADS = frozenset(("subtotal", "tax", "total"))
_LINES_ABOVE_MAX = 30
_SUMS_MAX = 200
_APART_MAX = 12
"""How far the end of an amount may be from the end of its head, in characters."""

_GAP = "  "
_CELLS_MIN = 2

Sum = tuple[frozenset[str], Span]
"""What the head says, and the amount."""


def find_sums(lines: tuple[Line, ...], amounts: list[Span]) -> list[Sum]:
    """The sums of every table, in order. At most 200."""
    found: list[Sum] = []
    heads: list[tuple[int, frozenset[str]]] = []
    head_number = 0
    for line in lines:
        row = cells(line) if _GAP in line.text else []
        if len(row) < _CELLS_MIN:
            continue
        named = [(cell.end - line.start, concepts(cell.text) & _HEADS) for cell in row]
        named = [(end, said) for end, said in named if len(said) == 1]
        values = _within(amounts, line)
        if not values and len({next(iter(said)) for _, said in named}) > 1:
            heads, head_number = named, line.number
        elif heads and line.number - head_number <= _LINES_ABOVE_MAX and len(values) > 1:
            first = concepts(row[0].text)
            if "total" in first and values[0].start > row[0].end:
                found += _under(heads, line, values)
        if len(found) >= _SUMS_MAX:
            break
    return found[:_SUMS_MAX]


def _within(amounts: list[Span], line: Line) -> list[Span]:
    first = bisect_left(amounts, line.start, key=lambda item: item.start)
    last = bisect_left(amounts, line.end, lo=first, key=lambda item: item.start)
    return amounts[first:last]


def _under(heads: list[tuple[int, frozenset[str]]], line: Line, values: list[Span]) -> list[Sum]:
    """Each amount with the head whose end is nearest to its own, if it is near, and no other amount's."""
    found: dict[frozenset[str], Span] = {}
    for there in values:
        end, said = min(heads, key=lambda head: abs(head[0] - (there.end - line.start)))
        if abs(end - (there.end - line.start)) <= _APART_MAX and said not in found:
            found[said] = there
    return list(found.items()) if len(found) > 1 else []
