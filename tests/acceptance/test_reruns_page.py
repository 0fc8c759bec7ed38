"""docs/reruns.md is true: its commands are run, and say what the page says they say."""

import asyncio
import re
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reruns.md"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not shutil.which("jq"), reason="the page uses jq")
@pytest.mark.timeout(300)
async def test_what_the_page_of_re_runs_shows_was_said(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    lines = [line for block in BLOCK.findall(PAGE.read_text("utf-8")) for line in block.splitlines()]
    commands = [line[2:] for line in lines if line.startswith("$ ")]
    wanted = [line for line in lines if not line.startswith("$ ")]
    assert len(commands) >= 8
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        "\n".join((f'tegu() {{ "{sys.executable}" -m tegu "$@"; }}', *commands)),
        env=process_environment | {"NO_COLOR": "1", "COLUMNS": "110"},
        cwd=tmp_path,
        stdout=PIPE,
        stderr=STDOUT,
    )
    async with asyncio.timeout(280):
        out, _ = await process.communicate()
    assert out.decode().splitlines() == wanted
