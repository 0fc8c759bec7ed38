"""What the sandbox and its child say to each other: length-prefixed frames, the first of them JSON, the rest raw bytes.

Called by `sandbox` and `child`. Invariant: nothing that comes from a child is executed or trusted; it is JSON checked
against the dataclasses that are expected, and bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from pydantic import TypeAdapter

from tegu.domain.content import Document
from tegu.domain.document_page import PageLayout
from tegu.domain.errors import IntakeError
from tegu.intake.mail import ParsedMail

_LENGTH_BYTES = 8

Task = Literal["document", "mails", "mailbox", "page_layout", "page_picture"]


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """What the child takes away from itself before it looks at the input."""

    memory_bytes: int
    cpu_s: int
    output_bytes: int


@dataclass(frozen=True, slots=True)
class Request:
    """One job; the bytes to read are the frames that follow."""

    task: Task
    limits: ChildLimits
    media_type: str = ""
    name: str | None = None
    page: int = 1
    width_px: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """An IntakeError of the child."""

    code: str
    message: str
    hint: str | None = None

    def error(self) -> IntakeError:
        """The exception again."""
        return IntakeError(self.message, code=self.code, hint=self.hint)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a job came to: one of these."""

    failure: Failure | None = None
    document: Document | None = None
    mails: tuple[ParsedMail, ...] | None = None
    mailbox: bool = False
    layout: PageLayout | None = None
    picture: bool = False


@cache
def _requests() -> TypeAdapter[Request]:
    return TypeAdapter(Request)


@cache
def _replies() -> TypeAdapter[Reply]:
    return TypeAdapter(Reply)


def pack(frames: Iterable[bytes]) -> bytes:
    """Frames as one stretch of bytes."""
    return b"".join(len(frame).to_bytes(_LENGTH_BYTES, "big") + frame for frame in frames)


def unpack(data: bytes) -> list[bytes]:
    """The frames again. Raises ValueError when a length is wrong."""
    frames: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or end > len(data):
            raise ValueError("a frame is cut off")
        frames.append(data[start:end])
        at = end
    return frames


def pack_request(request: Request, inputs: Sequence[bytes]) -> bytes:
    """A request and the bytes that it is about."""
    return pack([_requests().dump_json(request), *inputs])


def unpack_request(data: bytes) -> tuple[Request, list[bytes]]:
    """The inverse of `pack_request`."""
    head, *inputs = unpack(data)
    return _requests().validate_json(head), inputs


def pack_reply(reply: Reply, blobs: Sequence[bytes] = ()) -> bytes:
    """A reply. The data of attachments travels beside the JSON, not in it."""
    if reply.mails is not None:
        blobs = [item.data for mail in reply.mails for item in mail.attachments]
        bare = tuple(_with_data(mail, [b""] * len(mail.attachments)) for mail in reply.mails)
        reply = replace(reply, mails=bare)
    return pack([_replies().dump_json(reply), *blobs])


def unpack_reply(data: bytes) -> tuple[Reply, list[bytes]]:
    """The inverse of `pack_reply`. Raises ValueError for anything that is no reply."""
    frames = unpack(data)
    if not frames:
        raise ValueError("there is no reply")
    reply = _replies().validate_json(frames[0])
    blobs = frames[1:]
    if reply.mails is None:
        return reply, blobs
    mails: list[ParsedMail] = []
    at = 0
    for mail in reply.mails:
        count = len(mail.attachments)
        mails.append(_with_data(mail, blobs[at : at + count]))
        at += count
    return replace(reply, mails=tuple(mails)), []


def _with_data(mail: ParsedMail, blobs: Sequence[bytes]) -> ParsedMail:
    attachments = tuple(replace(item, data=blob) for item, blob in zip(mail.attachments, blobs, strict=True))
    return replace(mail, attachments=attachments)
