"""Plain text, as it is, in one part.

Called through `documents.read`. Invariant: line ends are single newlines, and nothing else changes but the charset.
"""

from tegu.domain.content import Document, TextPart
from tegu.intake.charset import decode


def clean_lines(text: str) -> str:
    """The text with every line end made a single newline."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_text(data: bytes, name: str | None = None) -> Document:
    """Read plain text."""
    text = clean_lines(decode(data))
    parts = (TextPart("body", 0, len(text)),) if text else ()
    return Document(text, "text/plain", name, parts)
