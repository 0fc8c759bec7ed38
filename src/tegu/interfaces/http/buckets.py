"""Token buckets: how many requests somebody may make, in bursts and in the long run.

Called by `rates`. In this process: several processes each allow as much. Invariant: what is remembered is bounded; who is
forgotten is one who asked for nothing for the longest time.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from time import monotonic


@dataclass(frozen=True, slots=True)
class Taken:
    """What one request left: `limit` of a full bucket, how many more now, until when it is full, and whether there was room."""

    limit: int
    remaining: int
    full_in_s: float
    retry_after_s: float | None

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """As the clients are told (RateLimit-*)."""
        return (
            (b"ratelimit-limit", str(self.limit).encode()),
            (b"ratelimit-remaining", str(self.remaining).encode()),
            (b"ratelimit-reset", str(ceil(self.full_in_s)).encode()),
        )


class Buckets:
    """One for each key: `burst` requests at once, `per_s` in the long run."""

    def __init__(
        self,
        per_s: float,
        burst: int,
        *,
        remembered_max: int = 50_000,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._per_s = per_s
        self._burst = burst
        self._remembered_max = remembered_max
        self._clock = clock
        self._left: OrderedDict[object, tuple[float, float]] = OrderedDict()

    def take(self, key: object) -> Taken:
        """One more request of this one."""
        now = self._clock()
        left, at = self._left.pop(key, (float(self._burst), now))
        left = min(float(self._burst), left + (now - at) * self._per_s)
        is_room = left >= 1
        left -= is_room
        self._left[key] = left, now
        if len(self._left) > self._remembered_max:
            self._left.popitem(last=False)
        return Taken(
            self._burst,
            int(left),
            (self._burst - left) / self._per_s,
            None if is_room else max(0.05, (1 - left) / self._per_s),
        )
