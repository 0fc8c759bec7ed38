"""A client of the live feed, as browsers are: it keeps the last id, and comes again with it."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx


@dataclass(frozen=True)
class Said:
    """One event as it came."""

    kind: str
    data: Any
    id: str | None

    @property
    def place(self) -> tuple[str, int]:
        return self.data["run_id"], self.data["seq"]


class Stream:
    """An open stream. `last_id` is what a browser would keep."""

    def __init__(self, response: httpx.Response) -> None:
        self.last_id: str | None = None
        self._lines = response.aiter_lines()

    async def next(self, *, within_s: float = 30) -> Said:
        """The next event. Raises StopAsyncIteration at the end."""
        kind, data, id_ = "message", "", None
        async with asyncio.timeout(within_s):
            while True:
                line = await anext(self._lines)
                field, _, value = line.partition(": ")
                match field:
                    case "event":
                        kind = value
                    case "data":
                        data = value
                    case "id":
                        id_ = self.last_id = value
                    case "" if not line and data:
                        return Said(kind, json.loads(data), id_)
                    case _:
                        pass

    async def until(self, kind: str, *, within_s: float = 60) -> list[Said]:
        """All up to the first of that kind, of an event of ours or of a run."""
        found: list[Said] = []
        async with asyncio.timeout(within_s):
            while True:
                found.append(await self.next(within_s=within_s))
                if kind in {found[-1].kind, found[-1].data.get("kind")}:
                    return found


@asynccontextmanager
async def streaming(
    http: httpx.AsyncClient, topics: str = "runs", *, last_id: str | None = None, **more: Any
) -> AsyncGenerator[Stream]:
    """Follow these topics while this lasts."""
    headers = {**more.pop("headers", {}), **({"last-event-id": last_id} if last_id is not None else {})}
    params = {"topics": topics, **more}
    async with http.stream("GET", "/api/events", params=params, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)
