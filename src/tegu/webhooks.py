"""How webhooks are signed, and how a receiver checks it: Standard Webhooks (https://www.standardwebhooks.com).

    event = tegu.webhooks.verify(body, headers, secret)

Called by receivers, in their own programs, and by what delivers. It needs nothing else of Tegu. Invariant: what verifies was
signed with the secret, for this very body, within the tolerance.
"""

import binascii
import hashlib
import hmac
import json
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence

from tegu.domain.errors import SignatureError, UsageError
from tegu.domain.json import JsonObject

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
TOLERANCE_S = 300.0
_PREFIX = "whsec_"
_SECRET_BYTES = 32
_SIGNATURES_MAX = 20


def new_secret() -> str:
    """A new secret: `whsec_` and 32 random bytes in base64."""
    return _PREFIX + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def signed_headers(
    delivery_id: str, body: bytes, secrets: Sequence[str], *, timestamp: int | None = None
) -> dict[str, str]:
    """The headers that a body is sent with: one signature for each secret."""
    timestamp = int(time.time()) if timestamp is None else timestamp
    signatures = [_signature(delivery_id, timestamp, body, secret) for secret in secrets]
    return {
        ID_HEADER: delivery_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: " ".join(f"v1,{signature}" for signature in signatures),
    }


def verify(
    body: bytes | str,
    headers: Mapping[str, str],
    secret: str | Sequence[str],
    *,
    tolerance_s: float = TOLERANCE_S,
    now: float | None = None,
) -> JsonObject:
    """The event that was sent, if it is signed with the secret (or one of several) and not older than the tolerance.

    `body` is what came, byte for byte: parse it only afterwards. Raises SignatureError. The header `webhook-id` stays the same
    when a delivery is tried again: whoever remembers it does its work once.
    """
    body = body.encode() if isinstance(body, str) else body
    said = {name.lower(): value for name, value in headers.items()}
    delivery_id, written = said.get(ID_HEADER), said.get(TIMESTAMP_HEADER)
    signatures = said.get(SIGNATURE_HEADER)
    if not delivery_id or not written or not signatures:
        raise SignatureError(
            f"the headers {ID_HEADER}, {TIMESTAMP_HEADER} and {SIGNATURE_HEADER} are not all there",
            hint="hand on the headers of the request as they came",
        )
    timestamp = _timestamp(written)
    if abs((time.time() if now is None else now) - timestamp) > tolerance_s:
        raise SignatureError(
            f"it was signed more than {tolerance_s:g} s ago, or in the future", hint="compare the clocks"
        )
    known = [secret] if isinstance(secret, str) else secret
    expected = [_signature(delivery_id, timestamp, body, each) for each in known]
    found = [each.removeprefix("v1,") for each in signatures.split(" ") if each.startswith("v1,")]
    pairs = [(a, b) for a in expected for b in found[:_SIGNATURES_MAX]]
    if not any(hmac.compare_digest(a.encode(), b.encode()) for a, b in pairs):
        raise SignatureError(
            "it is not signed with this secret",
            hint="verify the bytes that came, before anything parses them",
        )
    return _event(body)


def _event(body: bytes) -> JsonObject:
    try:
        event: JsonObject = json.loads(body)
    except ValueError as error:
        raise SignatureError("it is signed, and no JSON") from error
    return event


def _timestamp(written: str) -> int:
    if not (written.isascii() and written.isdigit() and len(written) < 20):
        raise SignatureError(f"{TIMESTAMP_HEADER} is {written[:40]!r}, which is no time")
    return int(written)


def _signature(delivery_id: str, timestamp: int, body: bytes, secret: str) -> str:
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError("the secret is not `whsec_` and base64", hint="copy it as it was shown") from error
    signed = f"{delivery_id}.{timestamp}.".encode() + body
    return b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
