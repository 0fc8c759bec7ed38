"""A virtual environment for each peer, from its pinned and hashed requirements, under .tegu/peers: made once.

Called by `benchmarks.peers`. A peer that cannot be installed here is left out, and the reason is written into the figures.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
HOME = ROOT / ".tegu" / "peers"
PYTHON_MIN = {"oban": (3, 12)}
INSTALL_S = 900


class NotInstalledError(RuntimeError):
    """Why a peer is not there."""


def python_of(name: str) -> str:
    """The interpreter of that peer's environment, which is made if need be. Raises NotInstalledError."""
    if name == "tegu":
        return sys.executable
    requirements = REQUIREMENTS / f"{name}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    folder = HOME / name
    python, stamp = folder / "bin" / "python", folder / ".installed"
    if stamp.exists() and stamp.read_text("utf-8") == digest:
        return str(python)
    print(f"installing {name} into {folder.relative_to(ROOT)} ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run(_interpreter(PYTHON_MIN.get(name, (3, 11))), "-m", "venv", str(folder))
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")
    _run(str(python), *pip, "-r", str(requirements))
    stamp.write_text(digest, "utf-8")
    return str(python)


def _interpreter(least: tuple[int, int]) -> str:
    """A Python of at least this version: ours, one on the PATH, or one that pyenv has."""
    if sys.version_info >= least:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    names = [f"python3.{minor}" for minor in range(least[1], least[1] + 4)]
    found = [path for name in names if (path := shutil.which(name))]
    found += [str(path) for path in sorted(pyenv.glob("3.*/bin/python"))]
    for path in found:
        asked = subprocess.run(
            [path, "-c", "import sys; print(*sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.returncode == 0 and tuple(map(int, asked.stdout.split())) >= least:
            return path
    raise NotInstalledError(f"needs Python {least[0]}.{least[1]}")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
    if done.returncode:
        raise NotInstalledError(f"could not be installed: {done.stderr.strip().splitlines()[-1:]}")
