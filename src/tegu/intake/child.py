"""The child process in which files are read: it gives up memory, time and the network, reads one job, answers, ends.

Started by `sandbox`, never imported by anything else. Invariant: the limits are in force before the first byte of the
input is looked at, and the answer goes through a descriptor that no library knows.
"""

import os
import sys

from tegu.domain.errors import IntakeError
from tegu.intake import wire

_CLONE_NEWUSER = 0x1000_0000
_CLONE_NEWNET = 0x4000_0000
_FILE_BYTES = 256 * 2**20
_OPEN_FILES = 128
_REFUSED_EVENTS = (
    "socket.",
    "subprocess.",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "pty.",
)


def main() -> None:
    """Read a request from standard input, write the reply to standard output."""
    answer_fd = os.dup(1)
    os.dup2(2, 1)  # what libraries print must not end up in the answer
    data = sys.stdin.buffer.read()
    request, inputs = wire.unpack_request(data)
    del data
    _leave_network()
    _limit(request.limits)
    answer = _answer(request, inputs)
    with os.fdopen(answer_fd, "wb") as out:
        out.write(answer)
        out.flush()
    # Native libraries need not tidy up, and cannot crash on the way out.
    os._exit(0)


def _answer(request: wire.Request, inputs: list[bytes]) -> bytes:
    try:
        answer = _work(request, inputs)
    except IntakeError as error:
        return _failed(error.code, error.message, error.hint)
    except MemoryError:
        return _failed("hostile", "reading this needs more memory than it may have", None)
    except RecursionError:
        return _failed("hostile", "this is nested too deeply to be read", None)
    except Exception as error:  # noqa: BLE001 - whatever a reader raises on damaged bytes becomes one sentence
        reason = f"{type(error).__name__}: {error}"[:300]
        return _failed(
            "undecodable", f"this cannot be read as {request.media_type or 'mail'} ({reason})", None
        )
    if len(answer) > request.limits.output_bytes:
        return _failed(
            "too_large", f"what is in this has more than {request.limits.output_bytes} bytes", "split it"
        )
    return answer


def _work(request: wire.Request, inputs: list[bytes]) -> bytes:
    match request.task:
        case "document":
            from tegu.intake.documents import read

            return wire.pack_reply(wire.Reply(document=read(inputs[0], request.media_type, request.name)))
        case "mails":
            from tegu.intake.mail import read_mail

            return wire.pack_reply(wire.Reply(mails=tuple(read_mail(item) for item in inputs)))
        case "mailbox":
            from tegu.intake.mbox import split_mbox

            return wire.pack_reply(wire.Reply(mailbox=True), split_mbox(inputs[0]))
        case "page_layout":
            from tegu.intake.pdf_page import lay_out_page

            layout = lay_out_page(inputs[0], request.page, inputs[1].decode())
            return wire.pack_reply(wire.Reply(layout=layout))
        case "page_picture":
            from tegu.intake.pdf_page import draw_page

            picture = draw_page(inputs[0], request.page, request.width_px)
            return wire.pack_reply(wire.Reply(picture=True), [picture])


def _failed(code: str, message: str, hint: str | None) -> bytes:
    text = message.encode("utf-8", "replace").decode()
    return wire.pack_reply(wire.Reply(failure=wire.Failure(code, text, hint)))


def _limit(limits: wire.ChildLimits) -> None:
    """Address space, CPU, file size, open files; no core dumps. Windows has none of these: the wall clock remains."""
    if sys.platform == "win32":
        return
    import resource

    # A second between the two, so that the signal says what happened.
    wanted = {
        resource.RLIMIT_CPU: (limits.cpu_s, limits.cpu_s + 1),
        resource.RLIMIT_FSIZE: (_FILE_BYTES, _FILE_BYTES),
        resource.RLIMIT_NOFILE: (_OPEN_FILES, _OPEN_FILES),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_AS: (limits.memory_bytes, limits.memory_bytes),
    }
    for kind, (soft, hard) in wanted.items():
        ceiling = resource.getrlimit(kind)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)  # noqa: PLW2901 - a lower ceiling wins
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):
            continue  # macOS refuses RLIMIT_AS


def _leave_network() -> None:
    """An empty network namespace where the system allows one; and Python's own sockets and processes refused."""
    if sys.platform == "linux":
        import ctypes

        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) != 0:
            libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    sys.addaudithook(_refuse)


def _refuse(event: str, _args: tuple[object, ...]) -> None:
    if event.startswith(_REFUSED_EVENTS):
        raise PermissionError(f"{event} is refused while a file is read")
