"""E-mail threads as Tegu renders them: header lines, an empty line, the body; message after message, oldest first.

Called by `found`, the names and the summary. Invariant: the messages lie in the text in order and do not overlap.
"""

import re
from dataclasses import dataclass
from functools import cached_property

from tegu.llm.providers.rules.reading import Kind, Line, Span, span

_HEADER = re.compile(r"(From|To|Cc|Date|Sent|Subject|Attachments|Reply-To):[ \t]?(.*)", re.IGNORECASE)
_ADDRESS = re.compile(r"\"?([^\"<>@,;:]{2,80}?)\"?\s{0,3}<([^<>\s@]{1,64}@[^<>\s]{1,190})>")
_HEADERS_MAX = 12
_MESSAGES_MAX = 1_000


@dataclass(frozen=True)
class Message:
    """One message: its headers as spans by lower-case name, and where its body is."""

    headers: dict[str, Span]
    body_start: int
    body_end: int

    @cached_property
    def sender(self) -> Span | None:
        """The sender's name, where there is one."""
        header = self.headers.get("from")
        names = display_names(header) if header else []
        return names[0] if names else None


def display_names(header: Span) -> list[Span]:
    """The names beside the addresses of a header line."""
    found: list[Span] = []
    for match in _ADDRESS.finditer(header.text):
        there = span(Kind.PERSON, header.text, match.start(1), match.end(1))
        found.append(
            Span(Kind.PERSON, header.start + there.start, header.start + there.end, there.text, there.text)
        )
    return found


def _headers(lines: tuple[Line, ...], first: int) -> tuple[dict[str, Span], int]:
    """The header block that begins at a line, and the number of the first line after it."""
    headers: dict[str, Span] = {}
    number = first
    while number < min(len(lines), first + _HEADERS_MAX):
        match = _HEADER.match(lines[number].text)
        if match is None:
            break
        line, name = lines[number], match[1].lower()
        value = match[2].strip()
        start = line.start + match.start(2) + match[2].find(value)
        if name not in headers:
            headers[name] = Span(Kind.TEXT, start, start + len(value), value, value)
        number += 1
    return headers, number


def find_messages(lines: tuple[Line, ...]) -> tuple[Message, ...]:
    """The messages of a rendered thread; none where the text is no mail."""
    starts: list[tuple[int, dict[str, Span], int]] = []
    number = 0
    while number < len(lines) and len(starts) < _MESSAGES_MAX:
        if lines[number].text[:5].lower() == "from:":
            headers, after = _headers(lines, number)
            if "from" in headers and ("subject" in headers or "date" in headers or "sent" in headers):
                starts.append((number, headers, after))
                number = after
                continue
        number += 1
    messages: list[Message] = []
    for index, (_, headers, after) in enumerate(starts):
        body_start = lines[after].start if after < len(lines) else lines[-1].end
        last = starts[index + 1][0] if index + 1 < len(starts) else len(lines)
        body_end = max(body_start, lines[last - 1].end)
        messages.append(Message(headers, body_start, body_end))
    return tuple(messages)
