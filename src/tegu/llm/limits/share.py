"""What this process may ask of one model with one key, until its next visit to what is shared.

Called by the limiter. Pure: the time is the process's own monotonic clock, passed in. Invariants: nothing is used past the
time that it was granted for, counted from before the visit; what was granted is never more in use here than the shared
part thinks.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from tegu.llm.limits.grant import HOLD_S, LEASE_S, PAUSE_MAX_S, Grant, Report
from tegu.llm.limits.headers import HeardLevels
from tegu.llm.limits.rules import LimitRule

VISIT_S = 1.0
"""How often a share that is used is renewed."""
_LEASE_MARGIN_S = 0.5
_AHEAD = 1.5
"""How much more than was used since the last visit is held for the time until the next."""
_JITTER = 0.1
_JITTER_MOST_S = 5.0


class Lack(StrEnum):
    """What is missing for a call."""

    PAUSE = "pause"
    SHARE = "share"  # nothing was granted, or its time is over
    SLOTS = "slots"
    REQUESTS = "requests"
    TOKENS = "tokens"


@dataclass(slots=True)
class Bag:
    """Requests, or tokens: what was granted, with the time until when it may be used."""

    is_limited: bool = False
    taken: float = 0.0
    """Since the last visit."""
    _granted: deque[tuple[float, float]] = field(default_factory=deque[tuple[float, float]])
    _returned: float = 0.0

    def left(self, now_s: float) -> float:
        """What may be used."""
        while self._granted and self._granted[0][0] <= now_s:
            self._returned += self._granted.popleft()[1]
        return sum(count for _, count in self._granted)

    def take(self, wanted: float) -> None:
        """Use some; the caller knows that there is enough."""
        self.taken += wanted
        while wanted > 0 and self._granted:
            until_s, count = self._granted.popleft()
            if count > wanted:
                self._granted.appendleft((until_s, count - wanted))
            wanted -= count

    def refund(self, count: float, now_s: float) -> None:
        """It was not used after all."""
        self.taken -= count
        if self.is_limited and count > 0:
            self._granted.appendleft((self._granted[0][0] if self._granted else now_s, count))

    def grant(self, count: float | None, until_s: float) -> None:
        """More, or None: without limit."""
        self.is_limited = count is not None
        if count is None:
            self._granted.clear()
        elif count > 0:
            self._granted.append((until_s, count))

    def cap(self, most: float, now_s: float) -> None:
        """The provider has less than we hold; the rest is forgotten."""
        left = self.left(now_s)
        while left > most and self._granted:
            until_s, count = self._granted.pop()
            left -= count
            if left < most:
                self._granted.append((until_s, most - left))
                return

    def returned(self, now_s: float) -> float:
        """What was not used in time, to be given back, once."""
        self.left(now_s)
        returned, self._returned = self._returned, 0.0
        return returned


@dataclass(slots=True)
class Share:
    """See the module. `rule` is what the operator of this process configured."""

    rule: LimitRule = field(default_factory=LimitRule)
    slots: int = 0
    slots_until_s: float = 0.0
    in_flight: int = 0
    episode: int = 0
    requests: Bag = field(default_factory=Bag)
    tokens: Bag = field(default_factory=Bag)
    paused_until_s: float = 0.0
    paused_why: str | None = None
    come_back_s: float = 0.0
    _pause_known_s: float = 0.0
    _peak: int = 0
    _answered: int = 0
    _settled_tokens: float = 0.0
    _congested_in: int | None = None
    _pause_s: float | None = None
    _why: str | None = None
    _heard: HeardLevels = field(default_factory=HeardLevels)

    def lack(self, tokens: float, now_s: float) -> Lack | None:
        """What is missing for a call of so many tokens; None: nothing."""
        if now_s < self.paused_until_s:
            return Lack.PAUSE
        if now_s >= self.slots_until_s:
            return Lack.SHARE
        if self.in_flight >= self.slots:
            return Lack.SLOTS
        if self.requests.is_limited and self.requests.left(now_s) < 1.0:
            return Lack.REQUESTS
        if self.tokens.is_limited and self.tokens.left(now_s) < tokens:
            return Lack.TOKENS
        return None

    def take(self, tokens: float) -> int:
        """Begin a call, for which nothing is missing. Returns the episode that it belongs to."""
        self.in_flight += 1
        self.requests.take(1.0)
        self.tokens.take(tokens)
        return self.episode

    def refund(self, tokens: float, now_s: float) -> None:
        """The call was not made."""
        self.in_flight -= 1
        self.requests.refund(1.0, now_s)
        self.tokens.refund(tokens, now_s)

    def ended(self, *, answered: bool, settled_tokens: float = 0.0) -> None:
        """The call was made; it took so many tokens more than were reserved."""
        self.in_flight -= 1
        self._answered += answered
        self._settled_tokens += settled_tokens

    def congested(
        self, episode: int, why: str, retry_after_s: float | None, now_s: float, die: float
    ) -> None:
        """The provider refused a call of that episode for want of capacity, and perhaps said when to come back."""
        self._congested_in = max(episode, self._congested_in or 0)
        self._why = why
        if retry_after_s is not None and retry_after_s > 0:
            pause_s = min(PAUSE_MAX_S, retry_after_s)
            self._pause_s = max(pause_s, self._pause_s or 0.0)
            self.pause(pause_s, why, now_s, die)

    def pause(self, pause_s: float, why: str | None, now_s: float, die: float) -> None:
        """Nothing is begun for so long, and a little longer by chance, so that not all processes return at once."""
        until_s = now_s + pause_s
        if until_s <= self._pause_known_s + 0.5:  # the same one, told again
            return
        self._pause_known_s = until_s
        jitter_s = die * min(_JITTER_MOST_S, 0.5 + pause_s * _JITTER)
        self.paused_until_s, self.paused_why = until_s + jitter_s, why

    def heard(self, levels: HeardLevels, now_s: float) -> None:
        """What the provider says is left."""
        if levels.is_empty:
            return
        self._heard = levels
        if levels.requests_left is not None and self.requests.is_limited:
            self.requests.cap(levels.requests_left, now_s)
        if levels.tokens_left is not None and self.tokens.is_limited:
            self.tokens.cap(levels.tokens_left, now_s)

    def noted(self, waiting: int) -> None:
        """So many calls wait beside those in flight."""
        self._peak = max(self._peak, self.in_flight + waiting)

    def report(self, waiting: int, waiting_tokens: float, head_tokens: float, now_s: float) -> Report:
        """What to say at a visit that begins now; what was met since the last one is said once."""
        self.noted(waiting)
        busy = max(self._peak, self.in_flight + waiting)
        wanted = busy + max(2, busy // 4) if busy else 0
        requests, tokens = self.requests.left(now_s), self.tokens.left(now_s)
        calls = waiting + (self.requests.taken * _AHEAD + 1.0 if self.requests.taken else 0.0)
        ahead = waiting_tokens + self.tokens.taken * _AHEAD
        if now_s >= self.slots_until_s:
            self.slots = 0
        report = Report(
            rule=self.rule,
            kept=self.slots,
            in_flight=self.in_flight,
            waiting=waiting,
            wanted=wanted,
            peak=busy,
            requests=requests,
            wanted_requests=float(max(0, int(calls - requests))),
            wanted_tokens=max(0.0, ahead - tokens),
            head_tokens=max(0.0, head_tokens - tokens),
            returned_requests=self.requests.returned(now_s),
            returned_tokens=self.tokens.returned(now_s),
            settled_tokens=self._settled_tokens,
            answered=self._answered,
            congested_in=self._congested_in,
            pause_s=self._pause_s,
            why=self._why,
            heard=self._heard,
        )
        self._peak = self.in_flight + waiting
        self.requests.taken = self.tokens.taken = self._settled_tokens = 0.0
        self._answered, self._congested_in, self._pause_s, self._why = 0, None, None, None
        self._heard = HeardLevels()
        return report

    def granted(self, grant: Grant, *, asked_s: float, now_s: float, die: float) -> None:
        """The answer to a visit that began at `asked_s`."""
        self.slots, self.slots_until_s = grant.slots, asked_s + LEASE_S - _LEASE_MARGIN_S
        self.episode = grant.episode
        self.requests.grant(grant.requests, asked_s + HOLD_S)
        self.tokens.grant(grant.tokens, asked_s + HOLD_S)
        self.come_back_s = now_s + (grant.come_back_s if grant.come_back_s is not None else VISIT_S)
        if grant.paused_s > 0:
            self.pause(grant.paused_s, grant.why, now_s, die)

    def left(self) -> None:
        """Everything was given back."""
        self.slots, self.slots_until_s = 0, 0.0
        self.requests, self.tokens = Bag(), Bag()
