"""Where a review stands in a list of them, by the order that is asked for; and the cursor that says it.

Called by the declared action. Invariant: both directions are here, side by side.
"""

from datetime import UTC, datetime
from math import inf
from typing import Any, assert_never

from tegu.domain.page import Place, id_of, key_of, read_in, uuid_in
from tegu.domain.review import Review, ReviewOrder


def place_of(review: Review, order: ReviewOrder) -> Place:
    """For the cursor of what comes after this one."""
    match order:
        case ReviewOrder.NEWEST | ReviewOrder.OLDEST:
            return review.id
        case ReviewOrder.LEAST_SURE:
            return (repr(inf if review.confidence is None else review.confidence), str(review.id))
        case ReviewOrder.DUE:
            assert review.due_at is not None, "every review is due at some time"
            return (review.due_at.isoformat(), str(review.id))
        case _:
            assert_never(order)


def key_after(cursor: str | None, order: ReviewOrder) -> tuple[Any, ...] | None:
    """The key that a cursor stands after, as the storage compares it. Raises UsageError for one of another order."""
    if order in (ReviewOrder.NEWEST, ReviewOrder.OLDEST):
        after = id_of(cursor)
        return None if after is None else (after,)
    key = key_of(cursor, 2)
    if key is None:
        return None
    first = read_in(cursor, key[0], float if order is ReviewOrder.LEAST_SURE else _moment)
    return first, uuid_in(cursor, key[1])


def _moment(said: str) -> datetime:
    return datetime.fromisoformat(said).astimezone(UTC)
