"""Postal addresses: what has the shape of a street, a postcode or both.

Called by the leaf fields. Invariant: a name, an e-mail address or a labelled line is never an address.
"""

import re

from tegu.llm.providers.rules.layout import cells
from tegu.llm.providers.rules.parties import Block
from tegu.llm.providers.rules.reading import Line, Span
from tegu.llm.providers.rules.words import words

_SHAPES = tuple(
    re.compile(pattern)
    for pattern in (
        r"\A\d{1,5}[A-Za-z]?(?:[-/]\d{1,4})?,? [^\W\d_]{2,}",  # 8 Tanner Row
        r"[^\W\d_]{3,}\.?,? \d{1,5} ?[A-Za-z]?(?:[-/]\d{1,4})?(?:,|\Z)",  # Speicherstrasse 14
        r"(?<!\w)(?:[A-Z]{1,2}-)?\d{4,6},? [^\W\d_]{2,}",  # 20457 Hamburg
        r"[^\W\d_]{2,},? \d{5}(?:-\d{4})?(?!\w)",  # Springfield, IL 62704
        r"(?<!\w)[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}(?!\w)",  # BS1 4QA
        r"(?<!\w)[A-Z]\d[A-Z] ?\d[A-Z]\d(?!\w)",  # K1A 0B1
        r"(?i)(?<!\w)(?:p\.? ?o\.? box|postfach|postbus) \d{1,7}",
    )
)
_NAMES = frozenset(("address", "addresses", "adresse", "anschrift", "adres"))
_ELSEWHERE = frozenset(("ip", "mac", "web", "url", "site", "email", "e-mail", "mail", "wallet", "bitcoin"))
_CHARS_MAX = 200
_LINES_MAX = 5


def is_wanted_by(name: str) -> bool:
    """Whether a field of this name is a postal address."""
    parts = words(name)
    return bool(parts) and parts[-1] in _NAMES and not _ELSEWHERE & set(parts)


def is_address(text: str) -> bool:
    """Whether a stretch has the shape of an address, or of a line of one."""
    shown = " ".join(text.split())
    return (
        len(shown) <= _CHARS_MAX
        and "@" not in shown
        and ":" not in shown
        and any(shape.search(shown) for shape in _SHAPES)
    )


def lines_on(lines: tuple[Line, ...], first: Span) -> list[Span]:
    """An address from its first line on, as long as the next lines have the shape, too."""
    number = next((line.number for line in lines if line.start <= first.start <= line.end), len(lines))
    found = [first]
    for line in lines[number + 1 : number + _LINES_MAX]:
        row = cells(line)
        if len(row) != 1 or not is_address(row[0].text):
            break
        found.append(row[0])
    return found


def lines_in(block: Block) -> list[Span]:
    """The address in a party's part: from its first line with the shape to its last, if nothing else is between."""
    rows = block.cells()
    shaped = [index for index, cell in enumerate(rows) if is_address(cell.text)]
    if not shaped:
        return []
    found = rows[shaped[0] : shaped[-1] + 1]
    is_one = len(found) <= _LINES_MAX and not any(mark in cell.text for cell in found for mark in ":@+")
    return found if is_one else [rows[shaped[0]]]


def told(lines: list[Span]) -> str:
    """The lines of an address as one."""
    return ", ".join(" ".join(line.text.split()).rstrip(",;") for line in lines)
