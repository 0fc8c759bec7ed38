"""The shared real files and their facts, where they are present; every test that needs them skips otherwise."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
FIXTURES = ROOT / "tests" / "fixtures" / "intake"

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"the shared data folder {DATA.name} is not here")


def facts(folder: str) -> list[dict[str, Any]]:
    """The expected facts of one folder; none where the folder is absent."""
    path = DATA / "expected.json"
    if not path.is_file():
        return []
    return [fact for fact in json.loads(path.read_text()) if fact["file"].startswith(f"{folder}/")]


def shared(file: str) -> bytes:
    """One shared file."""
    return (DATA / file).read_bytes()


def normal(text: str | None) -> str:
    """NFKC and single spaces, as the facts are to be compared."""
    return " ".join(unicodedata.normalize("NFKC", text or "").split())
