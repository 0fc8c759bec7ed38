"""USAGE.md is true: its programs run, its pipelines have no problems, and what it shows is what comes out."""

import asyncio
import re
import sys
from pathlib import Path

import pytest
from command_line import tegu

from tegu.pipeline.check import check
from tegu.pipeline.definition import RETRIES, TIMEOUT_S
from tegu.pipeline.document import load
from tegu.pipeline.shorthand import to_json_schema
from tegu.stages.registry import StageRegistry

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "tegu"
USAGE = (PACKAGE / "USAGE.md").read_text("utf-8")
LINES_MAX = 500


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", USAGE, flags=re.DOTALL | re.MULTILINE)


def programs() -> dict[str, str]:
    """Python blocks by the file that their first line names."""
    return {block.split("\n", 1)[0].removeprefix("# "): block for block in blocks("python")}


async def python(folder: Path, environment: dict[str, str], *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=environment, stdout=-1, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode, out.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in programs().items():
        assert re.fullmatch(r"\w+\.py", name)
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_the_page_is_short_enough_to_read() -> None:
    assert len(USAGE.splitlines()) <= LINES_MAX


async def test_the_programs_run(folder: Path, process_environment: dict[str, str]) -> None:
    (folder / "mails").mkdir()
    mail = b"From: ana@example.com\nTo: help@example.com\nSubject: Offer\nMessage-ID: <1@x>\n\nWhat do 40 seats cost? Please send us a quote.\n"
    (folder / "mails" / "one.eml").write_bytes(mail)
    code, out = await python(folder, process_environment, "-W", "error", "main.py")
    assert code == 0, out
    assert out.startswith("completed {")


async def test_its_pipelines_in_python_have_no_problems(
    folder: Path, process_environment: dict[str, str]
) -> None:
    for name in ("email_analysis.py", "later.py"):
        ended = await tegu(process_environment, "check", name, cwd=folder)
        assert (ended.code, ended.err) == (0, "")


async def test_its_tests_pass(folder: Path, process_environment: dict[str, str]) -> None:
    code, out = await python(folder, process_environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", ".")
    assert code == 0, out
    assert "3 passed" in out


def test_its_documents_have_no_problems() -> None:
    assert blocks("yaml")
    for block in blocks("yaml"):
        assert check(load(block), StageRegistry())[1] == ()


def test_every_shorthand_of_the_table_is_one() -> None:
    section = USAGE.partition("## Schema shorthand")[2].partition("\n## ")[0]
    words = re.findall(r"^\| `([^`]+)`", section.replace("\\|", "|"), re.MULTILINE)
    assert len(words) >= 10
    for word in words:
        for each in word.split() if word.startswith("str int") else [word]:
            schema = load(f"stages: {{a: {{uses: extract, with: {{schema: {{x: {each!r}}}}}}}}}")
            if each.startswith(("{", "[")):
                schema = load(f"stages: {{a: {{uses: extract, with: {{schema: {{x: {each}}}}}}}}}")
            assert check(schema, StageRegistry())[1] == (), each
    assert to_json_schema({"a": "nonsense"}, "x")[1]


def test_every_kind_and_default_is_the_one_in_the_code() -> None:
    section = USAGE.partition("## Kinds")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| (\w+) \|", section, re.MULTILINE)) - {"kind"}
    assert named == set(StageRegistry().kinds())
    assert f"| {RETRIES}, or the function's |" in USAGE
    assert f"| {TIMEOUT_S:.0f}, or the function's |" in USAGE


async def test_the_errors_it_shows_are_what_comes_out(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    shown = USAGE.partition("each with\nits place")[2].partition("\n\n")[2].partition("\n\n")[0]
    (tmp_path / "pipeline.yaml").write_text(
        "tegu: 1\nname: sample\nstages:\n  classify: {uses: classify, with: {labels: [a, b]}}\n"
        "  reply:\n    if: classify.category == 'a'\n    uses: summarize\n"
        "  refund: {uses: summarize, inputs: [clasify]}\n",
        "utf-8",
    )
    ended = await tegu(process_environment, "check", "pipeline.yaml", cwd=tmp_path)
    assert ended.code == 2
    assert [line.split() for line in ended.err.splitlines()] == [line.split() for line in shown.splitlines()]


async def test_docs_prints_the_page_its_topics_and_one_of_them(process_environment: dict[str, str]) -> None:
    assert (await tegu(process_environment, "docs")).out == USAGE
    topics = (await tegu(process_environment, "docs", "--list")).out.splitlines()
    assert {"conditions", "testing", "embedding", "errors"} <= set(topics)
    assert (await tegu(process_environment, "docs", "conditions")).out.startswith("## Conditions\n")
    ended = await tegu(process_environment, "docs", "conditons")
    assert (ended.code, ended.hint) == (2, "did you mean 'conditions'?")


def test_the_index_for_assistants_is_the_same_in_the_wheel_and_at_the_root() -> None:
    root = PACKAGE.parents[1]
    text = (PACKAGE / "llms.txt").read_text("utf-8")
    assert (root / "llms.txt").read_text("utf-8") == text
    assert text.startswith("# Tegu\n\n> ")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (root / target).exists()
