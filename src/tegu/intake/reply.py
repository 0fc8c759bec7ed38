"""What the sender wrote anew, apart from what the mail quotes, forwards or is signed with.

Called by the mail reader and by anyone who has the plain text of a mail. Two shapes of quoting are told apart: lines
marked with `>`, which may stand between new lines, and a header ("On ... wrote:", Outlook's From/Sent/To block) after
which all the rest is quoted. Invariants: the spans cover the text in order, never raises, linear time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tegu.intake import reply_marks as marks

_LINES = 200_000  # beyond this, lines are taken as they are
_DASHED_NAME_LINES = 4

REPLY, QUOTED, SIGNATURE = "reply", "quoted", "signature"


@dataclass(frozen=True, slots=True)
class ReplySpan:
    """A stretch [start, end) of the text; `kind` is reply, quoted or signature."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReplySplit:
    """The parts of a mail's text. `is_forward` says that `quoted` begins with a message that was passed on."""

    reply: str
    quoted: str
    signature: str
    is_forward: bool
    spans: tuple[ReplySpan, ...]


def split_reply(text: str) -> ReplySplit:
    """Split the plain text of a mail."""
    lines = text.split("\n", _LINES)
    kinds, is_forward = _quoted_lines([line.removesuffix("\r") for line in lines])
    _mark_signatures(lines, kinds)
    _join_blank_lines(lines, kinds)
    spans = _spans(lines, kinds)
    chosen = {kind: _joined(text, spans, kind) for kind in (REPLY, QUOTED, SIGNATURE)}
    return ReplySplit(chosen[REPLY], chosen[QUOTED], chosen[SIGNATURE], is_forward, spans)


def _quoted_lines(lines: Sequence[str]) -> tuple[list[str], bool]:
    """The kind of each line as far as quoting goes, and whether the rest is a forwarded message."""
    kinds = [REPLY] * len(lines)
    at = 0
    while at < len(lines):
        line = lines[at]
        if marks.is_quoted(line):
            kinds[at] = QUOTED
        elif (forward := marks.is_forward_mark(line)) or _ends_the_reply(lines, at):
            kinds[at:] = [QUOTED] * (len(lines) - at)
            return kinds, forward
        elif count := marks.attribution_length(lines, at):
            kinds[at : at + count] = [QUOTED] * count
            following = next((later for later in range(at + count, len(lines)) if lines[later].strip()), None)
            if following is not None and not marks.is_quoted(lines[following]):
                kinds[at:] = [QUOTED] * (len(lines) - at)
                return kinds, False
            at += count - 1
        at += 1
    return kinds, False


def _ends_the_reply(lines: Sequence[str], at: int) -> bool:
    return marks.is_original_mark(lines[at]) or marks.is_header_block(lines, at)


def _mark_signatures(lines: Sequence[str], kinds: list[str]) -> None:
    """In each stretch of new lines: the signature at its end."""
    start = 0
    while start < len(kinds):
        end = start
        while end < len(kinds) and kinds[end] == kinds[start]:
            end += 1
        if kinds[start] == REPLY:
            first = _signature_start(lines, start, end)
            kinds[first:end] = [SIGNATURE] * (end - first)
        start = end


def _signature_start(lines: Sequence[str], start: int, end: int) -> int:
    """Where the signature of the stretch [start, end) begins; `end` when it has none."""
    end = next(
        (
            at
            for at in range(start, end)
            if marks.is_signature_delimiter(lines[at]) or _is_footer(lines, at, end)
        ),
        end,
    )
    last = end
    while last > start:
        line = lines[last - 1]
        is_ornament = not line.strip() or marks.is_separator(line) or marks.is_device_line(line)
        if not is_ornament:
            break
        last -= 1
    if last < end and not any(line.strip() for line in lines[last:end]):
        last = end
    return _dashed_name_start(lines, start, last)


def _is_footer(lines: Sequence[str], at: int, end: int) -> bool:
    """A line of underscores is a footer's when text follows it, which is short."""
    following = [line for line in lines[at + 1 : min(end, at + 12)] if line.strip()]
    return marks.is_footer_line(lines[at]) and 0 < len(following) <= 8 and end - at <= 12


def _dashed_name_start(lines: Sequence[str], start: int, end: int) -> int:
    """`-Abhishek Kona` as the last paragraph is a signature too."""
    last = end
    while last > start and not lines[last - 1].strip():
        last -= 1
    first = last
    while first > start and lines[first - 1].strip() and last - first < _DASHED_NAME_LINES:
        first -= 1
    stands_alone = first > start and not lines[first - 1].strip()
    return first if first < last and stands_alone and marks.is_dashed_name(lines[first]) else end


def _join_blank_lines(lines: Sequence[str], kinds: list[str]) -> None:
    """A blank line belongs to what stands before it, so that spans do not fall apart."""
    for at in range(1, len(lines)):
        if not lines[at].strip():
            kinds[at] = kinds[at - 1]


def _spans(lines: Sequence[str], kinds: Sequence[str]) -> tuple[ReplySpan, ...]:
    """Neighbouring lines of one kind as one stretch of the text."""
    spans: list[ReplySpan] = []
    start = offset = 0
    for at, line in enumerate(lines):
        offset += len(line) + 1
        if at + 1 == len(lines) or kinds[at + 1] != kinds[at]:
            end = offset - 1 if at + 1 == len(lines) else offset
            if end > start:
                spans.append(ReplySpan(kinds[at], start, end))
            start = end
    return tuple(spans)


def _joined(text: str, spans: Sequence[ReplySpan], kind: str) -> str:
    pieces = [text[span.start : span.end].strip("\r\n") for span in spans if span.kind == kind]
    return "\n".join(piece for piece in pieces if piece.strip()).strip()
