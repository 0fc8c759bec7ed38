"""Stages of wide maps that note each time that they are performed, and by whom."""

import os
from pathlib import Path

from tegu import Document, StageContext, stage

NOTES = "CHAOS_NOTES"
"""The file that is appended to: a line for each performance, of the process and the number."""


def _note(number: int) -> None:
    descriptor = os.open(Path(os.environ[NOTES]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, b"%d %d\n" % (os.getpid(), number))
    finally:
        os.close(descriptor)


@stage(version=1, retries=0)
async def numbers(source: Document, ctx: StageContext) -> list[int]:
    """As many as the text says."""
    del ctx
    return list(range(int(source.text.split()[0])))


@stage(version=1, retries=0)
async def double(item: int, ctx: StageContext) -> int:
    """Twice the number, noted."""
    del ctx
    _note(item)
    return 2 * item


@stage(version=1, retries=0)
async def double_read(source: Document, ctx: StageContext) -> int:
    """The same, of the number that a nested run is about."""
    del ctx
    number = int(source.text)
    _note(number)
    return 2 * number


FUNCTIONS = (numbers, double, double_read)
