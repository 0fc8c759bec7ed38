"""A file that is there as a whole, or not at all.

Used by `service` for what is downloaded.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tegu.domain.errors import UsageError


@contextmanager
def written_whole(path: Path) -> Generator[BinaryIO]:
    """Write beside it, readable by its owner alone, and give it its name at the end. Raises UsageError where there is one."""
    written = path.with_name(f"{path.name}.part")
    if path.exists():
        raise UsageError(f"there is a file {str(path)!r} already", hint="name another, or remove it")
    try:
        descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(
            f"{str(written)!r} cannot be written: {error.strerror}", hint="name another file"
        ) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)
