"""A recorded exchange of HTTP: what was asked, what came back.

Read by `reading`, written by `writing`, served by `replay` and `recorder`. Invariant: bodies are unpacked bytes; header
names are lower case.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.json import JsonObject


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """What was asked. `uri` is whole, with host and query."""

    method: str
    uri: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def host(self) -> str:
        """Without the port, in lower case; empty where the URI has none."""
        try:
            return urlsplit(self.uri).hostname or ""
        except ValueError:
            return ""

    @property
    def path(self) -> str:
        """The path, decoded, without the query."""
        try:
            return unquote(urlsplit(self.uri).path)
        except ValueError:
            return ""

    def json(self) -> JsonObject:
        """The body as a JSON object; empty where it is none."""
        return json_object(self.body)


@dataclass(frozen=True, slots=True)
class RecordedResponse:
    """What came back. `problem` is why the body could not be unpacked; it is empty then."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    problem: str | None = None

    @property
    def content_type(self) -> str:
        """Without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """One request and its response."""

    request: RecordedRequest
    response: RecordedResponse


def json_value(body: bytes) -> JsonValue:
    """The body as JSON; None where it is none."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        return None


def json_object(body: bytes) -> JsonObject:
    """The body as a JSON object; empty where it is none."""
    found = json_value(body)
    return found if isinstance(found, dict) else {}
