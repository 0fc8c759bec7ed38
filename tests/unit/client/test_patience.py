"""What is asked for again, and when."""

import pytest

from tegu.client.patience import Patience
from tegu.domain.errors import (
    ConflictError,
    NoCapacityError,
    QuotaError,
    StorageUnavailableError,
    TeguError,
    UnreachableError,
)

PATIENCE = Patience(spread=lambda: 0.5)
BUSY = StorageUnavailableError("the database is not there")
LOST = UnreachableError("no answer", was_sent=True)
NOT_SENT = UnreachableError("no connection", was_sent=False)


@pytest.mark.parametrize(
    ("failure", "once", "again"),
    [(BUSY, None, 0.2), (LOST, None, 0.2), (NOT_SENT, 0.2, 0.2), (ConflictError("it has ended"), None, None)],
)
def test_what_may_have_been_done_is_repeated_only_where_that_does_no_harm(
    failure: TeguError, once: float | None, again: float | None
) -> None:
    assert PATIENCE.wait_s(failure, 1, 0.0, may_repeat=False) == once
    assert PATIENCE.wait_s(failure, 1, 0.0, may_repeat=True) == again


def test_waits_grow_and_end() -> None:
    waits = [PATIENCE.wait_s(BUSY, tries, 0.0, may_repeat=True) for tries in (1, 2, 3, 4)]
    assert waits == [0.2, 0.4, 0.8, None]


def test_the_service_says_how_long_and_nobody_waits_for_more_than_the_limit() -> None:
    assert PATIENCE.wait_s(QuotaError("too much", retry_after_s=5), 1, 0.0, may_repeat=False) == 5
    assert PATIENCE.wait_s(NoCapacityError("no room", due_in_s=3), 1, 0.0, may_repeat=True) == 3
    assert PATIENCE.wait_s(QuotaError("too much", retry_after_s=5), 2, 26.0, may_repeat=False) is None
    assert PATIENCE.wait_s(QuotaError("tomorrow", retry_after_s=80_000), 1, 0.0, may_repeat=False) is None
