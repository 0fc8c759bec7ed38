"""docs/pipelines-as-data.md is true: its commands are run, and say what the page says they say."""

import asyncio
import re
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "pipelines-as-data.md"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not shutil.which("jq"), reason="the page uses jq")
@pytest.mark.timeout(400)
async def test_what_the_page_of_pipelines_as_data_shows_was_said(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    blocks = BLOCK.findall(PAGE.read_text("utf-8"))
    lines = [line for block in blocks for line in block.splitlines()]
    commands = [line[2:] for line in lines if line.startswith("$ ")]
    wanted = [line for line in lines if not line.startswith("$ ")]
    assert len(commands) >= 15
    tegu = f'tegu() {{ "{sys.executable}" -m tegu "$@"; }}'
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        "\n".join((tegu, *commands)),
        env=process_environment | {"NO_COLOR": "1", "COLUMNS": "200"},
        cwd=tmp_path,
        stdout=PIPE,
        stderr=STDOUT,
    )
    async with asyncio.timeout(380):
        out, _ = await process.communicate()
    assert out.decode().splitlines() == wanted
