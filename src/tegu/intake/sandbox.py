"""Reading files where they can do no harm: one child process per file, with limits, killed when it does not end.

Called by ingest, by the parse stage, and for pages that are shown. Short plain text in UTF-8 needs no reader and no child. The child (`child`) has bounded memory, CPU and output, a private HOME and
TMPDIR that vanish with it, and no network. Invariants: the event loop is never blocked, at most one child per CPU runs
at a time for one actor, and one or two more for others; whatever a child does becomes a value or an IntakeError; cancelling the
caller kills the child.
"""

import asyncio
import os
import signal
import sys
import tempfile
from asyncio import AbstractEventLoop
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from tegu.domain.content import Document
from tegu.domain.document_page import PageLayout
from tegu.domain.errors import IntakeError
from tegu.intake import wire
from tegu.intake.mail import ParsedMail
from tegu.intake.read_text import read_text
from tegu.turns import FairTurns, Shares, asker

_MIB = 2**20
_CHUNK_BYTES = 256 * 1024
_BATCH_MESSAGES = 200
_START = "from tegu.intake.child import main; main()"
_KEPT_VARIABLES = (
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONHOME",
    "SYSTEMROOT",
)  # without them Python may not start
_HINT_HOSTILE = "the file may be damaged or made to do harm; open it elsewhere and save it anew"
_HINT_SLOW = "split the file, or raise the limits of reading"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use. `memory_bytes` is address space, of which the interpreter and PDFium need about 300 MiB."""

    memory_bytes: int = 1024 * _MIB
    cpu_s: int = 30
    wall_s: float = 60.0
    output_bytes: int = 128 * _MIB


_HARMLESS_BYTES = 256 * 1024


def _is_harmless(data: bytes) -> bool:
    """Whether it is UTF-8 and short: such text is taken as it is, which needs no process of a quarter second's work."""
    if len(data) > _HARMLESS_BYTES:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


_turns: WeakKeyDictionary[AbstractEventLoop, FairTurns] = WeakKeyDictionary()


async def read_document(
    data: bytes, media_type: str, name: str | None = None, *, limits: Limits | None = None
) -> Document:
    """The text of a file. Raises IntakeError."""
    limits = limits or Limits()
    if media_type == "text/plain" and len(data) <= limits.output_bytes and _is_harmless(data):
        return read_text(data, name)
    reply, _ = await _run("document", [data], limits, media_type=media_type, name=name)
    if reply.document is None:
        raise _nonsense()
    return reply.document


async def open_mail(data: bytes, *, limits: Limits | None = None) -> ParsedMail:
    """One e-mail. Raises IntakeError only when its child fails; a broken mail has `defects`."""
    reply, _ = await _run("mails", [data], limits or Limits())
    if not reply.mails:
        raise _nonsense()
    return reply.mails[0]


async def open_mails(
    messages: Sequence[bytes], *, limits: Limits | None = None
) -> tuple[ParsedMail | IntakeError, ...]:
    """Many e-mails of one source, in order, few children. A message that breaks its child costs only itself."""
    found: list[ParsedMail | IntakeError] = []
    for start in range(0, len(messages), _BATCH_MESSAGES):
        found += await _open_batch(messages[start : start + _BATCH_MESSAGES], limits or Limits())
    return tuple(found)


async def split_mailbox(data: bytes, *, limits: Limits | None = None) -> tuple[bytes, ...]:
    """The messages of an mbox. Raises IntakeError."""
    reply, messages = await _run("mailbox", [data], limits or Limits())
    if not reply.mailbox:
        raise _nonsense()
    return tuple(messages)


async def lay_out_page(data: bytes, number: int, text: str, *, limits: Limits | None = None) -> PageLayout:
    """Where the characters of a page's text stand on that page of a PDF. Raises IntakeError."""
    reply, _ = await _run("page_layout", [data, text.encode()], limits or Limits(), page=number)
    if reply.layout is None:
        raise _nonsense()
    return reply.layout


async def draw_page(data: bytes, number: int, width_px: int, *, limits: Limits | None = None) -> bytes:
    """A page of a PDF as PNG. Raises IntakeError."""
    reply, blobs = await _run("page_picture", [data], limits or Limits(), page=number, width_px=width_px)
    if not reply.picture or len(blobs) != 1:
        raise _nonsense()
    return blobs[0]


async def _open_batch(messages: Sequence[bytes], limits: Limits) -> list[ParsedMail | IntakeError]:
    try:
        reply, _ = await _run("mails", messages, limits)
    except IntakeError as error:
        if len(messages) == 1:
            return [error]
        half = len(messages) // 2
        return [
            *await _open_batch(messages[:half], limits),
            *await _open_batch(messages[half:], limits),
        ]
    if reply.mails is None or len(reply.mails) != len(messages):
        raise _nonsense()
    return list(reply.mails)


async def _run(
    task: wire.Task,
    inputs: Sequence[bytes],
    limits: Limits,
    *,
    media_type: str = "",
    name: str | None = None,
    page: int = 1,
    width_px: int = 0,
) -> tuple[wire.Reply, list[bytes]]:
    """One job in a child of its own."""
    child_limits = wire.ChildLimits(limits.memory_bytes, limits.cpu_s, limits.output_bytes)
    sent = wire.pack_request(wire.Request(task, child_limits, media_type, name, page, width_px), inputs)
    async with _fair().turn(asker(), refusal="other files of yours are being read"):
        with tempfile.TemporaryDirectory(prefix="tegu-intake-", ignore_cleanup_errors=True) as home:
            received = await _talk(sent, limits, home)
    try:
        reply, blobs = wire.unpack_reply(received)
    except ValueError as error:
        raise _nonsense() from error
    if reply.failure is not None:
        raise reply.failure.error()
    return reply, blobs


def _fair() -> FairTurns:
    """The event loop's own: what one actor has under way keeps every CPU busy, and leaves a child to colleagues and to others."""
    cpus = os.cpu_count() or 1
    return _turns.setdefault(asyncio.get_running_loop(), FairTurns(Shares(cpus + 2, cpus + 1, cpus)))


async def _talk(sent: bytes, limits: Limits, home: str) -> bytes:
    """Start a child, give it the request, take its answer; it is dead when this returns, however it returns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-s",
        "-P",
        "-c",
        _START,
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        cwd=home,
        env=_environment(home),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(limits.wall_s):
            writing = asyncio.ensure_future(_write(process, sent))
            try:
                received = await _read(process, limits.output_bytes)
                status = await process.wait()
            finally:
                writing.cancel()
                with suppress(asyncio.CancelledError):
                    await writing
    except TimeoutError:
        raise IntakeError(
            f"reading this took longer than {limits.wall_s:g} s", code="timeout", hint=_HINT_SLOW
        ) from None
    finally:
        await _kill(process)
    if status != 0:
        raise _death(status, limits)
    return received


def _environment(home: str) -> Mapping[str, str]:
    """Nothing of ours but where Python finds its modules: no keys, no database address."""
    return {
        **{key: os.environ[key] for key in _KEPT_VARIABLES if key in os.environ},
        "HOME": home,
        "TMPDIR": home,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
    }


async def _write(process: Process, data: bytes) -> None:
    """Send the request in pieces. A child that died first is noticed by its status."""
    stdin = process.stdin
    if stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        for start in range(0, len(data), _CHUNK_BYTES):
            stdin.write(data[start : start + _CHUNK_BYTES])
            await stdin.drain()
        stdin.close()
        await stdin.wait_closed()


async def _read(process: Process, limit_bytes: int) -> bytes:
    """The whole answer. A child that sends more than it may is hostile."""
    chunks: list[bytes] = []
    size = 0
    while process.stdout is not None and (chunk := await process.stdout.read(_CHUNK_BYTES)):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit_bytes + _MIB:
            raise IntakeError(
                f"what is in this has more than {limit_bytes} bytes", code="too_large", hint=_HINT_SLOW
            )
    return b"".join(chunks)


async def _kill(process: Process) -> None:
    """End the child and all that it started. Shielded: the child must not outlive a cancelled caller."""
    if process.returncode is not None:
        return
    with suppress(ProcessLookupError):
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _death(status: int, limits: Limits) -> IntakeError:
    """What a child's end by a signal or a status means."""
    name = signal.Signals(-status).name if status < 0 else f"status {status}"
    if name in {"SIGXCPU", "SIGKILL"}:
        return IntakeError(
            f"reading this took more than {limits.cpu_s} s of CPU time, or was killed ({name})",
            code="timeout",
            hint=_HINT_SLOW,
        )
    return IntakeError(f"reading this broke the reader ({name})", code="hostile", hint=_HINT_HOSTILE)


def _nonsense() -> IntakeError:
    return IntakeError("the reader gave no usable answer", code="hostile", hint=_HINT_HOSTILE)
