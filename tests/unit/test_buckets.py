"""Token buckets: bursts, the long run, and what is remembered."""

from tegu.interfaces.http.buckets import Buckets


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_and_then_the_rate_holds() -> None:
    clock = Clock()
    buckets = Buckets(2.0, 4, clock=clock)
    assert [buckets.take("a").retry_after_s for _ in range(4)] == [None] * 4
    refused = buckets.take("a")
    assert (refused.retry_after_s, refused.remaining, refused.full_in_s) == (0.5, 0, 2.0)
    clock.now += 0.5
    assert buckets.take("a").retry_after_s is None
    assert buckets.take("a").retry_after_s is not None
    clock.now += 60
    assert buckets.take("a").remaining == 3  # never more than a full bucket


def test_whoever_is_refused_pays_nothing_for_asking() -> None:
    clock = Clock()
    buckets = Buckets(1.0, 1, clock=clock)
    buckets.take("a")
    for _ in range(50):
        assert buckets.take("a").retry_after_s == 1.0
    clock.now += 1
    assert buckets.take("a").retry_after_s is None


def test_each_has_a_bucket_of_its_own_and_the_longest_silent_is_forgotten_first() -> None:
    buckets = Buckets(0.001, 1, remembered_max=2, clock=Clock())
    for name in ("a", "b"):
        assert buckets.take(name).retry_after_s is None
    assert buckets.take("a").retry_after_s is not None
    assert buckets.take("c").retry_after_s is None  # b is forgotten, a has asked since
    assert buckets.take("a").retry_after_s is not None
    assert buckets.take("b").retry_after_s is None


def test_the_headers_say_what_is_left() -> None:
    taken = Buckets(10.0, 50, clock=Clock()).take("a")
    assert dict(taken.headers) == {
        b"ratelimit-limit": b"50",
        b"ratelimit-remaining": b"49",
        b"ratelimit-reset": b"1",
    }
