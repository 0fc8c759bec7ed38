"""What all processes together may ask of one model with one key, and how a visit divides it.

Called by `storage.limits` under the lock of the limit's row, by nothing else. Pure: the time is the database's.

    window      how many calls at once: doubles while all goes well and it is used (slow start), x 0.5 once for each episode
                of congestion (429, 503, 529), then + 1 for each window of clean calls. An episode has a number that grants
                carry: only a call that began in the present one can end it, so a burst of refusals counts once.
    buckets     requests and tokens: refilled by the minute's limit, taken when granted, corrected by usage and headers.
                burst + rate x (60 + HOLD_S) is within the limit, so that in no minute more requests are sent than allowed,
                however many processes hold some: what is granted is sent within HOLD_S, or given back.
    slots       a process's part of the window. Nobody's part is taken away: each gives back at its own next visit, or when
                its lease ends; until then it counts in full.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tegu.llm.limits.headers import HeardLevels
from tegu.llm.limits.rules import LimitRule

HOLD_S = 2.0
"""How long granted requests and tokens may be used."""
LEASE_S = 6.0
"""How long granted slots may be used without another visit."""
WINDOW_FIRST = 64.0
WINDOW_MOST = 1024.0
PAUSE_MAX_S = 3600.0
BACKOFF_MAX_S = 60.0
"""Of the pauses that we take by ourselves, from provider that refuse and name no time."""
_BURSTS_PER_MINUTE = 12.0
_COME_BACK_S = 0.25
_SOONEST_S = 0.05


@dataclass(frozen=True, slots=True)
class SharedLimit:
    """As stored. Levels are None while no limit is known; `heard_*` are what headers said, the others what holds.

    `streak` counts episodes of congestion without a reply between them.
    """

    window: float = WINDOW_FIRST
    is_slow_start: bool = True
    episode: int = 0
    clean: float = 0.0
    streak: int = 0
    heard_requests: float | None = None
    heard_tokens: float | None = None
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    requests_left: float | None = None
    tokens_left: float | None = None
    at_s: float = 0.0
    paused_until_s: float = 0.0
    paused_why: str | None = None


@dataclass(frozen=True, slots=True)
class OtherShare:
    """What another process holds, as of its last visit. `served_s` is when it last had a slot."""

    slots: int
    in_flight: int
    waiting: int
    wanted: int
    requests: float
    served_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a process says at a visit: what it has, what it wants, and what it met since the last one.

    `kept` are the slots that it goes on using until it has the answer; `peak` the most calls that it had or wanted at
    once; `requests` what it holds and may still use; `returned_*` what it gives back; `settled_tokens` how much more its
    calls took than was reserved. `head_tokens` is what its next call needs at least.
    """

    rule: LimitRule = field(default_factory=LimitRule)
    kept: int = 0
    in_flight: int = 0
    waiting: int = 0
    wanted: int = 0
    peak: int = 0
    requests: float = 0.0
    wanted_requests: float = 0.0
    wanted_tokens: float = 0.0
    head_tokens: float = 0.0
    returned_requests: float = 0.0
    returned_tokens: float = 0.0
    settled_tokens: float = 0.0
    answered: int = 0
    congested_in: int | None = None
    pause_s: float | None = None
    why: str | None = None
    heard: HeardLevels = field(default_factory=HeardLevels)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a process may do until its next visit. Requests or tokens None: there is no limit that is known.

    `come_back_s`: when there may be more of what lacks; `paused_s` and `why` are the limit's own pause.
    """

    slots: int
    episode: int
    requests: float | None = None
    tokens: float | None = None
    come_back_s: float | None = None
    paused_s: float = 0.0
    why: str | None = None


def burst(per_minute: float) -> float:
    """How much may be taken at once."""
    return max(1.0, per_minute / _BURSTS_PER_MINUTE)


def rate_per_s(per_minute: float) -> float:
    """How fast it comes back. Whole requests are what counts, so that just below one more does no harm."""
    return max(0.0, per_minute + 0.99 - burst(per_minute)) / (60.0 + HOLD_S)


def renew(
    limit: SharedLimit, others: Sequence[OtherShare], mine: float, report: Report, now_s: float
) -> tuple[SharedLimit, Grant]:
    """One visit: what is stored now, and what the process gets. `mine` is when it last had a slot."""
    limit = _refilled(_with_limits(limit, report), now_s)
    limit = _corrected(limit, others, report)
    limit = _paced(limit, others, report, now_s)
    limit, requests = _take_requests(limit, others, report)
    limit, tokens = _take_tokens(limit, others, report)
    slots = _slots(limit, others, mine, report)
    waits = (
        _until(
            1.0 if report.wanted_requests else 0.0, requests, limit.requests_left, limit.requests_per_minute
        ),
        _until(report.head_tokens, tokens, limit.tokens_left, limit.tokens_per_minute),
        _COME_BACK_S if report.waiting and slots < min(report.wanted, report.in_flight + 1) else None,
    )
    known = [wait_s for wait_s in waits if wait_s is not None]
    grant = Grant(
        slots,
        limit.episode,
        requests,
        tokens,
        come_back_s=max(known) if known else None,
        paused_s=max(0.0, limit.paused_until_s - now_s),
        why=limit.paused_why,
    )
    return limit, grant


def _with_limits(limit: SharedLimit, report: Report) -> SharedLimit:
    """The tighter of what is configured and what was heard."""
    heard, rule = report.heard, report.rule
    heard_requests = heard.requests_limit or limit.heard_requests
    heard_tokens = heard.tokens_limit or limit.heard_tokens
    requests = _tighter(rule.requests_per_minute, heard_requests)
    tokens = _tighter(rule.tokens_per_minute, heard_tokens)
    return replace(
        limit,
        heard_requests=heard_requests,
        heard_tokens=heard_tokens,
        requests_per_minute=requests,
        tokens_per_minute=tokens,
        requests_left=_begun(limit.requests_left, requests),
        tokens_left=_begun(limit.tokens_left, tokens),
    )


def _tighter(configured: float | None, heard: float | None) -> float | None:
    given = [limit for limit in (configured, heard) if limit is not None]
    return float(min(given)) if given else None


def _begun(left: float | None, per_minute: float | None) -> float | None:
    if per_minute is None:
        return None
    return burst(per_minute) if left is None else min(left, burst(per_minute))


def _refilled(limit: SharedLimit, now_s: float) -> SharedLimit:
    passed_s = max(0.0, now_s - limit.at_s) if limit.at_s else 0.0  # a clock set back refills nothing

    def refilled(left: float | None, per_minute: float | None) -> float | None:
        if left is None or per_minute is None:
            return None
        return min(burst(per_minute), left + passed_s * rate_per_s(per_minute))

    return replace(
        limit,
        at_s=now_s,
        requests_left=refilled(limit.requests_left, limit.requests_per_minute),
        tokens_left=refilled(limit.tokens_left, limit.tokens_per_minute),
    )


def _corrected(limit: SharedLimit, others: Sequence[OtherShare], report: Report) -> SharedLimit:
    """What came back, what calls took in truth, and what the provider itself says is left."""
    requests, tokens = limit.requests_left, limit.tokens_left
    if requests is not None and limit.requests_per_minute is not None:
        requests = min(burst(limit.requests_per_minute), requests + report.returned_requests)
        if report.heard.requests_left is not None:
            # What is granted and not yet sent is not counted by the provider either.
            held = report.requests + sum(other.requests for other in others)
            told = report.heard.requests_left - held
            requests = (
                min(requests, told)
                if report.rule.requests_per_minute
                else min(burst(limit.requests_per_minute), told)
            )
    if tokens is not None and limit.tokens_per_minute is not None:
        most = burst(limit.tokens_per_minute)
        tokens = min(most, tokens + report.returned_tokens - report.settled_tokens)
        if (told := report.heard.tokens_left) is not None:
            tokens = min(tokens, told) if report.rule.tokens_per_minute else min(most, told)
    return replace(limit, requests_left=requests, tokens_left=tokens)


def _paced(limit: SharedLimit, others: Sequence[OtherShare], report: Report, now_s: float) -> SharedLimit:
    """The window, after what the calls met."""
    most = float(min(report.rule.concurrency or WINDOW_MOST, WINDOW_MOST))
    limit = replace(limit, window=min(limit.window, most))
    if report.congested_in is not None and report.congested_in >= limit.episode:
        return _congested(limit, report, now_s)
    if not report.answered:
        return limit
    limit = replace(limit, streak=0)
    demand = report.peak + sum(other.in_flight + other.waiting for other in others)
    if demand < limit.window:  # a window that nobody fills proves nothing
        return limit
    if limit.is_slow_start:
        return replace(limit, window=min(most, limit.window + report.answered))
    clean = limit.clean + report.answered
    if clean < limit.window:
        return replace(limit, clean=clean)
    return replace(limit, window=min(most, limit.window + 1.0), clean=0.0)


def _congested(limit: SharedLimit, report: Report, now_s: float) -> SharedLimit:
    streak = 1 if report.answered else limit.streak + 1
    limit = replace(
        limit,
        window=max(1.0, limit.window / 2),
        is_slow_start=False,
        clean=0.0,
        episode=limit.episode + 1,
        streak=streak,
    )
    if streak < 2 or report.pause_s is not None:  # the first time a smaller window may do
        return limit
    pause_s = min(BACKOFF_MAX_S, 2.0 ** min(streak - 2, 10))
    return replace(limit, paused_until_s=now_s + pause_s, paused_why=report.why)


def _take_requests(
    limit: SharedLimit, others: Sequence[OtherShare], report: Report
) -> tuple[SharedLimit, float | None]:
    left = limit.requests_left
    if left is None:
        return limit, None
    if left < 1.0 or report.wanted_requests <= 0:
        return limit, 0.0
    parts = 1 + sum(other.waiting > 0 for other in others)
    given = float(min(report.wanted_requests, max(1.0, left // parts)))
    return replace(limit, requests_left=left - given), given


def _take_tokens(
    limit: SharedLimit, others: Sequence[OtherShare], report: Report
) -> tuple[SharedLimit, float | None]:
    left, per_minute = limit.tokens_left, limit.tokens_per_minute
    if left is None or per_minute is None:
        return limit, None
    if report.wanted_tokens <= 0 or left < max(1.0, min(report.head_tokens, burst(per_minute))):
        return limit, 0.0
    # One call larger than the bucket may go when the bucket is full; what it took is owed.
    parts = 1 + sum(other.waiting > 0 for other in others)
    given = max(report.head_tokens, min(report.wanted_tokens, left / parts))
    return replace(limit, tokens_left=left - given), given


def _until(needed: float, given: float | None, left: float | None, per_minute: float | None) -> float | None:
    """When there is enough of what was not given."""
    if given is None or given > 0 or needed <= 0 or left is None or per_minute is None:
        return None
    lacks = min(needed, burst(per_minute)) - left
    return min(60.0, max(_SOONEST_S, lacks / max(1e-9, rate_per_s(per_minute))))


def _slots(limit: SharedLimit, others: Sequence[OtherShare], mine: float, report: Report) -> int:
    window = max(1, int(limit.window))
    free = window - sum(max(other.slots, other.in_flight) for other in others)
    return max(0, min(_fair(window, others, mine, report.wanted), free))


def _fair(window: int, others: Sequence[OtherShare], mine: float, wanted: int) -> int:
    """The process's part when all that want some share alike and nobody gets more than it wants."""
    if wanted <= 0:
        return 0
    rivals = [other for other in others if other.wanted > 0]
    if window <= len(rivals):  # not one for each: those that went without for longest
        longer = sum(other.served_s < mine for other in rivals)
        return 1 if longer < window else 0
    wishes = sorted([*(other.wanted for other in rivals), wanted])
    left = window
    for index, wish in enumerate(wishes):
        part = min(wish, left // (len(wishes) - index))
        if wish == wanted:
            return part
        left -= part
    raise AssertionError("the process's own wish is among them")
