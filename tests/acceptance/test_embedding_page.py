"""What docs/embedding.md shows runs as it stands there."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "embedding.md").read_text("utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
async def test_a_block_of_the_page_runs(
    tmp_path: Path, process_environment: dict[str, str], number: int
) -> None:
    (tmp_path / "main.py").write_text(BLOCKS[number], "utf-8")
    environment = process_environment | {"TEGU_MODEL": "rules"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "main.py", cwd=tmp_path, env=environment, stdout=-1, stderr=-1
    )
    out, err = await asyncio.wait_for(process.communicate(), 90)
    assert (process.returncode, err) == (0, b""), err.decode()
    assert out or "FastAPI" in BLOCKS[number]
