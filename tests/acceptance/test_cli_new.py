"""`tegu new` writes code that works: it passes its own tests, pyright strict and `tegu check`."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
from command_line import tegu

import tegu as package

_COMMANDS = (("pipeline", "triage"), ("pipeline", "sorting", "--yaml"), ("stage", "titled"))


async def _python(folder: Path, environment: dict[str, str], *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=folder, env=environment, stdout=-1, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await asyncio.wait_for(process.communicate(), 110)
    return process.returncode, out.decode()


async def test_what_is_written_passes_its_tests_pyright_and_the_check(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    for command in _COMMANDS:
        assert (await tegu(process_environment, "new", *command, cwd=tmp_path)).code == 0
    for file in ("triage.py", "sorting.yaml"):
        assert (await tegu(process_environment, "check", file, cwd=tmp_path)).code == 0
    code, out = await _python(
        tmp_path, process_environment, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."
    )
    assert code == 0, out
    assert "6 passed" in out
    settings = {
        "typeCheckingMode": "strict",
        "include": ["."],
        "extraPaths": [str(Path(str(package.__file__)).parents[1])],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")
    code, out = await _python(
        tmp_path, process_environment, "-m", "pyright", "-p", ".", "--pythonpath", sys.executable
    )
    assert code == 0, out


async def test_nothing_is_overwritten_and_nothing_half_written(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "test_triage.py").write_text("mine", "utf-8")
    ended = await tegu(process_environment, "new", "pipeline", "triage", cwd=tmp_path)
    assert ended.code == 2
    assert "'test_triage.py' already" in ended.error
    assert not (tmp_path / "triage.py").exists()
    assert (tmp_path / "test_triage.py").read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    ("name", "hint"),
    [("Foo-Bar", "write foo_bar"), ("class", "class_pipeline"), ("pytest", "pytest_pipeline")],
)
async def test_a_name_that_cannot_be_imported_is_refused(
    name: str, hint: str, tmp_path: Path, process_environment: dict[str, str]
) -> None:
    ended = await tegu(process_environment, "new", "stage", name, cwd=tmp_path)
    assert ended.code == 2
    assert hint in ended.hint


async def test_a_pipeline_in_python_brings_its_stages_to_the_command_line(
    tmp_path: Path, process_environment: dict[str, str]
) -> None:
    (tmp_path / "shop.py").write_text(
        "from tegu import Document, Pipeline, StageContext, stage\n\n\n"
        "@stage\ndef shout(text: str, ctx: StageContext) -> str:\n    return text.strip().upper()\n\n\n"
        'loud = Pipeline("loud", input=Document)\nloud.stage("shout", shout, loud.text)\n',
        "utf-8",
    )
    (tmp_path / "note.txt").write_text("lamps\n", "utf-8")
    await tegu(process_environment, "migrate")
    for reference in ("shop.py", "shop.py:loud", "shop:loud"):
        ended = await tegu(process_environment, "run", reference, "note.txt", "--json", cwd=tmp_path)
        assert ended.code == 0, ended.err
        (found,) = ended.json["runs"]
        assert found["run"]["results"][0]["data"] == "LAMPS"


@pytest.mark.parametrize(
    ("reference", "text", "error"),
    [
        ("nowhere.py", None, "there is no file 'nowhere.py'"),
        ("broken.py", "1 / 0\n", "ZeroDivisionError"),
        ("none.py", "a = 1\n", "there is no pipeline in"),
        ("other.py:b", "a = 1\n", "has no pipeline 'b'"),
    ],
)
async def test_a_reference_that_leads_nowhere_is_one_sentence(
    reference: str, text: str | None, error: str, tmp_path: Path, process_environment: dict[str, str]
) -> None:
    if text is not None:
        (tmp_path / reference.partition(":")[0]).write_text(text, "utf-8")
    ended = await tegu(process_environment, "check", reference, cwd=tmp_path)
    assert ended.code == 2
    assert error in ended.error
