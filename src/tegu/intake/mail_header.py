"""Header fields of a mail as values: encoded words, addresses, dates, message ids, parameters.

Called by `mail` and `mail_part`. Invariant: never raises, takes linear time, and what comes out can be stored; every
field is cut at a limit before anyone looks at it.
"""

import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import collapse_rfc2231_value, parsedate_to_datetime

from tegu.intake.charset import decode

_BLOCK_BYTES = 262_144
_FIELDS = 2_000
_FIELD_BYTES = 65_536
_PARAMETER_CHARS = 4_096  # the stdlib's parameter parser is quadratic
_IDS = 200
_ADDRESSES = 1_000
_NAME_CHARS = 255
_YEARS = range(1970, 2101)

_FIELD = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_WORD = re.compile(r"=\?([^?\s=]{1,80})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s=]{1,80}\?[bBqQ]\?)")
_ID = re.compile(r"<([^<>]{1,1000})>")
_SPACE = re.compile(r"\s+")
_UNNAMABLE = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Fields:
    """The header block of a message or a part: lower-case names with unfolded raw values, in order."""

    items: tuple[tuple[str, bytes], ...]

    def raw(self, name: str) -> bytes | None:
        """The first field of that name."""
        return next((value for key, value in self.items if key == name), None)

    def undecoded(self, name: str) -> str:
        """Every field of that name, joined by commas, encoded words untouched: they may hide commas."""
        return ", ".join(decode(value) for key, value in self.items if key == name)[:_FIELD_BYTES]

    def text(self, name: str) -> str | None:
        """The first field of that name as people read it, or None."""
        raw = self.raw(name)
        return None if raw is None else decode_words(decode(raw))

    def parameters(self, name: str) -> tuple[str, dict[str, str]]:
        """A field such as Content-Type: its lower-case value, and its parameters (RFC 2231 and 2047 decoded)."""
        raw = self.raw(name)
        if raw is None:
            return "", {}
        message = Message()
        message[name] = decode(raw)[:_PARAMETER_CHARS]
        try:
            found = message.get_params([], header=name)
        except (ValueError, LookupError, RecursionError):
            return "", {}
        pairs = [(str(key), value) for key, value in found]
        value = pairs[0][0].strip().casefold() if pairs else ""
        return value, {key.casefold(): _parameter(item) for key, item in reversed(pairs[1:])}


def split_fields(data: bytes) -> tuple[Fields, int]:
    """The header block at the start of `data`, and where the body starts."""
    items: list[tuple[str, bytes]] = []
    at = 0
    while at < min(len(data), _BLOCK_BYTES) and len(items) < _FIELDS:
        end = data.find(b"\n", at) + 1 or len(data)
        line = data[at:end].rstrip(b"\r\n")
        if not line.strip() and items:
            return Fields(tuple(items)), end
        if line[:1] in {b" ", b"\t"} and items:
            name, value = items[-1]
            if len(value) < _FIELD_BYTES:
                items[-1] = (name, value + b" " + line.strip())
        elif field := _FIELD.match(line):
            items.append((field[1].decode("ascii").casefold(), line[field.end() :].strip()[:_FIELD_BYTES]))
        elif line.strip() and not line.startswith((b"From ", b">From ")):
            break  # the blank line is missing: the body starts here
        at = end
    return Fields(tuple(items)), at


def decode_words(text: str) -> str:
    """RFC 2047 encoded words decoded; also inside quotes and words, as many senders write them."""
    if "=?" not in text:
        return _SPACE.sub(" ", text).strip()
    text = _BETWEEN_WORDS.sub(r"\1", text)
    pieces: list[str] = []
    run: list[bytes] = []  # neighbours of one charset may share a character
    charset = ""
    last = 0
    for word in _WORD.finditer(text):
        name = word[1].partition("*")[0].casefold()
        if run and (word.start() != last or name != charset):
            pieces.append(decode(b"".join(run), charset))
            run.clear()
        pieces.append(text[last : word.start()])
        run.append(_word_bytes(word[2], word[3]))
        charset, last = name, word.end()
    pieces.append(decode(b"".join(run), charset))
    pieces.append(text[last:])
    return _SPACE.sub(" ", "".join(pieces)).strip()


def base64_bytes(data: bytes) -> bytes:
    """Base64 decoded as far as it goes: other characters are skipped, a broken end is dropped."""
    alphabet = re.sub(rb"[^A-Za-z0-9+/]+", b"", data)
    whole = len(alphabet) - (len(alphabet) % 4 == 1)
    return binascii.a2b_base64(alphabet[:whole] + b"=" * (-whole % 4))


def addresses(text: str) -> list[tuple[str, str]]:
    """(display name, address) pairs of an address field. Groups are flattened, empty ones vanish."""
    found: list[tuple[str, str]] = []
    for piece in _split_addresses(text)[:_ADDRESSES]:
        name, address = _one_address(piece)
        if address:
            found.append((decode_words(name), address))
    return found


def message_ids(text: str | None) -> tuple[str, ...]:
    """Every `<id>` of a field, in order; of a field without brackets, its only word."""
    if not text:
        return ()
    found = [f"<{_SPACE.sub('', match[1])}>" for match in _ID.finditer(text)]
    if not found and "@" in text and " " not in text.strip():
        found = [text.strip()]
    unique = list(dict.fromkeys(found))
    # The first is the thread's root and the last ones are the nearest: the middle is what a limit may drop.
    return tuple(unique if len(unique) <= _IDS else [unique[0], *unique[1 - _IDS :]])


def sent_date(text: str | None) -> tuple[datetime | None, str | None]:
    """The date in UTC, or None and what is wrong with it."""
    if text is None or not text.strip():
        return None, "the message has no date"
    shown = text.strip()[:80]
    try:
        parsed = parsedate_to_datetime(text[:200])
        date = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None, f"the date {shown!r} cannot be read"
    if date.year not in _YEARS:
        return None, f"the date {shown!r} is absurd"
    return date, None


def base_name(name: str | None) -> str | None:
    """The last component of a file name, without control and direction characters, or None."""
    if name is None:
        return None
    base = decode_words(name).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    base = _UNNAMABLE.sub("", base).strip()
    if not base.strip("."):
        return None
    if len(base) > _NAME_CHARS:
        stem, dot, extension = base.rpartition(".")
        keep = f".{extension}" if dot and len(extension) <= 16 else ""
        base = (stem if keep else base)[: _NAME_CHARS - len(keep)] + keep
    return base


def _word_bytes(encoding: str, content: str) -> bytes:
    raw = content.encode("utf-8", "surrogatepass")
    if encoding in "bB":
        return base64_bytes(raw)
    return binascii.a2b_qp(raw, header=True)


def _parameter(value: str | tuple[str | None, str | None, str]) -> str:
    if isinstance(value, tuple):
        charset, _, encoded = value
        # The stdlib keeps the percent-decoded bytes as Latin-1 characters.
        try:
            return decode(encoded.encode("latin-1"), charset)
        except UnicodeEncodeError:
            return decode_words(collapse_rfc2231_value(encoded))
    return decode_words(value.strip().strip('"'))


def _split_addresses(text: str) -> list[str]:
    """Cut at the commas and semicolons that are not inside quotes, comments or angle brackets."""
    pieces: list[str] = []
    start = 0
    quoted = escaped = angle = False
    depth = 0
    for at, char in enumerate(text):
        if escaped:
            escaped = False
        elif char == "\\" and (quoted or depth):
            escaped = True
        elif char == '"' and not depth:
            quoted = not quoted
        elif quoted:
            continue
        elif char in "()":
            depth = max(0, depth + (1 if char == "(" else -1))
        elif char in "<>":
            angle = char == "<"
        elif char in ",;" and not depth and not angle:
            pieces.append(text[start:at])
            start = at + 1
    pieces.append(text[start:])
    return pieces


def _one_address(piece: str) -> tuple[str, str]:
    before, angle, rest = piece.rpartition("<")
    if angle:
        address = rest.partition(">")[0]
        return _plain_name(before), _SPACE.sub("", address).rpartition(":")[2]
    bare, paren, comment = piece.partition("(")
    bare = bare.rpartition(":")[2].strip()  # a group's name stands before a colon
    if "@" not in bare:
        return "", ""
    return _plain_name(comment.rpartition(")")[0]) if paren else "", _SPACE.sub("", bare.strip('"'))


def _plain_name(name: str) -> str:
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1]
    return name.replace('\\"', '"').replace("\\\\", "\\")
