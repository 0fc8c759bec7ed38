"""What people name on the command line: pipelines and inputs.

Called by `run`, `start`, `ingest` and `pipelines show`. Invariant: a file that cannot be read stops nothing but itself
until all were looked at, so that people see every bad one at once.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tegu.actions.contents import Ingested
from tegu.app import Tegu
from tegu.domain.content import SourceType
from tegu.domain.errors import IntakeError
from tegu.intake.sniff import SIZE_LIMIT_BYTES

STDIN = "-"
_SUFFIXES = {".yaml", ".yml", ".json"}


@dataclass(frozen=True, slots=True)
class Unread:
    """An input that could not be read, and why."""

    name: str
    error: IntakeError


def pipeline_source(text: str) -> str | Path:
    """A file where it looks like one or is one, a name otherwise."""
    path = Path(text)
    is_file = path.suffix.lower() in _SUFFIXES or "/" in text or "\\" in text or path.is_file()
    return path if is_file else text


async def ingest_each(tegu: Tegu, inputs: Sequence[str]) -> tuple[list[Ingested], list[Unread]]:
    """Store every input that can be read; each is stored whole or not at all."""
    stored: list[Ingested] = []
    unread: list[Unread] = []
    for text in inputs:
        try:
            stored.append(await _ingest(tegu, text))
        except IntakeError as error:
            unread.append(Unread("stdin" if text == STDIN else text, error))
    return stored, unread


async def _ingest(tegu: Tegu, text: str) -> Ingested:
    if text != STDIN:
        return await tegu.ingest(Path(text))
    # One byte more than allowed, for ingest to refuse.
    data = sys.stdin.buffer.read(SIZE_LIMIT_BYTES + 1)
    return await tegu.ingest(data, name="stdin", source_type=SourceType.MANUAL)
