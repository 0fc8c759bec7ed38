"""PostgreSQL servers that a test may break."""

import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tegu.storage.embedded import private_server


@asynccontextmanager
async def chaos_server() -> AsyncGenerator[tuple[str, Path]]:
    """The owner's DSN of a server of its own, and its folder.

    Not under pytest's folder: as root the server is another user, and any session that begins closes that folder to it.
    """
    with (
        tempfile.TemporaryDirectory(prefix="tegu-chaos-", ignore_cleanup_errors=True) as folder,
        private_server(Path(folder) / "pg") as server_dsn,
    ):
        yield server_dsn, Path(folder) / "pg"
