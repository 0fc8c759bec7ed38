"""Pages that are sessions at a terminal are true: their commands are run, and say what the pages say they say."""

import asyncio
import re
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from base64 import b64encode
from pathlib import Path

import pytest

SECRET_KEYS = f"k1:{b64encode(b'k' * 32).decode()}"
DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```yaml\n# (\w+\.yaml)\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(not shutil.which("jq"), reason="the pages use jq")
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("page", "columns", "commands_min"),
    [
        ("people.md", 200, 20),
        ("pipelines-as-data.md", 200, 15),
        ("privacy.md", 200, 6),
        ("reruns.md", 110, 8),
    ],
)
async def test_what_the_page_shows_was_said(
    page: str, columns: int, commands_min: int, tmp_path: Path, process_environment: dict[str, str]
) -> None:
    text = (DOCS / page).read_text("utf-8")
    for name, document in FILE.findall(text):
        (tmp_path / name).write_text(document, "utf-8")
    blocks = BLOCK.findall(text)
    lines = [line for block in blocks for line in block.splitlines()]
    commands = [line[2:] for line in lines if line.startswith("$ ")]
    wanted = [line for line in lines if not line.startswith("$ ")]
    assert len(commands) >= commands_min
    tegu = f'tegu() {{ "{sys.executable}" -m tegu "$@"; }}'
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-c",
        "\n".join((tegu, *commands)),
        env=process_environment | {"NO_COLOR": "1", "COLUMNS": str(columns), "TEGU_SECRET_KEYS": SECRET_KEYS},
        cwd=tmp_path,
        stdout=PIPE,
        stderr=STDOUT,
    )
    async with asyncio.timeout(380):
        out, _ = await process.communicate()
    assert out.decode().splitlines() == wanted
