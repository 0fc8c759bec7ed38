"""Evidence: where in the text a value comes from.

Called by the stages, which ask for quotes, and by the rules provider, which knows its spans. Invariant: a span is
`verified` only if the text at [start, end) is the quote, exactly.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID

from tegu.domain.json import JsonObject

PLACES_MAX = 1000
"""How many places of one quote are looked at for one that is no part of a longer word or number."""

_JOINED_BEFORE = re.compile(r"\d[.,:/'\u2019-]\Z")
_JOINED_AFTER = re.compile(r"[.,:/'\u2019-]\d")


class EvidenceStatus(StrEnum):
    """Whether a quote is in the text."""

    VERIFIED = "verified"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Quote:
    """What a model claims: the words behind one field. `path` is a JSON pointer into the output (`/people/0`).

    `start` is where the quote stands, in characters of the text of the data part named `source` (the first text where
    none has that name); None where it is not known, as with language models, which cannot count characters.
    """

    path: str
    text: str
    start: int | None = None


@dataclass(frozen=True, slots=True)
class EvidenceSpan:
    """A quote after the check. `start` and `end` count characters of the content's text; None where not found."""

    path: str
    quote: str
    status: EvidenceStatus
    source: str = "source"
    start: int | None = None
    end: int | None = None
    content_id: UUID | None = None

    def to_json(self) -> JsonObject:
        """As stored with a result."""
        return {
            "path": self.path,
            "quote": self.quote,
            "status": self.status.value,
            "source": self.source,
            "start": self.start,
            "end": self.end,
            "content_id": str(self.content_id) if self.content_id else None,
        }

    @classmethod
    def from_json(cls, value: JsonObject) -> Self:
        """The inverse of `to_json`."""
        start, end, content_id = value.get("start"), value.get("end"), value.get("content_id")
        return cls(
            path=str(value["path"]),
            quote=str(value["quote"]),
            status=EvidenceStatus(str(value["status"])),
            source=str(value.get("source") or "source"),
            start=start if isinstance(start, int) else None,
            end=end if isinstance(end, int) else None,
            content_id=UUID(content_id) if isinstance(content_id, str) else None,
        )


def verify(
    quote: Quote, text: str, *, source: str = "source", content_id: UUID | None = None
) -> EvidenceSpan:
    """Look the quote up by exact match.

    The claimed place wins where the quote really stands there; then the first place that is no part of a longer word or
    number (`1` is not shown by `14` or `1.50`); then the first.
    """
    start = _place(quote, text) if quote.text.strip() else None
    if start is None:
        return EvidenceSpan(quote.path, quote.text, EvidenceStatus.NOT_FOUND, source, content_id=content_id)
    end = start + len(quote.text)
    return EvidenceSpan(quote.path, quote.text, EvidenceStatus.VERIFIED, source, start, end, content_id)


def _place(quote: Quote, text: str) -> int | None:
    if quote.start is not None and quote.start >= 0 and text.startswith(quote.text, quote.start):
        return quote.start
    first = start = text.find(quote.text)
    for _ in range(PLACES_MAX):
        if start < 0:
            break
        if _stands_alone(text, start, start + len(quote.text)):
            return start
        start = text.find(quote.text, start + 1)
    return first if first >= 0 else None


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether the stretch begins and ends where a word or a number does."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if _is_word(before[-1:]) and _is_word(text[start]):
        return False
    if _is_word(after[:1]) and _is_word(text[end - 1]):
        return False
    if text[start].isdigit() and _JOINED_BEFORE.search(before):
        return False
    return not (text[end - 1].isdigit() and _JOINED_AFTER.match(after))


def _is_word(char: str) -> bool:
    return char.isalnum() or char == "_"
