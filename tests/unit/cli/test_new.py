"""`tegu new` writes where it is told, all or nothing, and nothing that would break what is beside it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tegu.domain.errors import TeguError, UsageError
from tegu.interfaces.cli.new import new
from tegu.interfaces.cli.written_pipelines import written_pipelines


def refusal(*arguments: str) -> TeguError:
    ended = CliRunner().invoke(new, arguments)
    assert isinstance(ended.exception, TeguError), ended.output
    return ended.exception


@pytest.mark.parametrize("name", ["re", "sys", "logging", "calendar", "click", "conftest", "tegu"])
def test_a_file_that_would_hide_a_module_is_not_written(name: str, tmp_path: Path) -> None:
    found = refusal("stage", name, "--dir", str(tmp_path))
    assert found.hint == f"write {name}_pipeline, for instance"
    assert not list(tmp_path.iterdir())


def test_a_document_hides_no_module_and_may_have_its_name(tmp_path: Path) -> None:
    assert CliRunner().invoke(new, ["pipeline", "calendar", "--yaml", "--dir", str(tmp_path)]).exit_code == 0
    assert (tmp_path / "calendar.yaml").is_file()


def test_links_that_lead_nowhere_are_neither_followed_nor_replaced(tmp_path: Path) -> None:
    outside, here = tmp_path / "outside", tmp_path / "here"
    here.mkdir()
    for name in ("test_triage.py", "tegu.schema.json"):
        (here / name).symlink_to(outside / name)
    outside.mkdir()
    assert "'test_triage.py' already" in refusal("stage", "triage", "--dir", str(here)).message
    assert not (here / "triage.py").exists()  # it was written first, and taken back
    assert CliRunner().invoke(new, ["pipeline", "sorting", "--yaml", "--dir", str(here)]).exit_code == 0
    assert not list(outside.iterdir())


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", "utf-8")
    for folder in (tmp_path / "file" / "below", Path("/proc/nowhere")):
        found = refusal("pipeline", "triage", "--dir", str(folder))
        assert found.message.startswith(f"nothing can be written in {str(folder)!r}: ")
        assert found.hint


@pytest.mark.parametrize(
    "text", ["raise SystemExit", "import sys; sys.exit(0)", "raise BaseException('odd')"]
)
def test_a_module_that_ends_its_process_is_not_taken_for_fine(text: str, tmp_path: Path) -> None:
    path = tmp_path / f"ends_{abs(hash(text))}.py"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError, match="cannot be imported: "):
        written_pipelines(str(path))
