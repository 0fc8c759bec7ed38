"""One page of a list, and the cursor of the next.

Invariant: rows are ordered by what a row never changes (an id that rises with time, or the parts of its key), so that a page
neither repeats nor misses a row however many come in between.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import TypeAdapter

from tegu.domain.errors import UsageError
from tegu.domain.json import storable_text

Item = TypeVar("Item")
Value = TypeVar("Value")
Place = UUID | tuple[str, ...]
"""Where a row stands in its list: its id, or the parts of its key."""
PAGE_DEFAULT = 50
PAGE_MAX = 500
_KEY = TypeAdapter(list[str])


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Rows, and where the next page begins; None: there are no more."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


def cursor_of(place: Place) -> str:
    """The cursor of what comes after a row. Opaque to clients."""
    raw = place.bytes if isinstance(place, UUID) else json.dumps(place, separators=(",", ":")).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def id_of(cursor: str | None) -> UUID | None:
    """The row that a cursor stands after. Raises UsageError for one that we did not make."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=_raw(cursor))
    except ValueError as error:
        raise _no_cursor(cursor) from error


def key_of(cursor: str | None, parts: int) -> tuple[str, ...] | None:
    """The key of so many parts that a cursor stands after. Raises UsageError for one that we did not make."""
    if cursor is None:
        return None
    try:
        found = _KEY.validate_json(_raw(cursor))
    except ValueError as error:
        raise _no_cursor(cursor) from error
    if len(found) != parts or any(storable_text(part) != part for part in found):
        raise _no_cursor(cursor)
    return tuple(found)


def uuid_in(cursor: str | None, part: str) -> UUID:
    """A part of a cursor's key that is an id. Raises UsageError."""
    return read_in(cursor, part, UUID)


def read_in(cursor: str | None, part: str, read: Callable[[str], Value]) -> Value:
    """A part of a cursor's key as what it stands for. Raises UsageError."""
    try:
        return read(part)
    except (ValueError, OverflowError) as error:
        raise _no_cursor(cursor or part) from error


def page_of(rows: Sequence[Item], limit: int, place: Callable[[Item], Place]) -> Page[Item]:
    """A page of at most `limit`, from rows that were read with one more than that."""
    shown = tuple(rows[:limit])
    return Page(shown, cursor_of(place(shown[-1])) if len(rows) > limit else None)


def page_within(
    rows: Iterable[Item], limit: int, cursor: str | None, place: Callable[[Item], tuple[str, ...]]
) -> Page[Item]:
    """A page of a list that is short enough to be read whole, in the order of the rows' places."""
    ordered = sorted(rows, key=place)
    after = key_of(cursor, len(place(ordered[0]))) if ordered else None
    rest = [row for row in ordered if after is None or place(row) > after]
    return page_of(rest[: limit + 1], limit, place)


def _raw(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor.encode("ascii") + b"==")


def _no_cursor(cursor: str) -> UsageError:
    return UsageError(
        f"{cursor[:40]!r} is no cursor of ours", hint="send `next_cursor` of the page before, as it is"
    )
