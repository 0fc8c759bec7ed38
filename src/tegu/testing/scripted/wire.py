"""What the wire formats and the rest of the scripted provider say to each other.

Called by every file of this package. Invariant: nothing here knows any provider; a `Wire` reads a request body into
`Asked` and writes an `Answer` or a `Failed` as its provider does, and keeps no state.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.testing.scripted.script import Failed, Tokens, WireFormat

# What the rate-limit headers allow unless a reply's own headers say otherwise: so much that no load test feels it.
RATE_LIMIT_REQUESTS = 10_000_000
RATE_LIMIT_TOKENS = 10_000_000_000

_TEXT_KEYS = frozenset({"text", "content", "arguments", "output", "instructions", "input", "system"})


class Finish(StrEnum):
    """Why the model stopped; each wire has its own words for these."""

    STOPPED = "stopped"
    CALLED_TOOL = "called_tool"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    FILTERED = "filtered"


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool of the request that a JSON reply is sent through."""

    name: str
    schema: JsonObject


@dataclass(frozen=True, slots=True)
class Asked:
    """A request body, read. `problem` is set when the provider would answer 400 to it; `stream` asks for events."""

    model: str
    prompt: str
    schema: JsonObject | None = None
    tool: OfferedTool | None = None
    problem: str | None = None
    stream: bool = False


@dataclass(frozen=True, slots=True)
class MadeCall:
    """A tool call to send. `arguments` is the value of `arguments_json`, or None where that is no valid JSON."""

    tool: str
    arguments_json: str
    arguments: JsonValue = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply to render: text or a call or neither. `text` of a refusal is the model's explanation."""

    key: str
    model: str
    finish: Finish
    tokens: Tokens
    text: str = ""
    call: MadeCall | None = None


class Wire(Protocol):
    """One provider's way to write requests and replies as JSON."""

    @property
    def format(self) -> WireFormat:
        """Which one it is."""
        ...

    def read(self, body: JsonObject, path_model: str | None) -> Asked:
        """Read a request body. `path_model` is the model where the path names it."""
        ...

    def write(self, answer: Answer) -> JsonObject:
        """The 200 body."""
        ...

    def write_failure(self, failed: Failed) -> JsonObject:
        """The body of an error status."""
        ...

    def headers(self, key: str, failed: Failed | None) -> Mapping[str, str]:
        """Request id, rate-limit levels and Retry-After, as this provider sends them."""
        ...


def at(value: JsonValue, *path: str | int) -> JsonValue:
    """What lies at this path inside a JSON value; None where the path leads nowhere."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def text_at(value: JsonValue, *path: str | int) -> str | None:
    """The string at this path, if there is one."""
    found = at(value, *path)
    return found if isinstance(found, str) else None


def object_at(value: JsonValue, *path: str | int) -> JsonObject | None:
    """The object at this path, if there is one."""
    found = at(value, *path)
    return found if isinstance(found, dict) else None


def objects_at(value: JsonValue, *path: str | int) -> list[JsonObject]:
    """The objects of the list at this path."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def prompt_text(*values: JsonValue) -> str:
    """All that the model is told in these parts of a request, joined by newlines: no roles, no types, no ids."""
    found: list[str] = []
    for value in values:
        _collect_text(value, found)
    return "\n".join(found)


def _collect_text(value: JsonValue, found: list[str]) -> None:
    match value:
        case str():
            found.append(value)
        case list():
            for item in value:
                _collect_text(item, found)
        case dict():
            for key, item in value.items():
                if not isinstance(item, str) or key in _TEXT_KEYS:
                    _collect_text(item, found)
        case _:
            return


def chosen_tool(
    tools: list[OfferedTool], *, forced_name: str | None, is_forced: bool, has_schema: bool
) -> OfferedTool | None:
    """The tool that a JSON reply goes through: the one that is named, else the first that is forced or all there is."""
    for tool in tools:
        if tool.name == forced_name:
            return tool
    if tools and (is_forced or not has_schema):
        return tools[0]
    return None


def retry_after(wait_s: float) -> Mapping[str, str]:
    """The wait as OpenAI and Anthropic send it: whole seconds, which is all that HTTP allows, and milliseconds."""
    return {"retry-after": str(math.ceil(wait_s)), "retry-after-ms": str(round(wait_s * 1000))}


def seconds_text(seconds: float) -> str:
    """Seconds without trailing zeros, as in durations like `1.5s`."""
    return f"{seconds:.3f}".rstrip("0").rstrip(".")


def dump(body: JsonValue) -> bytes:
    """A response body, as the providers send it."""
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
