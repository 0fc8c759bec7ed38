"""Text of strangers on a terminal: what would steer it is not let through.

Called by everything that writes text. Invariant: no escape sequence, control character or change of direction that was
in a mail, file name, document or reply reaches the screen; line breaks and tabs do.
"""

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """The text with everything that steers a terminal replaced."""
    return _STEERING.sub(REPLACEMENT, text)


def printable_json(text: str) -> str:
    """The same JSON document with what steers a terminal escaped: nothing is lost."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
