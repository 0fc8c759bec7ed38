"""What is noted of a stream of server-sent events while it passes by, beside what the SDK makes of it.

Called by `http`, for every line of a streamed reply. Invariant: it holds one unfinished line and two lines with a
usage, never the stream; lines are handed on as they came.
"""

import re

from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.json import JsonObject

LINE_BYTES_MAX = 8_000_000
"""Of one event, which may hold a whole reply (the last one of OpenAI's responses API does)."""
_USAGE = re.compile(rb'"usage(?:Metadata)?"\s*:\s*\{')
# Inside of a text every quote is escaped, so that what a model says can match none of these.
_ENDING = re.compile(
    rb'"(?:finish_reason|stop_reason|finishReason|blockReason)"\s*:\s*"'
    rb'|"type"\s*:\s*"response\.(?:completed|incomplete|failed)"'
    rb"|^data:\s*\[DONE\]"
)
_WRAPPERS = ("response", "message")
"""Where OpenAI's responses API and Anthropic put the reply that an event is about."""


class LineTooLongError(ValueError):
    """One line of the stream is over the limit."""


class SseWatch:
    """Cuts a stream into lines; sees whether the reply was ended by its provider, and what it says of its usage."""

    def __init__(self) -> None:
        self.is_ended = False
        """Whether the provider said why the reply ends: a stream that only stops is broken."""
        self._rest = bytearray()
        self._first_usage: bytes | None = None
        self._last_usage: bytes | None = None

    def feed(self, chunk: bytes) -> bytes:
        """Take a chunk; returns the lines that are complete now. Raises LineTooLongError."""
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._rest += chunk
            if len(self._rest) > LINE_BYTES_MAX:
                raise LineTooLongError(f"a line of the stream is larger than {LINE_BYTES_MAX} bytes")
            return b""
        lines = bytes(self._rest) + chunk[:end]
        self._rest = bytearray(chunk[end:])
        self._note(lines)
        return lines

    def end(self) -> bytes:
        """The last line, where it has no line break."""
        rest, self._rest = bytes(self._rest), bytearray()
        self._note(rest)
        return rest

    def usage(self) -> JsonObject:
        """The provider's own usage. Where several events have one, later counts replace earlier ones."""
        merged: JsonObject = {}
        for line in (self._first_usage, self._last_usage):
            if line is not None:
                merged |= _usage_of(line)
        return merged

    def _note(self, lines: bytes) -> None:
        for line in lines.splitlines():
            if not line.startswith(b"data:"):
                continue
            if not self.is_ended and _ENDING.search(line):
                self.is_ended = True
            if _USAGE.search(line):
                if self._first_usage is None:
                    self._first_usage = line
                else:
                    self._last_usage = line


def _usage_of(line: bytes) -> JsonObject:
    try:
        event: JsonValue = from_json(line.partition(b":")[2].strip())
    except ValueError:
        return {}
    if not isinstance(event, dict):
        return {}
    inner = [found for name in _WRAPPERS if isinstance(found := event.get(name), dict)]
    for place in (event, *inner):
        for name in ("usage", "usageMetadata"):
            if isinstance(found := place.get(name), dict):
                return found
    return {}
