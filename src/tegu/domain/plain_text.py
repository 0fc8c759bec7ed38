"""Names that people give: one line of visible characters, which look like what they are wherever they are shown or mailed.

Called where such a name enters, and where one is mailed. Invariant: what passes breaks no line and reorders nothing.
"""

import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
"""Scripts and emoji are written with them."""
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and marks that are drawn as nothing."""


def checked_line(text: str) -> str:
    """The name as it is. Raises ValueError for what is more than a line, or hides something."""
    for letter in text:
        if is_unseen(letter):
            raise ValueError(f"holds U+{ord(letter):04X}, a line break or a character that nobody sees")
    if not any(_is_visible(letter) for letter in text):
        raise ValueError("holds nothing that can be seen")
    return text


def one_line(text: str) -> str:
    """The same with spaces for what `checked_line` refuses: of names that were given before it did."""
    return "".join(" " if is_unseen(letter) else letter for letter in text)


def is_unseen(letter: str) -> bool:
    """Whether it breaks a line, turns the direction, or is not drawn at all."""
    return unicodedata.category(letter) in _UNSEEN and letter not in _JOINERS


def _is_visible(letter: str) -> bool:
    return not letter.isspace() and letter not in _JOINERS and letter not in _BLANK
