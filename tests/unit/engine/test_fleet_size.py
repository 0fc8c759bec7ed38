"""How many workers a load wants."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tegu.domain.errors import UsageError
from tegu.engine.fleet import FleetBounds, FleetSize


def size(least: int = 1, most: int = 5, settle_s: float = 60.0) -> FleetSize:
    return FleetSize(FleetBounds(least, most, settle_s), concurrency=10)


def test_it_grows_at_once_and_never_beyond_its_bounds() -> None:
    fleet = size()
    assert fleet.wanted(0, due=0, owned=0) == 1
    assert fleet.wanted(1, due=11, owned=10) == 3
    assert fleet.wanted(2, due=100_000, owned=50) == 5
    assert fleet.due_max == 50


def test_it_shrinks_only_when_fewer_were_enough_for_a_while() -> None:
    fleet = size()
    fleet.wanted(0, due=50, owned=0)
    assert fleet.wanted(30, due=0, owned=25) == 5
    assert fleet.wanted(61, due=0, owned=0) == 3, "what was wanted at 30 still counts"
    assert fleet.wanted(91, due=0, owned=0) == 1


def test_it_may_be_empty_while_nothing_is_due() -> None:
    fleet = size(least=0, settle_s=0)
    assert fleet.wanted(0, due=0, owned=0) == 0
    assert fleet.wanted(1, due=1, owned=0) == 1
    assert fleet.wanted(2, due=0, owned=0) == 0


@pytest.mark.parametrize(("least", "most"), [(-1, 2), (3, 2), (0, 0), (1, 1001)])
def test_bounds_that_cannot_be_are_refused(least: int, most: int) -> None:
    with pytest.raises(UsageError, match=f"between {least} and {most}"):
        FleetBounds(least, most)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # on a busy machine
@given(
    st.lists(st.tuples(st.floats(0, 30), st.integers(0, 200), st.integers(0, 50)), min_size=1, max_size=30)
)
def test_it_is_the_most_that_was_wanted_within_the_time(loads: list[tuple[float, int, int]]) -> None:
    fleet, now, seen = size(), 0.0, list[tuple[float, int]]()
    for after_s, due, owned in loads:
        now += after_s
        seen.append((now, min(5, max(1, -(-(due + owned) // 10)))))
        expected = max(wanted for at, wanted in seen if at >= now - 60.0)
        assert fleet.wanted(now, due=due, owned=owned) == expected
