"""Whether a request that changes something comes from a page of ours: the wall against forged requests (CSRF).

Called for every unsafe request that is known by a cookie, and for those that sign in. Invariant: a browser's request is let
through only if the browser itself says that it is same-origin.
"""

from urllib.parse import urlsplit

from starlette.requests import Request

from tegu.domain.errors import ForbiddenError

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def check_same_origin(request: Request, base_url: str) -> None:
    """Raises ForbiddenError. `Sec-Fetch-Site` says it in every browser of today; where it is missing, `Origin` must be the
    configured one; with neither, nobody says so.
    """
    if request.method in _SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    is_ours = (
        site == "same-origin" if site is not None else origin is not None and origin == origin_of(base_url)
    )
    if not is_ours:
        raise ForbiddenError(
            "this request does not come from a page of this service",
            code="cross_origin",
            hint="programs use an API key in `Authorization`, not a cookie",
        )


def origin_of(url: str) -> str:
    """Scheme, host and port, as browsers write them: without the port that the scheme has anyway."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return (
        f"{parts.scheme}://{host}" if parts.port in {None, usual} else f"{parts.scheme}://{host}:{parts.port}"
    )
