"""One page of a PDF: drawn as a picture, and where on it the characters of its text stand.

Called in a child process only (PDFium is native code), by `child`. Invariant: places are of the text that was stored for the page,
character by character, whichever reader it came from: PDFium's own characters are matched with it, and what cannot be
matched has no place.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

from tegu.domain.document_page import PageLayout, PlacedText
from tegu.domain.errors import IntakeError
from tegu.domain.json import storable_text
from tegu.intake.png import png_of

PIXELS_MAX = 8_000_000
_CHARACTERS_MAX = 100_000
_BROKEN_HYPHENS = frozenset("\ufffe\x02")
"""Where a word is broken at a line's end: in no text."""
_PARTS_OF_A_POINT = 10
_SAME_LINE = 0.5
"""How much of its height a character shares with the one before it in the line."""


@dataclass(frozen=True, slots=True)
class _Letter:
    """A printed character, and its box in points from the upper left."""

    character: str
    left: float
    top: float
    right: float
    bottom: float


def draw_page(data: bytes, number: int, width_px: int) -> bytes:
    """A page as PNG, so wide, or less where it would have too many pixels. Raises IntakeError."""
    with _page(data, number) as page:
        width, height = _size(page)
        scale = min(width_px / width, (PIXELS_MAX / (width * height)) ** 0.5)
        bitmap = page.render(scale=scale, rev_byteorder=True, prefer_bgrx=False)
        pixels = memoryview(bitmap.buffer).cast("B")
        return png_of(bitmap.width, bitmap.height, bitmap.stride, bitmap.n_channels, pixels)


def lay_out_page(data: bytes, number: int, text: str) -> PageLayout:
    """Where the characters of the page's text stand. Raises IntakeError."""
    with _page(data, number) as page:
        width, height = _size(page)
        letters = _letters(page, width, height)
    return PageLayout(round(width, 1), round(height, 1), tuple(_lines(text, _matched(text, letters))))


@contextmanager
def _page(data: bytes, number: int) -> Generator[Any]:
    import pypdfium2

    try:
        page: Any = pypdfium2.PdfDocument(data)[number - 1]
    except (pypdfium2.PdfiumError, IndexError) as error:
        raise IntakeError(
            f"page {number} of this PDF cannot be drawn",
            code="undecodable",
            hint="its text can be read all the same",
        ) from error
    yield page


def _size(page: Any) -> tuple[float, float]:
    width, height = page.get_size()
    return max(1.0, width), max(1.0, height)


def _letters(page: Any, width: float, height: float) -> list[_Letter]:
    """All that is printed and no space, in PDFium's order, the same way round as the picture."""
    from pypdfium2 import raw

    text_page: Any = page.get_textpage()
    found: list[_Letter] = []
    device = (round(width * _PARTS_OF_A_POINT), round(height * _PARTS_OF_A_POINT))
    for index in range(min(text_page.count_chars(), _CHARACTERS_MAX)):
        character = storable_text(chr(raw.FPDFText_GetUnicode(text_page, index)))
        if character.isspace() or character in _BROKEN_HYPHENS:
            continue
        left, bottom, right, top = text_page.get_charbox(index, loose=True)
        x1, y1 = _on_device(raw, page, device, left, top)
        x2, y2 = _on_device(raw, page, device, right, bottom)
        found.append(_Letter(character, min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
    return found


def _on_device(raw: Any, page: Any, device: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """PDFium turns and cuts the page as it does for the picture."""
    from ctypes import byref, c_int

    right, down = c_int(), c_int()
    raw.FPDF_PageToDevice(page, 0, 0, *device, 0, x, y, byref(right), byref(down))
    return right.value / _PARTS_OF_A_POINT, down.value / _PARTS_OF_A_POINT


def _matched(text: str, letters: Sequence[_Letter]) -> list[tuple[int, _Letter]]:
    """Which character of the text each letter is. The two nearly always agree but for spaces."""
    offsets = [at for at, character in enumerate(text) if not character.isspace()]
    if [text[at] for at in offsets] == [letter.character for letter in letters]:
        return list(zip(offsets, letters, strict=True))
    return list(_matched_by_words(text, letters))


def _matched_by_words(text: str, letters: Sequence[_Letter]) -> Iterator[tuple[int, _Letter]]:
    """Another reader's text has another order, or lacks something: the words that both have are matched."""
    of_text, of_page = _words_of_text(text), _words_of_page(letters)
    told = ["".join(text[at] for at in word) for word in of_text]
    printed = ["".join(letters[at].character for at in word) for word in of_page]
    for block in SequenceMatcher(None, told, printed, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            pairs = zip(of_text[block.a + step], of_page[block.b + step], strict=True)
            yield from ((at, letters[letter]) for at, letter in pairs)


def _words_of_text(text: str) -> list[list[int]]:
    words: list[list[int]] = []
    for at, character in enumerate(text):
        if character.isspace():
            continue
        if at == 0 or text[at - 1].isspace() or not words:
            words.append([])
        words[-1].append(at)
    return words


def _words_of_page(letters: Sequence[_Letter]) -> list[list[int]]:
    words: list[list[int]] = [[0]] if letters else []
    for at, (before, letter) in enumerate(pairwise(letters), 1):
        gap = letter.left - before.right
        is_near = _are_in_line(before, letter) and gap < 0.2 * (letter.bottom - letter.top)
        if is_near:
            words[-1].append(at)
        else:
            words.append([at])
    return words


def _are_in_line(before: _Letter, letter: _Letter) -> bool:
    shared = min(before.bottom, letter.bottom) - max(before.top, letter.top)
    return letter.left >= before.left and shared >= _SAME_LINE * (letter.bottom - letter.top)


def _lines(text: str, matched: Sequence[tuple[int, _Letter]]) -> Iterator[PlacedText]:
    """Letters that stand beside each other, in the text and on the page, are one line; spaces between them fill the gap."""
    line: list[tuple[int, _Letter]] = []
    for offset, letter in matched:
        if line:
            last, before = line[-1]
            goes_on = offset > last and not text[last + 1 : offset].strip(" \xa0")
            if not (goes_on and _are_in_line(before, letter)):
                yield _line(line)
                line = []
        line.append((offset, letter))
    if line:
        yield _line(line)


def _line(letters: Sequence[tuple[int, _Letter]]) -> PlacedText:
    edges: list[float] = [letters[0][1].left]
    for (before_at, before), (at, letter) in pairwise(letters):
        between = at - before_at - 1
        edges += [min(before.right, letter.left)] * between + [letter.left]
    edges.append(letters[-1][1].right)
    top, bottom = min(each.top for _, each in letters), max(each.bottom for _, each in letters)
    return PlacedText(letters[0][0], top, bottom, tuple(edges))
