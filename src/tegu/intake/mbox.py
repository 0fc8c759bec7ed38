"""An mbox file into the messages in it, as bytes.

Called by ingest (through `sandbox.split_mailbox`) and by `documents`. A separator is a line that starts with "From " at
the start, after a blank line, or (some archives leave the blank line out) in a shape that no text has; which of them
it is shows in the line itself and in the header fields after it. Invariant: linear time; no byte of a message changes
except mboxrd's quoting, which is undone.
"""

import re
from collections.abc import Iterator

from tegu.domain.errors import IntakeError

_MESSAGES = 200_000
_PEEK_BYTES = 4_096
_PEEK_LINES = 40
_LINE_BYTES = 500

_FROM_LINE = re.compile(rb"^From [^\r\n]*", re.MULTILINE)
_QUOTED_FROM = re.compile(rb"^>(>{0,50}From )", re.MULTILINE)
# "From - ", "From user@host  Fri Feb 22 17:06:23 2008", "From 0123abcd Mon Sep 17 00:00:00 2001", "From ???@??? ..."
_SHAPE = re.compile(
    rb"From (?:- ?|\S{1,300}[ \t]{1,8}(?:at[ \t]\S{1,200}[ \t]{1,8})?"
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[ ,].{0,60}\d{4}.{0,60}|-[ \t].{0,60}\d{4}.{0,20})\s?"
)
_FIELD = re.compile(rb"([!-9;-~]{1,100}):")
_KNOWN = frozenset(
    b"from to cc subject date message-id received return-path delivered-to mime-version content-type reply-to sender "
    b"in-reply-to references x-original-to x-mozilla-status x-gm-thrid x-uid status".split()
)


def split_mbox(data: bytes, *, message_limit: int = _MESSAGES) -> tuple[bytes, ...]:
    """The messages of an mbox, in its order. Raises IntakeError(too_large) beyond the limit."""
    messages: list[bytes] = []
    for start, end in _stretches(data):
        if len(messages) >= message_limit:
            raise IntakeError(
                f"this mailbox has more than {message_limit} messages",
                code="too_large",
                hint="split the file",
            )
        messages.append(_QUOTED_FROM.sub(rb"\1", data[start:end]))
    return tuple(messages)


def count_separators(data: bytes, *, at_most: int) -> int:
    """How many separators there are, as far as one needs to know."""
    return sum(1 for _, _ in zip(_separators(data), range(at_most), strict=False))


def _stretches(data: bytes) -> Iterator[tuple[int, int]]:
    """Where each message starts and ends, without its separator and the blank line before the next one."""
    start: int | None = None
    for separator, after in _separators(data):
        if start is not None:
            yield start, _without_blank_line(data, start, separator)
        start = after
    if start is not None:
        yield start, len(data)


def _separators(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and end (after its line end) of every separator line."""
    for found in _FROM_LINE.finditer(data):
        line = found[0][:_LINE_BYTES]
        after = data.find(b"\n", found.end()) + 1 or len(data)
        shaped = _SHAPE.fullmatch(line) is not None
        at_edge = _after_blank_line(data, found.start())
        known = _known_fields(data, after) if shaped or at_edge else 0
        # Text may well start a line with "From "; it is a separator with two of: place, shape, header fields.
        if (at_edge and (shaped or known >= 2)) or (shaped and known >= 1):
            yield found.start(), after


def _after_blank_line(data: bytes, at: int) -> bool:
    return at == 0 or data[max(0, at - 2) : at] == b"\n\n" or data[max(0, at - 4) : at] == b"\r\n\r\n"


def _without_blank_line(data: bytes, start: int, end: int) -> int:
    for mark in (b"\r\n\r\n", b"\n\n"):
        if data.endswith(mark, start, end):
            return end - len(mark) // 2
    return end


def _known_fields(data: bytes, at: int) -> int:
    """How many of the lines that follow are header fields that mail has, up to two; the first must be a field at all."""
    count = 0
    end = min(len(data), at + _PEEK_BYTES)
    for number in range(_PEEK_LINES):
        if count == 2 or at >= end:
            break
        after = data.find(b"\n", at, end) + 1 or end
        line = data[at:after]
        at = after
        field = _FIELD.match(line)
        if field is None and not (number and line[:1] in {b" ", b"\t"}):
            break
        if field is not None and field[1].lower() in _KNOWN:
            count += 1
    return count
