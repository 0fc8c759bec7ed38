"""`tegu` on a terminal: a process whose output is a pseudo-terminal, read while it runs."""

import asyncio
import os
import pty
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

TIMEOUT_S = 60.0
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Screen:
    """What was written to a terminal: each piece and when it came. `code` is how the process ended."""

    pieces: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    code: int | None = None

    @property
    def raw(self) -> str:
        """All that was written."""
        return "".join(piece for _, piece in self.pieces)

    @property
    def text(self) -> str:
        """The same without what moves the cursor and colors."""
        return _STEERING.sub("", self.raw).replace("\r", "")


async def on_terminal(
    environment: Mapping[str, str], *arguments: str | Path, cwd: Path | None = None
) -> Screen:
    """Run `tegu` to its end on a terminal of 120 columns."""
    ours, theirs = pty.openpty()
    env = dict(environment) | {"TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tegu", *map(str, arguments), env=env, cwd=cwd, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    screen = Screen()
    reading = asyncio.create_task(asyncio.to_thread(_read, ours, screen))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            screen.code = await process.wait()
            await reading
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(ours)
    return screen


def _read(terminal: int, screen: Screen) -> None:
    while True:
        try:
            data = os.read(terminal, 65_536)
        except OSError:  # the other side is closed
            return
        if not data:
            return
        screen.pieces.append((time.monotonic(), data.decode("utf-8", "replace")))
