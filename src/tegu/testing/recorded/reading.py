"""Files of recorded exchanges, in the dialects in which they are published.

Called by `replay` and `recorder`. Invariant: reading constructs plain data only, within limits, and a file that is no
recording is a RecordingError that says why, never an empty recording.

    interactions: [{request, response}]        vcrpy, pytest-recording (YAML or JSON); also `http_interactions` (VCR of
                                               Ruby, betamax)
    requests: [...], responses: [...]          two lists side by side, packed with gzip (LangChain)
    a body is                                  text, `!!binary`, {string}, {base64_string}, `parsed_body` (JSON), `content`
    a status is                                {code, message}, or `status_code`
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from tegu.domain.errors import RecordingError
from tegu.domain.json import JsonObject, canonical_json
from tegu.pipeline.yaml_source import BASE64, parse_recording
from tegu.testing.recorded.exchange import RecordedExchange, RecordedRequest, RecordedResponse
from tegu.testing.recorded.unpack import PackedError, unpacked

FILE_BYTES_MAX = 32_000_000
EXCHANGES_MAX = 1000
_STATUSES = range(100, 600)
_INTERACTIONS = ("interactions", "http_interactions")


@dataclass(frozen=True, slots=True)
class Recording:
    """What a file holds. `base_urls` is ours: which provider was reached where, by its name."""

    exchanges: tuple[RecordedExchange, ...]
    base_urls: Mapping[str, str]


def read_recording(path: Path) -> Recording:
    """Read a file. Raises RecordingError."""
    data = _plain(_text(path))
    if not isinstance(data, dict):
        raise RecordingError("is no recording: it holds no mapping with `interactions`")
    exchanges = tuple(_exchange(request, response) for request, response in _pairs(data))
    said = data.get("base_urls")
    urls = said if isinstance(said, dict) else {}
    return Recording(exchanges, {name: url for name, url in urls.items() if isinstance(url, str)})


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            stored = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise RecordingError(f"cannot be read: {error.strerror or error}") from error
    if len(stored) > FILE_BYTES_MAX:
        raise RecordingError(f"is larger than {FILE_BYTES_MAX} bytes")
    try:
        return unpacked(stored, "").decode("utf-8-sig")
    except PackedError as error:
        raise RecordingError(str(error)) from error
    except UnicodeDecodeError as error:
        raise RecordingError(f"is no UTF-8 text: {error.reason} at byte {error.start}") from error


def _plain(text: str) -> JsonValue:
    if not text.strip():
        raise RecordingError("is empty")
    parsed = parse_recording(text)
    if parsed.data is None and parsed.problems:
        problem = parsed.problems[-1]
        where = f" (line {problem.line})" if problem.line else ""
        raise RecordingError(f"{problem.message}{where}")
    return parsed.data


def _pairs(data: JsonObject) -> list[tuple[JsonValue, JsonValue]]:
    found: list[tuple[JsonValue, JsonValue]]
    interactions = next((data[key] for key in _INTERACTIONS if key in data), None)
    requests, responses = data.get("requests"), data.get("responses")
    if isinstance(interactions, list):
        found = [
            (each.get("request"), each.get("response")) if isinstance(each, dict) else (None, None)
            for each in interactions
        ]
    elif isinstance(requests, list) and isinstance(responses, list) and len(requests) == len(responses):
        found = list(zip(requests, responses, strict=True))
    else:
        raise RecordingError("is no recording: it has no list `interactions`")
    if len(found) > EXCHANGES_MAX:
        raise RecordingError(f"holds {len(found)} exchanges; at most {EXCHANGES_MAX} are read")
    return found


def _exchange(request: JsonValue, response: JsonValue) -> RecordedExchange:
    if not isinstance(request, dict) or not isinstance(response, dict):
        raise RecordingError("is no recording: an interaction has no `request` or no `response`")
    uri = request.get("uri", request.get("url"))
    if not isinstance(uri, str):
        raise RecordingError("is no recording: a request has no `uri`")
    method = request.get("method")
    asked_headers, headers = _headers(request.get("headers")), _headers(response.get("headers"))
    try:
        asked = unpacked(_body(request), asked_headers.get("content-encoding", ""))
    except PackedError:
        asked = b""  # an upload: what is called and what came back can still be said
    body, problem = _body(response), None
    try:
        body = unpacked(body, headers.get("content-encoding", ""))
    except PackedError as error:
        body, problem = b"", f"the body {error}"
    return RecordedExchange(
        RecordedRequest(method.upper() if isinstance(method, str) else "GET", uri, asked_headers, asked),
        RecordedResponse(_status(response), headers, body, problem),
    )


def _status(response: JsonObject) -> int:
    status = response.get("status", response.get("status_code"))
    code = status.get("code") if isinstance(status, dict) else status
    if isinstance(code, str) and code.isdecimal() and len(code) == 3:  # digits of an HTTP status
        code = int(code)
    if not isinstance(code, int) or code not in _STATUSES:
        raise RecordingError(f"is no recording: a response has the status {code!r}")
    return code


def _headers(value: JsonValue) -> dict[str, str]:
    """By lower-case name; the first of several values."""
    if not isinstance(value, dict):
        return {}
    found: dict[str, str] = {}
    for name, said in value.items():
        first = said[0] if isinstance(said, list) and said else said
        if isinstance(first, dict):
            first = _bytes(first).decode("latin-1")
        if isinstance(first, (str, int, float)):
            found.setdefault(name.lower(), str(first))
    return found


def _body(side: JsonObject) -> bytes:
    parsed = side.get("parsed_body")
    if parsed is not None:
        return canonical_json(parsed).encode("utf-8", "surrogatepass")
    return _bytes(side.get("body", side.get("content")))


def _bytes(value: JsonValue) -> bytes:
    match value:
        case str():
            return value.encode("utf-8", "surrogatepass")
        case {"string": inner}:
            return _bytes(inner)
        case {"base64_string": str(text)}:
            return _decoded(text)
        case {"state": [first, *_]}:  # a file-like body, as vcrpy stores it
            return _bytes(first)
        case {"args": [first, *_]}:  # a body in pieces
            return _bytes(first)
        case list():
            return b"".join(_bytes(piece) for piece in _pieces(value))
        case dict() if value:
            return canonical_json(value).encode("utf-8", "surrogatepass")  # JSON that was parsed in place
        case _:
            return b""


def _pieces(value: Sequence[JsonValue]) -> list[JsonValue]:
    return [piece for piece in value if isinstance(piece, (str, dict))]


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise RecordingError(f"holds a body that is no base64: {error}") from error


assert BASE64 == "base64_string"  # the pattern above
