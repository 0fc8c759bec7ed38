"""Sections of a text: from one heading to the next.

Called by the Markdown and HTML readers, which know where the headings are. Invariant: sections follow each other
without gap or overlap and cover the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tegu.domain.content import TextPart

_LABEL_CHARS = 200


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that starts at an offset of the text."""

    start: int
    label: str


def sections(text: str, headings: Sequence[Heading]) -> tuple[TextPart, ...]:
    """One part per heading, and one for what stands before the first."""
    if not text:
        return ()
    if not headings:
        return (TextPart("body", 0, len(text)),)
    parts: list[TextPart] = []
    if headings[0].start > 0:
        parts.append(TextPart("section", 0, headings[0].start))
    ends = [heading.start for heading in headings[1:]] + [len(text)]
    for heading, end in zip(headings, ends, strict=True):
        parts.append(TextPart("section", heading.start, end, heading.label[:_LABEL_CHARS]))
    return tuple(parts)
