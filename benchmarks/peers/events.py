"""What the bodies of stages note down, and who reads it: one file for each process, one line for each begin and end.

Used by every system alike, in its own virtual environment: standard library only. A line is written before the body goes
on, so that it is there after `kill -9`. Times are CLOCK_MONOTONIC, which all processes of a machine share.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

FOLDER = "PEERS_EVENTS"
OUTPUT = {"text": "x" * 200}
"""What every stage puts out; every system stores it before the next stage begins."""

_files: dict[int, int] = {}


def begun(run: str, stage: int) -> None:
    """The body of a stage begins."""
    _note("S", run, stage)


def ended(run: str, stage: int) -> None:
    """The body of a stage ends."""
    _note("E", run, stage)


def ready(index: int) -> None:
    """The worker takes work now."""
    (Path(os.environ[FOLDER]) / f"ready-{index}").touch()


def _note(kind: str, run: str, stage: int) -> None:
    pid = os.getpid()
    file = _files.get(pid)
    if file is None:
        path = Path(os.environ[FOLDER]) / f"{pid}.log"
        file = _files[pid] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{kind} {run} {stage} {monotonic():.6f}\n".encode())


@dataclass(slots=True)
class Noted:
    """One begin or end: when, and in which process."""

    at: float
    pid: int


Key = tuple[str, int]
"""(run, stage): stages are numbered from 1."""


@dataclass(slots=True)
class Follower:
    """Reads what was noted since it looked last."""

    folder: Path
    begins: dict[Key, list[Noted]] = field(default_factory=dict[Key, list[Noted]])
    ends: dict[Key, list[Noted]] = field(default_factory=dict[Key, list[Noted]])
    _read: dict[Path, int] = field(default_factory=dict[Path, int])

    def look(self) -> list[Key]:
        """The stages that ended since the last look."""
        new: list[Key] = []
        for path in self.folder.glob("*.log"):
            before = self._read.get(path, 0)
            with path.open("rb") as file:
                file.seek(before)
                data = file.read()
            whole = data.rfind(b"\n") + 1
            self._read[path] = before + whole
            pid = int(path.stem)
            for line in data[:whole].decode().splitlines():
                kind, run, stage, at = line.split()
                key = (run, int(stage))
                if kind == "E":
                    new.append(key)
                    self.ends.setdefault(key, []).append(Noted(float(at), pid))
                else:
                    self.begins.setdefault(key, []).append(Noted(float(at), pid))
        return new
