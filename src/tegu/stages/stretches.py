"""Cutting a text: stretches of it that fit, each of which is the text from `start` to `end`, exactly.

Called by `split`. Invariants: nothing is written anew, so a stretch is found in the text where it says; whatever is no
white space (and no separator) is in some stretch; the same text and rules give the same stretches.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_BETWEEN_PARAGRAPHS = re.compile(r"\n[ \t\r]*\n\s*")
_WHITE = " \n\t\r"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters [start, end) of a text; `label` is what the text calls it: a page's number, a message's sender."""

    start: int
    end: int
    label: str | None = None


def paragraphs(text: str) -> Iterator[Stretch]:
    """What stands between empty lines."""
    start = 0
    for found in _BETWEEN_PARAGRAPHS.finditer(text):
        yield Stretch(start, found.start())
        start = found.end()
    yield Stretch(start, len(text))


def separated(text: str, separator: str) -> Iterator[Stretch]:
    """What stands between the places of a separator, which is no pattern."""
    start = 0
    while (found := text.find(separator, start)) >= 0:
        yield Stretch(start, found)
        start = found + len(separator)
    yield Stretch(start, len(text))


def fitted(text: str, units: Iterable[Stretch], size: int | None, overlap: int) -> Iterator[Stretch]:
    """The units as stretches of at most `size` characters: as many together as fit, and longer ones cut between words where
    there is white space. Without a size each is one. `overlap` characters before a stretch are in it too, and count.
    """
    room = size - overlap if size is not None else None
    pieces = (piece for unit in units for piece in _cut(text, _bare(text, unit), room))
    packed = pieces if room is None else _packed(pieces, room)
    before: Stretch | None = None
    for found in packed:
        yield found if before is None or not overlap else _begun_earlier(text, found, before, overlap)
        before = found


def _bare(text: str, unit: Stretch) -> Stretch:
    """Without white space at its ends."""
    start, end = unit.start, unit.end
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Stretch(start, end, unit.label)


def _cut(text: str, unit: Stretch, room: int | None) -> Iterator[Stretch]:
    start = unit.start
    while start < unit.end:
        end = unit.end if room is None else min(unit.end, start + room)
        if end < unit.end:
            end = _between_words(text, start, end)
        yield _bare(text, Stretch(start, end, unit.label))
        start = end
        while start < unit.end and text[start].isspace():
            start += 1


def _between_words(text: str, start: int, end: int) -> int:
    """Where to cut: before the last white space of the second half, or where no room is left."""
    if text[end].isspace():
        return end
    found = max(text.rfind(white, start + (end - start) // 2, end) for white in _WHITE)
    return found if found > start else end


def _packed(pieces: Iterable[Stretch], room: int) -> Iterator[Stretch]:
    together: Stretch | None = None
    for piece in pieces:
        if together is not None and piece.end - together.start <= room:
            label = together.label if together.label == piece.label else _from_to(together.label, piece.label)
            together = Stretch(together.start, piece.end, label)
        else:
            if together is not None:
                yield together
            together = piece
    if together is not None:
        yield together


def _from_to(first: str | None, last: str | None) -> str | None:
    """The labels of several units together: `2-5`."""
    if first is None or last is None:
        return first or last
    return f"{first.partition('-')[0]}-{last}" if last.isdecimal() else first


def _begun_earlier(text: str, found: Stretch, before: Stretch, overlap: int) -> Stretch:
    """With what stands before it: from the first word that begins there, but never all of the stretch before."""
    start = max(found.start - overlap, before.start + 1, 0)
    while start < found.start and not (text[start - 1].isspace() and not text[start].isspace()):
        start += 1
    return Stretch(start, found.end, found.label)
