"""Markdown, kept as written: models read it well, and quotes from it can be checked.

Called through `documents.read`. Invariant: the text is the file's, only its headings are made into sections.
"""

import re

from tegu.domain.content import Document
from tegu.intake.charset import decode
from tegu.intake.read_text import clean_lines
from tegu.intake.sections import Heading, sections

_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(\S.*)")
_FENCE = re.compile(r" {0,3}(```|~~~)")


def read_markdown(data: bytes, name: str | None = None) -> Document:
    """Read Markdown."""
    text = clean_lines(decode(data))
    return Document(text, "text/markdown", name, sections(text, _headings(text)))


def _headings(text: str) -> list[Heading]:
    """ATX headings (`# One`) outside fenced code."""
    found: list[Heading] = []
    fence: str | None = None
    start = 0
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark and fence in {None, mark[1]}:
            fence = mark[1] if fence is None else None
        elif fence is None:
            heading = _HEADING.match(line)
            if heading:
                found.append(Heading(start, heading[1].rstrip().rstrip("#").rstrip()))
        start += len(line) + 1
    return found
