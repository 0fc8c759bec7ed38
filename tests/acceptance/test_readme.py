"""What the README shows runs as it stands there."""

import asyncio
import os
import re
import sys
from pathlib import Path

from thread_of_mails import MAILBOX

from tegu.app import Tegu
from tegu.pipeline.check import check
from tegu.pipeline.document import load
from tegu.settings import Settings

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


async def test_the_ten_lines_of_python_run(tmp_path: Path, process_environment: dict[str, str]) -> None:
    (tmp_path / "thread.mbox").write_bytes(MAILBOX)
    (tmp_path / "main.py").write_text(blocks("python")[0], "utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "main.py", cwd=tmp_path, env=process_environment, stdout=-1, stderr=-1
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, err) == (0, b"")
    assert out.startswith(b"completed {'category': 'support'")


def test_the_pipelines_of_the_readme_have_no_problems(tmp_path: Path) -> None:
    tegu = Tegu(settings=Settings(home=tmp_path))
    definition, problems = check(load(blocks("yaml")[0]), tegu.registry)
    assert problems == ()
    assert definition is not None


async def test_the_python_stage_of_the_readme_builds(tmp_path: Path) -> None:
    program = blocks("python")[1] + "\nfrom tegu import Tegu\nfrom tegu.pipeline.check import checked\n"
    program += (
        "print(checked(pipeline.to_json(), Tegu(stages=[refund_asked_for]).registry).python_stages())\n"
    )
    (tmp_path / "refunds.py").write_text(program, "utf-8")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "refunds.py", cwd=tmp_path, env=environment, stdout=-1, stderr=-1
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, err) == (0, b"")
    assert out.decode().strip() == "frozenset({'refund_asked_for@1'})"
