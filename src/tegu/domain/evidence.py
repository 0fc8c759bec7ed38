"""Evidence: where in the text a value comes from.

Called by the stages, which ask for quotes, and by the rules provider, which knows its spans. Invariant: a span is
`verified` only if the text at [start, end) is the quote, exactly.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self
from uuid import UUID

from tegu.domain.json import JsonObject


class EvidenceStatus(StrEnum):
    """Whether a quote is in the text."""

    VERIFIED = "verified"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Quote:
    """What a model claims: the words behind one field. `path` is a JSON pointer into the output (`/people/0`)."""

    path: str
    text: str


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
    """Look the quote up by exact match; the first place wins."""
    start = text.find(quote.text) if quote.text.strip() else -1
    if start < 0:
        return EvidenceSpan(quote.path, quote.text, EvidenceStatus.NOT_FOUND, source, content_id=content_id)
    end = start + len(quote.text)
    return EvidenceSpan(quote.path, quote.text, EvidenceStatus.VERIFIED, source, start, end, content_id)
