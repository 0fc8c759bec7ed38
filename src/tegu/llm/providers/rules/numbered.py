"""Lines that number themselves: `1. Apple      2 kg`.

Called by the tables. Invariant: every part is a literal stretch of its line, and one numbered line alone is no list.
"""

import re

from tegu.llm.providers.rules.reading import Kind, Line, Span

_TEXT = r"[ ]{0,8}(\d{1,3})[.)][ ]{1,4}([^\W\d_](?:[ ]?[^\s]){0,80})"
_QUANTITY = r"(\d{1,6}(?:\.\d{1,3})?)(?:[ ]([^\W\d_]{1,8}))?"
_APART = re.compile(rf"{_TEXT}(?:[ ]{{2,40}}{_QUANTITY})?[ ]{{0,40}}\Z")
_CLOSE = re.compile(rf"{_TEXT}[ ]{_QUANTITY}[ ]{{0,40}}\Z")
_PARTS = (("position", 1), ("description", 2), ("quantity", 3), ("unit", 4))


def find_numbered(lines: tuple[Line, ...], *, has_quantity: bool) -> list[dict[str, Span]]:
    """Position, description, quantity and unit of each line. `has_quantity`: whether quantities are asked for at all."""
    found = [(line, match) for line in lines if (match := _APART.match(line.text))]
    # Where other lines have a quantity, a number after one space is this line's; else it is part of the description.
    is_close = has_quantity and any(match[3] for _, match in found)
    rows = [_parts(line, (_CLOSE.match(line.text) if is_close else None) or match) for line, match in found]
    return rows if len(rows) > 1 else []


def _parts(line: Line, match: re.Match[str]) -> dict[str, Span]:
    return {
        name: _part(line, match, group, is_number=group in {1, 3}) for name, group in _PARTS if match[group]
    }


def _part(line: Line, match: re.Match[str], group: int, *, is_number: bool) -> Span:
    start, end, text = line.start + match.start(group), line.start + match.end(group), match[group]
    if not is_number:
        return Span(Kind.TEXT, start, end, text, text)
    return Span(Kind.NUMBER, start, end, text, float(text) if "." in text else int(text))
