"""Runs that are started over HTTP: so many a second, whatever the answers take; and a thousand at once."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from time import perf_counter

import httpx

from benchmarks.http.people import Tenant, stored_content


async def submit_at_rate(
    url: str, tenants: Sequence[Tenant], *, per_s: int, seconds: float
) -> tuple[list[float], Counter[int]]:
    """The times of all submissions in ms, from when each was due, and how they were answered."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=200)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as http:
        contents = [await stored_content(http, tenant) for tenant in tenants]
        for place in range(len(tenants)):  # the pipeline is stored, connections are there
            await _submit(http, tenants[place], contents[place])
        took_ms: list[float] = []
        statuses: Counter[int] = Counter()

        async def submit(place: int, due: float) -> None:
            statuses[await _submit(http, tenants[place], contents[place])] += 1
            took_ms.append((perf_counter() - due) * 1000)

        began = perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(per_s * seconds)):
                due = began + number / per_s
                await asyncio.sleep(max(0.0, due - perf_counter()))
                group.create_task(submit(number % len(tenants), due))
    return took_ms, statuses


async def submit_at_once(url: str, tenants: Sequence[Tenant], *, count: int) -> Counter[int]:
    """How so many submissions were answered that came in the same moment."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as http:
        contents = [await stored_content(http, tenant) for tenant in tenants]
        asked = [_submit(http, tenants[n % len(tenants)], contents[n % len(tenants)]) for n in range(count)]
        return Counter(await asyncio.gather(*asked))


async def _submit(http: httpx.AsyncClient, tenant: Tenant, content_id: str) -> int:
    asked = {"pipeline": "document_extraction", "content_ids": [content_id]}
    return (await http.post("/api/runs", json=asked, headers=tenant.headers)).status_code
