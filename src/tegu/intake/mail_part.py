"""The MIME tree of a message, walked: which leaves are its text, which are attachments.

Called by `mail`. The splitting is our own and not the standard library's parser, because that one recurses (a deep
nest of parts exhausts the stack), takes quadratic time on hostile boundaries, and gives attached messages re-written,
so that their hashes differ. Invariants: every part is a slice of the message, the walk is iterative and bounded in
depth and number, and a broken part never loses the others.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tegu.intake.charset import decode
from tegu.intake.mail_header import Fields, base64_bytes, base_name, split_fields
from tegu.intake.read_html import read_html
from tegu.intake.read_text import clean_lines

_DEPTH = 30
_PARTS = 2_000
_DEFECTS = 50
_BOUNDARY_CHARS = 200
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,80}/[a-z0-9][a-z0-9.+_-]{0,80}")


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """A file in a mail. `name` is a base name, None where the mail gives none; `inline` files belong to the text."""

    name: str | None
    media_type: str
    data: bytes
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class MailParts:
    """What a message holds. `is_html` says that its text was made from HTML."""

    text: str
    is_html: bool
    attachments: tuple[ParsedAttachment, ...]
    defects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Leaf:
    fields: Fields
    body: bytes
    media_type: str
    charset: str | None
    alternative: int | None
    """The outermost multipart/alternative that it is in: of the texts in there, only one is read."""


@dataclass(frozen=True, slots=True)
class _Todo:
    fields: Fields
    body: bytes
    depth: int
    alternative: int | None


def read_parts(fields: Fields, body: bytes) -> MailParts:
    """Walk the parts of a message whose header block is already split off."""
    defects: list[str] = []
    leaves = list(_leaves(fields, body, defects))
    attachments = [_attachment(leaf, defects) for leaf in leaves if not _is_text(leaf)]
    texts = [(leaf, _text(leaf, defects)) for leaf in leaves if _is_text(leaf)]
    plain_in = {leaf.alternative for leaf, text in texts if leaf.media_type != "text/html" and text.strip()}
    plain_in.discard(None)
    chosen = [
        (leaf, text)
        for leaf, text in texts
        if text.strip() and (leaf.alternative not in plain_in or leaf.media_type != "text/html")
    ]
    return MailParts(
        text="\n\n".join(text.strip("\n") for _, text in chosen),
        is_html=any(leaf.media_type == "text/html" for leaf, _ in chosen),
        attachments=tuple(attachments),
        defects=tuple(dict.fromkeys(defects))[:_DEFECTS],
    )


def _leaves(fields: Fields, body: bytes, defects: list[str]) -> Iterator[_Leaf]:
    """Every leaf in the order of the message."""
    stack = [_Todo(fields, body, 0, None)]
    seen = 0
    while stack:
        todo = stack.pop()
        seen += 1
        if seen > _PARTS:
            defects.append(f"the message has more than {_PARTS} parts: the rest is left out")
            return
        media_type, charset, boundary = _content_type(todo.fields)
        if not media_type.startswith("multipart/") or todo.depth >= _DEPTH:
            if todo.depth >= _DEPTH:
                defects.append(f"parts are nested deeper than {_DEPTH}")
            yield _Leaf(todo.fields, todo.body, media_type, charset, todo.alternative)
            continue
        if not boundary:
            defects.append("a multipart has no boundary: it is read as text")
            yield _Leaf(todo.fields, todo.body, "text/plain", charset, todo.alternative)
            continue
        pieces = _split(todo.body, boundary, defects)
        if not pieces and todo.body.strip():
            defects.append("a multipart has no parts: it is read as text")
            yield _Leaf(todo.fields, todo.body, "text/plain", charset, todo.alternative)
            continue
        inside = todo.alternative
        if inside is None and media_type == "multipart/alternative":
            inside = seen
        default = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
        stack.extend(reversed([_child(piece, default, todo.depth + 1, inside) for piece in pieces]))


def _child(piece: bytes, default_type: str, depth: int, alternative: int | None) -> _Todo:
    # A part without header fields starts with its empty line.
    first = piece.partition(b"\n")[0].strip()
    fields, start = split_fields(piece) if first else (Fields(()), piece.find(b"\n") + 1)
    if fields.raw("content-type") is None and default_type != "text/plain":
        fields = Fields((*fields.items, ("content-type", default_type.encode())))
    return _Todo(fields, piece[start:], depth, alternative)


def _content_type(fields: Fields) -> tuple[str, str | None, bytes]:
    """Media type, charset and boundary. What is no media type is text, as RFC 2045 says."""
    media_type, parameters = fields.parameters("content-type")
    media_type = media_type.replace(" ", "")
    if not _MEDIA_TYPE.fullmatch(media_type):
        media_type = "text/plain"
    boundary = parameters.get("boundary", "").rstrip()[:_BOUNDARY_CHARS]
    return media_type, parameters.get("charset"), boundary.encode("utf-8", "replace")


def _split(body: bytes, boundary: bytes, defects: list[str]) -> list[bytes]:
    """The parts between boundary lines, each without the line end that belongs to the boundary."""
    line = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    pieces: list[bytes] = []
    start: int | None = None
    for mark in line.finditer(body):
        if start is not None:
            pieces.append(body[start : mark.start()])
        if mark[1]:
            start = None
            break
        start = body.find(b"\n", mark.end()) + 1 or len(body)
        if len(pieces) > _PARTS:
            break
    if start is not None:
        defects.append("the closing boundary is missing")
        pieces.append(body[start:])
    return pieces


def _disposition(leaf: _Leaf) -> tuple[str, str | None]:
    """Content-Disposition, and the name of the part wherever it stands."""
    disposition, parameters = leaf.fields.parameters("content-disposition")
    name = parameters.get("filename") or leaf.fields.parameters("content-type")[1].get("name")
    return disposition, base_name(name)


def _is_text(leaf: _Leaf) -> bool:
    """Whether it is part of what the sender wrote, and no file."""
    if leaf.media_type not in {"text/plain", "text/html", "text/enriched", "text/markdown"}:
        return False
    disposition, name = _disposition(leaf)
    return disposition != "attachment" and name is None


def _attachment(leaf: _Leaf, defects: list[str]) -> ParsedAttachment:
    disposition, name = _disposition(leaf)
    content_id = leaf.fields.text("content-id")
    return ParsedAttachment(
        name=name,
        media_type=leaf.media_type,
        data=_payload(leaf, defects),
        content_id=content_id.strip("<> ")[:_BOUNDARY_CHARS] or None if content_id else None,
        inline=disposition == "inline" or (content_id is not None and disposition != "attachment"),
    )


def _text(leaf: _Leaf, defects: list[str]) -> str:
    data = _payload(leaf, defects)
    if leaf.media_type == "text/html":
        return read_html(data, charset=leaf.charset).text
    return clean_lines(decode(data, leaf.charset))


def _payload(leaf: _Leaf, defects: list[str]) -> bytes:
    """The body without its transfer encoding; as it is where the encoding is unknown."""
    encoding = (leaf.fields.text("content-transfer-encoding") or "").casefold().strip("\"' ;")
    match encoding:
        case "base64":
            return base64_bytes(leaf.body)
        case "quoted-printable":
            return binascii.a2b_qp(leaf.body)
        case "" | "7bit" | "7bits" | "8bit" | "8bits" | "binary":
            return leaf.body
        case _:
            defects.append(f"unknown transfer encoding {encoding[:40]!r}")
            return leaf.body
