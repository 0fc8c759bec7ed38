"""The text that a request is about, and everything that the finders see in it, each looked for once.

Called by the schema walk, the labels and the summary. Invariant: `clean` has the length of `text`, so an offset means
the same place in both; a span that is not literally in `text` is not `quotable`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from pydantic import JsonValue

from tegu.domain.json import storable_text


class Kind(StrEnum):
    """What a span is, or what a field wants."""

    EMAIL = "email"
    URL = "url"
    PHONE = "phone"
    MONEY = "money"
    CURRENCY = "currency"
    PERCENT = "percent"
    NUMBER = "number"
    DATE = "date"
    DATE_TIME = "date_time"
    TIME = "time"
    ID = "id"
    PERSON = "person"
    ORGANIZATION = "organization"
    LOCATION = "location"
    NAME = "name"  # a person or an organization
    TEXT = "text"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    SUBJECT = "subject"
    SUMMARY = "summary"
    REQUEST = "request"
    QUESTION = "question"
    REPLY = "reply"
    CONFIDENCE = "confidence"
    DOCUMENT_TYPE = "document_type"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch [start, end) of the text and what it means. `value` is None where only the words are known.

    `unit` is the currency of money.
    """

    kind: Kind
    start: int
    end: int
    text: str
    value: JsonValue = None
    unit: str | None = None

    def moved(self, by: int) -> "Span":
        """The same stretch, counted from `by` characters further ahead."""
        return replace(self, start=self.start + by, end=self.end + by)

    def overlaps(self, other: "Span") -> bool:
        """Whether the two share a character."""
        return self.start < other.end and other.start < self.end


def span(
    kind: Kind, text: str, start: int, end: int, value: JsonValue = None, unit: str | None = None
) -> Span:
    """The span [start, end) of a text, without the white space around it."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Span(kind, start, end, text[start:end], value if value is not None else text[start:end], unit)


@dataclass(frozen=True, slots=True)
class Line:
    """One line [start, end) of the text, without its end."""

    number: int
    start: int
    end: int
    text: str

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing on it."""
        return not self.text.strip()


class Reading:
    """A text that is being read. Immutable; what is derived from it is computed once."""

    def __init__(self, text: str) -> None:
        self.text = text
        # An unstorable character ends whatever it stands in, as a line break does.
        self.clean = storable_text(text).replace("\ufffd", "\n")

    def quotable(self, found: Span) -> bool:
        """Whether the words of the span are literally in the text at its place."""
        return bool(found.text.strip()) and self.text[found.start : found.end] == found.text

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines, in order."""
        lines: list[Line] = []
        start = 0
        for number, text in enumerate(self.clean.split("\n")):
            lines.append(Line(number, start, start + len(text), text.rstrip("\r")))
            start += len(text) + 1
        return tuple(lines)
