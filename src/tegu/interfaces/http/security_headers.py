"""What every answer says to browsers: load nothing from elsewhere, guess no types, be in nobody's frame, tell nobody where from.

Added by `front` to what the application answers, and by `listening` to what never reaches it. Invariant: a header that an
answer has already is left as it is, so that a stricter policy stays.
"""

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_NOBODY = "frame-ancestors 'none'"


def embedding_headers(origins: tuple[str, ...]) -> dict[str, str]:
    """What is different for a page that these origins may put into a frame. Without any it stays in nobody's."""
    if not origins:
        return {}
    allowed = f"frame-ancestors {' '.join(origins)}"
    return {
        "content-security-policy": CONTENT_SECURITY_POLICY.replace(_NOBODY, allowed),
        "x-frame-options": "",  # it knows no list of origins
        "cross-origin-resource-policy": "cross-origin",
    }


SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=()"),
    (b"cache-control", b"no-store"),
)
TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")
"""Only where the service is reached by https."""
