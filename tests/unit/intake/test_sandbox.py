import asyncio
import os
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import pytest
from intake_data import FIXTURES
from pdf_bytes import pdf

from tegu.domain.errors import IntakeError
from tegu.intake import wire
from tegu.intake.documents import read
from tegu.intake.mail import ParsedMail, read_mail
from tegu.intake.mbox import split_mbox
from tegu.intake.sandbox import Limits, _environment, open_mail, open_mails, read_document, split_mailbox

MIB = 2**20
# The HTML parser needs quadratic time for elements nested this deep.
SLOW_HTML = b"<a" * 5_000_000
needs_proc = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks processes up in /proc")


async def failure(data: bytes, media_type: str, limits: Limits | None = None) -> IntakeError:
    with pytest.raises(IntakeError) as caught:
        await read_document(data, media_type, limits=limits)
    assert caught.value.message
    return caught.value


def children_in(folder: Path) -> list[int]:
    found: list[int] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            cwd = (process / "cwd").readlink()
        except OSError:
            continue
        if cwd.is_relative_to(folder):
            found.append(int(process.name))
    return found


def folders_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.fixture
def homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "media_type"),
    [
        ("notes.md", "text/markdown"),
        ("page.html", "text/html"),
        ("order.eml", "message/rfc822"),
        ("two.mbox", "application/mbox"),
    ],
)
async def test_a_child_reads_what_the_reader_reads(file: str, media_type: str) -> None:
    data = (FIXTURES / file).read_bytes()
    assert await read_document(data, media_type, file) == read(data, media_type, file)


async def test_short_text_needs_no_child_and_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [b"", b"one\r\ntwo", "\ufeffBOM, \u00e9 and \x00".encode(), b"x" * 256 * 1024]
    read_by_child = [read(data, "text/plain", "note.txt") for data in texts]
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", "/there/is/no/python")
    assert [await read_document(data, "text/plain", "note.txt") for data in texts] == read_by_child
    with pytest.raises(OSError, match="no/python"):
        await read_document("\u00e9".encode("latin-1"), "text/plain")


async def test_a_pdf_is_read_in_a_child() -> None:
    assert (await read_document(pdf(["One", "Two"]), "application/pdf")).text == "One\n\nTwo"


async def test_a_mail_comes_back_whole_with_its_attachments() -> None:
    data = (FIXTURES / "order.eml").read_bytes()
    mail = await open_mail(data)
    assert mail == read_mail(data)
    assert len(mail.attachments[0].data) == 8


async def test_a_mailbox_is_split_and_its_mails_read() -> None:
    data = (FIXTURES / "two.mbox").read_bytes()
    messages = await split_mailbox(data)
    assert messages == split_mbox(data)
    mails = await open_mails(messages)
    assert [mail.subject for mail in mails if isinstance(mail, ParsedMail)] == ["Question", "Re: Question"]
    assert await open_mails([]) == ()


async def test_a_mail_that_breaks_its_child_costs_only_itself() -> None:
    slow = b"From: a@b\nContent-Type: text/html\n\n" + SLOW_HTML
    first, broken, last = await open_mails(
        [b"Subject: 1\n\n", slow, b"Subject: 3\n\n"], limits=Limits(cpu_s=1)
    )
    assert isinstance(first, ParsedMail)
    assert isinstance(last, ParsedMail)
    assert isinstance(broken, IntakeError)
    assert (first.subject, broken.code, last.subject) == ("1", "timeout", "3")


async def test_an_error_of_a_reader_keeps_its_code_and_words() -> None:
    error = await failure(b"%PDF-1.7 garbage", "application/pdf")
    assert error.code == "undecodable"
    assert "damaged" in error.message
    assert (await failure(b"x", "image/png")).code == "unknown_type"


async def test_a_child_that_uses_too_much_cpu_is_ended() -> None:
    start = time.monotonic()
    error = await failure(SLOW_HTML, "text/html", Limits(cpu_s=1, wall_s=20))
    assert error.code == "timeout"
    assert "CPU" in error.message
    assert time.monotonic() - start < 10


@needs_proc
async def test_a_child_that_does_not_end_is_killed_and_leaves_nothing(homes: Path) -> None:
    error = await failure(SLOW_HTML, "text/html", Limits(wall_s=0.7))
    assert error.code == "timeout"
    assert "0.7 s" in error.message
    assert children_in(homes) == []
    assert folders_in(homes) == []


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux")
@pytest.mark.parametrize("media_type", ["text/html", "text/plain"])
async def test_a_child_that_eats_memory_is_hostile(media_type: str) -> None:
    error = await failure(b"<b>x" * 4_000_000, media_type, Limits(memory_bytes=64 * MIB))
    assert error.code == "hostile"


async def test_a_pdf_that_unpacks_to_gigabytes_is_survived() -> None:
    stream = zlib.compress(zlib.compress(b" " * (400 * MIB), 1), 9)
    head = b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n" % len(stream)
    before, _, rest = pdf(["x"]).partition(b"<< /Length")
    bomb = before + head + stream + b"\nendstream" + rest.partition(b"endstream")[2]
    assert len(bomb) < MIB
    try:
        document = await read_document(
            bomb, "application/pdf", limits=Limits(memory_bytes=300 * MIB, cpu_s=5)
        )
    except IntakeError as error:
        assert error.code in {"hostile", "timeout"}  # noqa: PT017 - both endings are right
    else:
        assert document.metadata.get("no_text") is True


async def test_more_output_than_the_limit_is_too_large() -> None:
    error = await failure(b"x" * 100_000, "text/plain", Limits(output_bytes=50_000))
    assert error.code == "too_large"


@needs_proc
async def test_cancelling_kills_the_child(homes: Path) -> None:
    reading = asyncio.create_task(read_document(SLOW_HTML, "text/html"))
    async with asyncio.timeout(10):
        while not children_in(homes):
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert children_in(homes) == []
    assert folders_in(homes) == []


async def test_the_event_loop_goes_on_while_files_are_read() -> None:
    gaps: list[float] = []

    async def tick() -> None:
        last = time.monotonic()
        while True:
            await asyncio.sleep(0.01)
            now = time.monotonic()
            gaps.append(now - last)
            last = now

    ticking = asyncio.create_task(tick())
    await asyncio.gather(*(read_document(b"word " * 200_000, "text/plain") for _ in range(4)))
    ticking.cancel()
    assert len(gaps) > 5
    assert max(gaps) < 0.5


@needs_proc
async def test_no_more_children_than_processors_run_at_once(homes: Path) -> None:
    readings = [
        asyncio.create_task(read_document(SLOW_HTML, "text/html", limits=Limits(wall_s=0.8)))
        for _ in range(5)
    ]
    most = 0
    while not all(reading.done() for reading in readings):
        most = max(most, len(folders_in(homes)))
        await asyncio.sleep(0.02)
    assert all(isinstance(reading.exception(), IntakeError) for reading in readings)
    assert 1 <= most <= (os.cpu_count() or 1)


def test_a_child_gets_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    environment = _environment("/home/of/one")
    assert "secret" not in "".join(environment.values())
    assert environment["HOME"] == environment["TMPDIR"] == "/home/of/one"


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.socket()",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
    ],
)
def test_a_child_may_use_no_network_and_start_no_process(attempt: str) -> None:
    code = f"from tegu.intake import child; child._leave_network(); {attempt}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is refused while a file is read" in done.stderr


@pytest.mark.parametrize(
    "answer", [b"", b"no frame", b"\x00" * 8, (1 << 60).to_bytes(8, "big"), wire.pack([b'{"x'])]
)
def test_an_answer_that_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        wire.unpack_reply(answer)


def test_an_answer_with_attachments_missing_is_refused() -> None:
    mail = read_mail((FIXTURES / "order.eml").read_bytes())
    frames = wire.unpack(wire.pack_reply(wire.Reply(mails=(mail,))))
    with pytest.raises(ValueError, match="argument"):
        wire.unpack_reply(wire.pack(frames[:-1]))
    assert wire.unpack_reply(wire.pack(frames))[0].mails == (mail,)
