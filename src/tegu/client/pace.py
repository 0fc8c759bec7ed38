"""Waiting, reading and writing, in a program that is async. `blocking.pace` is the same for one that is not."""

import asyncio
from collections.abc import AsyncGenerator
from typing import BinaryIO

_PIECE_BYTES = 2**18


async def sleep(seconds: float) -> None:
    """Let others go on for so long."""
    await asyncio.sleep(seconds)


async def pieces(file: BinaryIO) -> AsyncGenerator[bytes]:
    """The rest of a file, as it is wanted."""
    while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
        yield piece


async def write(file: BinaryIO, data: bytes) -> None:
    """Append to a file."""
    await asyncio.to_thread(file.write, data)
