"""docs/identity.md is true: its commands are run against a service, and say what the page says they say.

With TEGU_WRITE_PAGES=1 the page is written anew from this run.
"""

import asyncio
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "identity.md"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHOWN_URL = "http://127.0.0.1:8000"
# What differs from run to run.
PASSING = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
    (r"token=[\w-]{43}", "token=TOKEN"),
    (r'(?<=")[a-z0-9]{8}(?="\])', "PREFIX"),
)


def normal(text: str) -> str:
    """The same for two runs."""
    for pattern, word in PASSING:
        text = re.sub(pattern, word, text)
    return text


@asynccontextmanager
async def serving(environment: dict[str, str], folder: Path) -> AsyncGenerator[str]:
    """What `tegu serve` says, until it has said how to sign in."""
    command = ("-m", "tegu", "serve", "--port", "0", "--no-worker")
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment, cwd=folder, stdout=PIPE, stderr=STDOUT
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(90):
            said = ""
            while "token=" not in said:
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
        yield said
    finally:
        process.terminate()
        await process.wait()


async def ran(commands: list[str], environment: dict[str, str], folder: Path) -> list[str]:
    """What each command wrote, in one shell."""
    script = "\n".join(f"{command}\necho '@@@'" for command in commands)
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", script, env=environment, cwd=folder, stdout=PIPE, stderr=STDOUT
    )
    async with asyncio.timeout(100):
        out, _ = await process.communicate()
    return [part.lstrip("\n") for part in out.decode().split("@@@\n")][: len(commands)]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="the page uses curl and jq")
@pytest.mark.timeout(240)
async def test_what_the_page_shows_was_said(tmp_path: Path, process_environment: dict[str, str]) -> None:
    page = PAGE.read_text("utf-8")
    commands = [
        [line[2:] for line in block.splitlines() if line.startswith("$ ")] for block in BLOCK.findall(page)
    ]
    bin_folder = Path(sys.executable).parent
    async with serving(process_environment, tmp_path) as said:
        found = re.search(r"Tegu at (http://\S+?)[.,]?\s", said)
        assert found is not None
        url, token = found[1], said.partition("token=")[2].split()[0]
        more = {"URL": url, "TOKEN": token, "TEGU_BASE_URL": url}
        environment = process_environment | more
        environment["PATH"] = f"{bin_folder}{os.pathsep}{environment['PATH']}"
        written = await ran([line for block in commands[1:] for line in block], environment, tmp_path)
    outputs = iter([said, *written])
    blocks = iter(
        "```console\n" + "".join(f"$ {line}\n{_ended(next(outputs))}" for line in block) + "```"
        for block in commands
    )
    now = BLOCK.sub(lambda _: next(blocks).replace(url, SHOWN_URL), page)
    if os.environ.get("TEGU_WRITE_PAGES"):
        PAGE.write_text(now, "utf-8")
        return
    assert normal(now).splitlines() == normal(page).splitlines()


def _ended(output: str) -> str:
    return output if not output or output.endswith("\n") else f"{output}\n"
