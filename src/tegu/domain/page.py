"""One page of a list, and the cursor of the next.

Invariant: rows are ordered by an id that rises with time, so that a page neither repeats nor misses a row however many
come in between.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from tegu.domain.errors import UsageError

Item = TypeVar("Item")
PAGE_DEFAULT = 50
PAGE_MAX = 500


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Rows, and where the next page begins; None: there are no more."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


def cursor_of(row_id: UUID) -> str:
    """The cursor of what comes after a row. Opaque to clients."""
    return urlsafe_b64encode(row_id.bytes).decode().rstrip("=")


def id_of(cursor: str | None) -> UUID | None:
    """The row that a cursor stands after. Raises UsageError for one that we did not make."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=urlsafe_b64decode(cursor.encode("ascii") + b"=="))
    except (ValueError, UnicodeError) as error:
        raise UsageError(
            f"{cursor[:40]!r} is no cursor of ours", hint="send `next_cursor` of the page before, as it is"
        ) from error


def page_of(rows: Sequence[Item], limit: int, key: Callable[[Item], UUID]) -> Page[Item]:
    """A page of at most `limit`, from rows that were read with one more than that."""
    shown = tuple(rows[:limit])
    return Page(shown, cursor_of(key(shown[-1])) if len(rows) > limit else None)
