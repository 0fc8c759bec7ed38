"""docs/interfaces.md says what its steps write."""

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
@pytest.mark.timeout(600)
async def test_every_step_of_the_page_writes_what_the_page_says(
    process_environment: dict[str, str], tmp_path: Path
) -> None:
    spec = importlib.util.spec_from_file_location("interfaces_page", DOCS / "interfaces_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    written = await module.page(process_environment, tmp_path)
    assert written == (DOCS / "interfaces.md").read_text("utf-8")
