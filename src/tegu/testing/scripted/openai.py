"""What OpenAI's two APIs share: error bodies and response headers.

Called by `openai_chat` and `openai_responses`, and for paths that no provider has. Invariant: see `wire.Wire`.
"""

from collections.abc import Mapping

from tegu.domain.json import JsonObject
from tegu.testing.scripted.script import Failed
from tegu.testing.scripted.wire import RATE_LIMIT_REQUESTS, RATE_LIMIT_TOKENS, retry_after, seconds_text

# status -> error type, error code
_ERRORS: dict[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "permission_denied"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
    503: ("service_unavailable_error", None),
}


def write_failure(failed: Failed) -> JsonObject:
    """The error body; statuses without an own type are `server_error` from 500 on."""
    fallback = ("server_error" if failed.status >= 500 else "invalid_request_error", None)
    kind, code = _ERRORS.get(failed.status, fallback)
    code = failed.code or code
    if code == "insufficient_quota":
        kind = code
    message = failed.message or f"Scripted error {failed.status}."
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def headers(key: str, failed: Failed | None) -> Mapping[str, str]:
    """Request id, rate-limit levels and, after a failure, Retry-After in seconds and in milliseconds."""
    is_limited = failed is not None and failed.status == 429
    wait_s = failed.retry_after_s if failed is not None else None
    reset = f"{seconds_text(wait_s)}s" if wait_s is not None else "6ms"
    found = {
        "x-request-id": f"req_{key}",
        "openai-version": "2020-10-01",
        "openai-organization": "scripted",
        "openai-processing-ms": "1",
        "x-ratelimit-limit-requests": str(RATE_LIMIT_REQUESTS),
        "x-ratelimit-limit-tokens": str(RATE_LIMIT_TOKENS),
        "x-ratelimit-remaining-requests": "0" if is_limited else str(RATE_LIMIT_REQUESTS - 1),
        "x-ratelimit-remaining-tokens": str(RATE_LIMIT_TOKENS),
        "x-ratelimit-reset-requests": reset,
        "x-ratelimit-reset-tokens": "0s",
    }
    if wait_s is not None:
        found |= retry_after(wait_s)
    return found
