"""How wide a text is about, where no font is there to ask.

Used by `svg`. Invariant: rather too wide than too narrow, so that nothing runs over its box.
"""

import unicodedata

_NARROW = frozenset("ijl.,:;'|!()[]{}ft1r ")
_WIDE = frozenset("mwMW@%&")
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def width_of(text: str, size: float, *, is_bold: bool = False) -> float:
    """In the units of the picture, for a sans-serif font of that size."""
    return sum(_share(char) for char in text) * size * (1.06 if is_bold else 1.0)


def shortened(text: str, width: float, size: float, *, is_bold: bool = False) -> str:
    """The text, or as much of its beginning as fits, and an ellipsis."""
    if width_of(text, size, is_bold=is_bold) <= width:
        return text
    room = width - width_of(ELLIPSIS, size, is_bold=is_bold)
    kept: list[str] = []
    for char in text:
        room -= width_of(char, size, is_bold=is_bold)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept).rstrip() + ELLIPSIS


def _share(char: str) -> float:
    """Of the size of the font."""
    if char in _NARROW:
        return 0.36
    if char in _WIDE:
        return 0.9
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in {"W", "F"}:
        return 1.05
    return 0.68 if char.isupper() or not char.isascii() else 0.58
