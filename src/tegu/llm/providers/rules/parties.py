"""Which party of a document a stretch of its text belongs to: the seller or the buyer.

Called by the leaf fields and the addresses. Invariant: a party's part begins at its own heading (`Seller:`, `Bill to`) and
ends at an empty line, at the next heading or where the document goes on; outside of these parts nobody owns anything.
"""

import re
from dataclasses import dataclass
from typing import Final

from tegu.llm.providers.rules.layout import cells
from tegu.llm.providers.rules.lexicon import concepts
from tegu.llm.providers.rules.reading import Line, Span

SELLER: Final = "vendor"
BUYER: Final = "customer"
"""Named as the lexicon names the concepts."""

_PARTIES = frozenset((SELLER, BUYER))
_HEADED = _PARTIES | {"name", "address", "invoice", "shipping"}
_ENDING = frozenset(
    (
        "invoice",
        "date",
        "due date",
        "total",
        "subtotal",
        "quantity",
        "order",
        "payment",
        "account",
        "currency",
    )
)
_LABEL = re.compile(r"[-*•#> ]{0,6}([^\W\d_][^:\d]{1,40}?)[ *_]{0,4}(:|\Z)")
_HEADING_WORDS_MAX = 3
_LINES_MAX = 8
_BLOCKS_MAX = 40
_COLUMN_END = 1_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """The lines of one party, in a column of them where two parties stand side by side."""

    party: str
    lines: tuple[Line, ...]
    column_start: int = 0
    column_end: int = _COLUMN_END

    def cells(self) -> list[Span]:
        """What the lines say, the heading's line included."""
        return [cell for line in self.lines for cell in cells(line) if self._has_column(line, cell)]

    def owns(self, there: Span) -> bool:
        """Whether a span stands in it."""
        return any(
            line.start <= there.start <= line.end and self._has_column(line, there) for line in self.lines
        )

    def _has_column(self, line: Line, there: Span) -> bool:
        return self.column_start <= there.start - line.start < self.column_end


def party_of(name: str) -> str | None:
    """The party that a field's name or a label speaks of."""
    named = concepts(name) & _PARTIES
    return next(iter(named)) if len(named) == 1 else None


def find_blocks(lines: tuple[Line, ...]) -> list[Block]:
    """The parts of the parties, in order; without a seller's heading but with a buyer's, the letterhead is the seller's."""
    blocks: list[Block] = []
    for line in lines:
        headings = [
            (cell.start - line.start, party)
            for cell in cells(line)
            if (party := _heading(cell.text)) is not None
        ]
        if len(blocks) >= _BLOCKS_MAX:
            break
        body = _body(lines, line.number) if headings else ()
        for index, (column, party) in enumerate(headings):
            start = column if index else 0
            end = headings[index + 1][0] if index + 1 < len(headings) else _COLUMN_END
            blocks.append(Block(party, (line, *body), start, end))
    first = next((block for block in blocks if block.party == BUYER), None)
    if first is not None and not any(block.party == SELLER for block in blocks):
        blocks.insert(0, Block(SELLER, _letterhead(lines[: first.lines[0].number])))
    return blocks


def _heading(text: str) -> str | None:
    match = _LABEL.match(text)
    if match is None or len(match[1].split()) > _HEADING_WORDS_MAX:
        return None
    said = concepts(match[1])
    return party_of(match[1]) if said <= _HEADED else None


def _body(lines: tuple[Line, ...], heading: int) -> tuple[Line, ...]:
    """The lines after a heading that are its party's."""
    body: list[Line] = []
    for line in lines[heading + 1 : heading + 1 + _LINES_MAX]:
        if (line.is_blank and (body or ":" in lines[heading].text.rstrip(":* "))) or _is_ending(line):
            break
        if any(_heading(cell.text) is not None for cell in cells(line)):
            break
        if not line.is_blank:
            body.append(line)
    return tuple(body)


def _letterhead(lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """The first lines, after a title such as `INVOICE`."""
    head: list[Line] = []
    for line in lines[: 2 * _LINES_MAX]:
        if head and (line.is_blank or _is_ending(line)):
            break
        if not line.is_blank and not _is_ending(line):
            head.append(line)
    return tuple(head[:_LINES_MAX])


def _is_ending(line: Line) -> bool:
    """Whether the document itself goes on: a section, its number, its date, its table, its sums."""
    opening = " ".join(line.text.split(":", 1)[0].split()[:4])
    return line.text.startswith("#") or bool(concepts(opening) & _ENDING)
