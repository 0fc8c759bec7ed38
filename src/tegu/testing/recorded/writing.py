"""Exchanges as a file that people can review: VCR's YAML with parsed bodies, and without a secret.

Called by `recorder`. Invariants: only headers and parameters that are named here are written, so no key, cookie or account
that travels in one of them can be; a key that stands anywhere else is blotted out; a file is replaced as a whole.
"""

import base64
import json
import os
import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.pipeline.yaml_source import BASE64, write_yaml
from tegu.testing.recorded.exchange import RecordedExchange, RecordedRequest, RecordedResponse, json_value

BLOT = "***"
SECRET_LENGTH_MIN = 8
_KEPT_HEADERS = frozenset(
    {"content-type", "anthropic-beta", "anthropic-version", "retry-after", "retry-after-ms"}
)
_KEPT_PREFIXES = ("x-ratelimit-", "anthropic-ratelimit-")
_KEPT_PARAMETERS = frozenset({"alt", "api-version", "beta"})
_TELLTALE = re.compile("auth|key|token|secret|cookie|passw|session|signature|credential|^sig$|^code$")
"""In the names of headers and parameters whose values are secrets."""
_ASSIGNED = re.compile(r"([\w.-]+)=([^\s;,/]+)")
"""Cookies, and the pieces of a signature."""
_NO_SECRETS = frozenset({"SignedHeaders"})
_STATUSES = frozenset(int(status) for status in HTTPStatus)


def secrets_in(headers: Mapping[str, str], uri: str = "") -> set[str]:
    """The keys that a request carries, so that they can be blotted out wherever else they stand, as they are or written
    for URLs and JSON.
    """
    parts = urlsplit(uri)
    named = [*headers.items(), *parse_qsl(parts.query), ("password", unquote(parts.password or ""))]
    said: set[str] = set()
    for name, value in named:
        if name not in _KEPT_HEADERS and _TELLTALE.search(name.lower()):
            said.add(value.rpartition(" ")[2])  # after the scheme
            said |= {text for key, text in _ASSIGNED.findall(value) if key not in _NO_SECRETS}
    keys = {key for key in said if len(key) >= SECRET_LENGTH_MIN}
    return {form for key in keys for form in (key, quote(key, safe=""), json.dumps(key)[1:-1])}


def clean(exchange: RecordedExchange, secrets: Collection[str]) -> RecordedExchange:
    """The exchange as it may be stored."""
    request, response = exchange.request, exchange.response
    return RecordedExchange(
        RecordedRequest(
            request.method,
            _without(clean_uri(request.uri), secrets),
            _kept(request.headers, secrets),
            _bytes_without(request.body, secrets),
        ),
        RecordedResponse(
            response.status, _kept(response.headers, secrets), _bytes_without(response.body, secrets)
        ),
    )


def clean_uri(uri: str) -> str:
    """Without a login, a fragment, and all parameters but a few that hold no secret."""
    parts = urlsplit(uri)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name in _KEPT_PARAMETERS]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, urlencode(kept), ""))


def write_recording(
    path: Path,
    exchanges: Sequence[RecordedExchange],
    base_urls: Mapping[str, str],
    secrets: Collection[str] = (),
) -> None:
    """Replace the file. The exchanges have been cleaned; `secrets` are blotted out of the base URLs as well."""
    interactions: list[JsonValue] = [_interaction(exchange) for exchange in exchanges]
    urls: JsonObject = {name: _without(clean_uri(url), secrets) for name, url in sorted(base_urls.items())}
    text = write_yaml({"version": 1, "base_urls": urls, "interactions": interactions})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(0o644)  # a temporary file is its owner's alone; a recording is part of the code
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _interaction(exchange: RecordedExchange) -> JsonObject:
    request, response = exchange.request, exchange.response
    phrase = HTTPStatus(response.status).phrase if response.status in _STATUSES else ""
    asked, said = json_value(request.body), json_value(response.body)
    return {
        "request": {
            "method": request.method,
            "uri": request.uri,
            "headers": _listed(request.headers),
            **({"parsed_body": asked} if asked is not None else {"body": _text(request.body)}),
        },
        "response": {
            "status": {"code": response.status, "message": phrase},
            "headers": _listed(response.headers),
            **({"parsed_body": said} if said is not None else {"body": _string(response.body)}),
        },
    }


def _string(body: bytes) -> JsonValue:
    found = _text(body)
    return {"string": found} if isinstance(found, str) else found


def _text(body: bytes) -> JsonValue:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {BASE64: base64.b64encode(body).decode("ascii")}


def _listed(headers: Mapping[str, str]) -> JsonObject:
    return {name: [value] for name, value in sorted(headers.items())}


def _kept(headers: Mapping[str, str], secrets: Collection[str]) -> dict[str, str]:
    return {
        name: _without(value, secrets)
        for name, value in headers.items()
        if name in _KEPT_HEADERS or name.startswith(_KEPT_PREFIXES)
    }


def _without(text: str, secrets: Collection[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, BLOT)
    return text


def _bytes_without(body: bytes, secrets: Collection[str]) -> bytes:
    for secret in sorted(secrets, key=len, reverse=True):
        body = body.replace(secret.encode("latin-1", "replace"), BLOT.encode())
    return body
