"""A small service that the cases ask over HTTP: a store of pets."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

PETS = [{"id": number, "name": name, "status": "available"} for number, name in ((1, "Rex"), (2, "Tom"))]


LOGIN = "Basic cGV0czpzZWNyZXQ="


def answer_of(target: str, headers: str) -> tuple[int, Any]:
    """Status and body for a path with its query."""
    if target.endswith("/basic-auth"):
        is_known = f"authorization: {LOGIN}".lower() in headers.lower()
        return 200 if is_known else 401, {"authenticated": is_known}
    path, _, query = target.partition("?")
    last = path.rpartition("/")[2]
    if last == "findByStatus":
        return 200, [pet for pet in PETS if query == f"status={pet['status']}"]
    found = [pet for pet in PETS if str(pet["id"]) == last]
    return (200, found[0]) if found else (404, {"message": "Pet not found"})


@asynccontextmanager
async def pet_store() -> AsyncGenerator[str]:
    """Serve it on this machine; its address."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status, body = answer_of(head.split(" ", 2)[1], head)
        data = json.dumps(body).encode()
        lines = (f"HTTP/1.1 {status} -", "content-type: application/json", f"content-length: {len(data)}")
        writer.write("\r\n".join((*lines, "connection: close", "", "")).encode() + data)
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # whoever asked was killed
    finally:
        writer.close()
