"""What a provider's response headers say of its limits.

Called by the limiter for every response. Two families are in use: `x-ratelimit-*` (OpenAI, and most that speak its
language) and `anthropic-ratelimit-*`. Invariant: whatever a server sends, this returns; what it cannot read is unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass

_FAMILIES = (
    # (requests: limit, left), then tokens by falling preference: Anthropic's `tokens` is the tightest of its several.
    (
        ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests"),
        (("x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens"),),
    ),
    (
        ("anthropic-ratelimit-requests-limit", "anthropic-ratelimit-requests-remaining"),
        (
            ("anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining"),
            ("anthropic-ratelimit-input-tokens-limit", "anthropic-ratelimit-input-tokens-remaining"),
        ),
    ),
)
_MOST = 1e12


@dataclass(frozen=True, slots=True)
class HeardLevels:
    """Limits a minute and what is left of them; None: not said."""

    requests_limit: float | None = None
    requests_left: float | None = None
    tokens_limit: float | None = None
    tokens_left: float | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return self == HeardLevels()


def heard_levels(headers: Mapping[str, str]) -> HeardLevels:
    """Read the headers of one response; names in lower case."""
    for requests, tokens in _FAMILIES:
        requests_limit, requests_left = (_number(headers.get(name)) for name in requests)
        said = ([_number(headers.get(name)) for name in names] for names in tokens)
        tokens_limit, tokens_left = next((each for each in said if each != [None, None]), (None, None))
        found = HeardLevels(requests_limit, requests_left, tokens_limit, tokens_left)
        if not found.is_empty:
            return found
    return HeardLevels()


def _number(text: str | None) -> float | None:
    """A count, or None for whatever else stands there. A limit of 0 says that there is none to keep."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 <= value <= _MOST else None  # no NaN either
