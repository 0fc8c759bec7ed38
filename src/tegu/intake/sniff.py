"""What bytes are, from the bytes; a file's name only breaks ties.

Called by ingest before anything is stored. Invariant: what it names, `documents` or `mail` can read; everything else is
an IntakeError that says what was sent and what is supported.
"""

import re
from pathlib import PurePath

from tegu.domain.errors import IntakeError
from tegu.intake.charset import decode, marked_charset
from tegu.intake.mail_header import split_fields
from tegu.intake.mbox import count_separators

TEXT, MARKDOWN, HTML, PDF = "text/plain", "text/markdown", "text/html", "application/pdf"
MAIL, MBOX = "message/rfc822", "application/mbox"
SUPPORTED = (TEXT, MARKDOWN, HTML, PDF, MAIL, MBOX)
SIZE_LIMIT_BYTES = 64 * 2**20

_HINT = "supported are text, Markdown, HTML, PDF, e-mail (.eml) and mailboxes (.mbox)"
_PEEK_BYTES = 65_536
_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an Office file (.docx, .xlsx, .pptx, .odt, .epub)"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an old Office file or an Outlook message (.doc, .xls, .ppt, .msg)",
    ),
    (b"{\\rtf", "an RTF file"),
    (b"%!PS", "a PostScript file"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"OggS", "a sound or video file"),
    (b"ID3", "a sound file"),
)
_MAIL_NAMES = """from to cc subject date message-id received return-path delivered-to mime-version reply-to sender
in-reply-to references envelope-to x-original-to content-type dkim-signature"""
_PROOF_NAMES = "from to subject message-id received return-path delivered-to"
_MAIL_FIELDS = frozenset(_MAIL_NAMES.split())
_MAIL_PROOF = frozenset(_PROOF_NAMES.split())
_HTML_START = re.compile(
    r"<(?:!doctype\s{1,9}html|html|head|body|title|meta|div|p|table|h1|h2|span|br|center|font)\b"
)
_HTML_ANYWHERE = re.compile(r"<(?:html|body)\b[^>]{0,500}>")
_PROLOG = re.compile(r"\s{0,1000}(?:(?:<\?xml[^>]{0,200}\?>|<!--[^>]{0,2000}-->)\s{0,1000}){0,10}")
_MARKDOWN_SIGNS = (
    re.compile(r"^#{1,6} \S", re.MULTILINE),
    re.compile(r"^(?:```|~~~)", re.MULTILINE),
    re.compile(r"\]\((?:https?://|/|\.|#)"),
    re.compile(r"\*\*\S"),
)
_CONTROLS = frozenset(range(32)) - {7, 8, 9, 10, 11, 12, 13, 27}
_CONTROL_SHARE = 0.02


def sniff(data: bytes, name: str | None = None, *, size_limit_bytes: int = SIZE_LIMIT_BYTES) -> str:
    """The media type of the bytes, one of SUPPORTED. Raises IntakeError: empty, too_large, unknown_type."""
    shown = f"{name!r}" if name else "the input"
    if not data:
        raise IntakeError(f"{shown} is empty", code="empty", hint="send a file with at least one byte")
    if len(data) > size_limit_bytes:
        raise IntakeError(
            f"{shown} has {len(data)} bytes, the limit is {size_limit_bytes}",
            code="too_large",
            hint="split it, or raise the limit",
        )
    if _is_pdf(data):
        return PDF
    for magic, what in _MAGIC:
        if data.startswith(magic):
            raise IntakeError(f"{shown} is {what}, which cannot be read", code="unknown_type", hint=_HINT)
    suffix = PurePath(name).suffix.casefold() if name else ""
    mail = _mail_type(data, suffix)
    if mail is not None:
        return mail
    if _is_binary(data):
        raise IntakeError(f"{shown} is neither text nor a known format", code="unknown_type", hint=_HINT)
    return _text_type(decode(data[:_PEEK_BYTES]), suffix)


def _is_pdf(data: bytes) -> bool:
    """The header may stand anywhere in the first kilobyte, but then the rest must look like a PDF too."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n\x00\x0c").startswith(b"%PDF-"):
        return True
    return b"%PDF-" in data[:1024] and b"%%EOF" in data[-2048:] and b" obj" in data


def _mail_type(data: bytes, suffix: str) -> str | None:
    """Mail, if the bytes start with header fields that mail has; a mailbox, if messages are separated in it."""
    if data.lstrip()[:5] == b"From " and (separators := count_separators(data.lstrip(), at_most=2)):
        return MBOX if separators > 1 or suffix in {".mbox", ".mbx"} else MAIL
    if marked_charset(data[:4]) not in {None, "utf_8"}:
        return None
    fields, body_start = split_fields(data.removeprefix(b"\xef\xbb\xbf").lstrip())
    names = {name for name, _ in fields.items}
    known = names & _MAIL_FIELDS
    if len(known) < (1 if suffix == ".eml" else 2) or not known & _MAIL_PROOF:
        return None
    # Prose with a colon here and there is no header block: most of its fields would be unknown.
    odd = sum(not re.fullmatch(r"x-.*|.*-.*", name) for name in names - _MAIL_FIELDS)
    return MAIL if odd <= len(known) and body_start else None


def _is_binary(data: bytes) -> bool:
    """Control characters are rare in text of any charset; UTF-16 and UTF-32 are full of zeros, in a pattern."""
    sample = data[:_PEEK_BYTES]
    if marked_charset(sample) is not None:
        sample = decode(sample).encode("utf-8")
    elif b"\x00" in sample:
        text = decode(sample)
        if "\ufffd" in text[:1024]:
            return True
        sample = text.encode("utf-8")
    return sum(byte in _CONTROLS for byte in sample) > len(sample) * _CONTROL_SHARE


def _text_type(text: str, suffix: str) -> str:
    start = text[_prolog_end(text) :][:200].casefold()
    if _HTML_START.match(start) and suffix not in {".md", ".markdown", ".txt"}:
        return HTML
    if start.startswith(("<!doctype html", "<html")):
        return HTML
    if suffix in {".html", ".htm", ".xhtml"} and "<" in text:
        return HTML
    if suffix in {".md", ".markdown", ".mdown"}:
        return MARKDOWN
    if not suffix and _HTML_ANYWHERE.search(text.casefold()):
        return HTML
    if not suffix and sum(sign.search(text) is not None for sign in _MARKDOWN_SIGNS) >= 2:
        return MARKDOWN
    return TEXT


def _prolog_end(text: str) -> int:
    found = _PROLOG.match(text)
    return found.end() if found else 0
