"""Waiting, reading and writing, in a program that is not async."""

import time
from collections.abc import Generator
from typing import BinaryIO

_PIECE_BYTES = 2**18


def sleep(seconds: float) -> None:
    """Wait so long."""
    time.sleep(seconds)


def pieces(file: BinaryIO) -> Generator[bytes]:
    """The rest of a file, as it is wanted."""
    while piece := file.read(_PIECE_BYTES):
        yield piece


def write(file: BinaryIO, data: bytes) -> None:
    """Append to a file."""
    file.write(data)
