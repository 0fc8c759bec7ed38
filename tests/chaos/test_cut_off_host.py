"""A host is cut off from the database in the middle of its runs, and comes back: another host has gone on meanwhile,
what the first one writes late is refused, and it goes on claiming.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from urllib.parse import SplitResult, parse_qs, urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest
from hosts import Host, Reach, hosts_around, why_not
from naps import nap
from workers import Crew

from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.testing.scripted import Reply, Rule, ScriptedProvider, Text, Tokens

WAITING = 8
LEASE_S = 2.0
DATABASE, PROVIDER = 5432, 8080
WITHIN_S = 60.0
RESENT_S = 6.0
"""A host that is alone for longer sends what it has again only after its worker has given up that connection."""
MODEL = "openai:gpt-5-mini"
NAPPING: JsonObject = {
    "tegu": 1,
    "name": "napping",
    "input": "content",
    "stages": {
        "say": {"uses": "prompt", "with": {"instructions": "Say it."}},
        "nap": {"uses": "python", "needs": ["say"], "with": {"function": "nap@1"}},
    },
}

# What begins every session of PostgreSQL's protocol, soon: the pid of the process that serves it, and its key.
_BACKEND = re.compile(rb"K\x00\x00\x00\x0c(....)....Z", re.DOTALL)
_LANES = """
    select pid from pg_stat_activity where pid = any($1::int[]) and query like '-- Store what happened in many runs%'"""
_LATE = "select count(*)::int from pg_stat_activity where pid = any($1::int[]) and query_start > $2"
_GONE = """
    select (count(*) filter (where dead_at > $2) > 0 and count(*) filter (where dead_at is null) = 0)::int
    from tegu.workers where pid = any($1::int[])"""
_OWNED = """
    select count(*)::int from tegu.runs r join tegu.workers w on w.id = r.owner where w.pid = any($1::int[])"""
_ALIVE = "select count(*)::int from tegu.workers where pid = any($1::int[]) and dead_at is null"
_FREE = "select count(*)::int from tegu.runs where owner is null and status = 'pending'"
_HAS_NONE = f"select (({_OWNED}) = 0)::int"
_RUNNING = """
    select count(*)::int from tegu.stage_runs s join tegu.runs r on r.organization_id = s.organization_id and r.id = s.run_id
    join tegu.workers w on w.id = r.owner where s.status = 'running' and s.stage = $2 and w.pid = any($1::int[])"""


def environment_of(host: Host, address: DatabaseAddress, base: dict[str, str]) -> dict[str, str]:
    """What a worker of that host is told: everything is at the hub."""

    def seen(dsn: str) -> str:
        parts = urlsplit(dsn)
        netloc = f"{parts.username}@{host.address}:{DATABASE}"
        return urlunsplit(parts._replace(netloc=netloc, query="sslmode=disable"))

    return base | {
        "DATABASE_URL": seen(address.owner),
        "TEGU_APP_DATABASE_URL": seen(address.app or ""),
        "TEGU_ENGINE_DATABASE_URL": seen(address.engine or ""),
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": f"http://{host.address}:{PROVIDER}/v1",
        "TEGU_MODEL": MODEL,
    }


async def until(observer: asyncpg.Connection, query: str, *values: object, least: int = 1) -> None:
    end = monotonic() + WITHIN_S
    while (await observer.fetchval(query, *values) or 0) < least:
        assert monotonic() < end, f"not within {WITHIN_S:g} s: {query}"
        await asyncio.sleep(0.02)


@dataclass
class Load:
    """Always some runs more than both hosts can own, until it is enough."""

    tegu: Tegu
    observer: asyncpg.Connection
    run_ids: list[UUID] = field(default_factory=list[UUID])
    is_enough: bool = False

    @asynccontextmanager
    async def flowing(self) -> AsyncGenerator[None]:
        """Runs are started as long as this lasts."""
        feeding = asyncio.create_task(self._feed())
        try:
            yield
        finally:
            self.is_enough = True  # and no cancel, which may hit a start that is committed and not yet noted
            await feeding

    async def _feed(self) -> None:
        while not self.is_enough:
            free = await self.observer.fetchval(_FREE)
            for _ in range(max(0, WAITING - free)):
                text = f"Note {len(self.run_ids)}, which nobody has seen before."
                self.run_ids += await self.tegu.start(NAPPING, text)
            await asyncio.sleep(0.1)


@dataclass
class Hub:
    """What the hosts reach, and which sessions of the database are whose."""

    folder: str
    provider: SplitResult
    sessions: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    @property
    def ports(self) -> dict[int, Reach]:
        """The database and the provider."""
        return {
            DATABASE: lambda: asyncio.open_unix_connection(f"{self.folder}/.s.PGSQL.5432"),
            PROVIDER: lambda: asyncio.open_connection(self.provider.hostname, self.provider.port),
        }

    def heard(self, address: str, block: bytes) -> None:
        """Note the session that begins so."""
        if (found := _BACKEND.search(block)) is not None:
            self.sessions[address].append(int.from_bytes(found[1]))


async def lose_and_find(lonely: Host, hub: Hub, pids: list[int], observer: asyncpg.Connection) -> int:
    """Cut a host off in the middle, wait until it counts as dead and has lost its runs, and let it come back: until what
    it had sent when it was alone has arrived. Returns how many calls were under way there.
    """
    await until(observer, _RUNNING, pids, "nap", least=2)  # these end while it is alone
    cut_at = await observer.fetchval("select clock_timestamp()")
    lonely.cut_off()
    cut = monotonic()
    calls = await observer.fetchval(_RUNNING, pids, "say")
    sessions = hub.sessions[lonely.own_address]
    lanes = [row["pid"] for row in await observer.fetch(_LANES, sessions)]
    assert lanes
    await until(observer, _GONE, pids, cut_at)
    await until(observer, _HAS_NONE, pids)
    healed_at = await observer.fetchval("select clock_timestamp()")
    lonely.heal()
    if monotonic() - cut < RESENT_S:
        await until(observer, _LATE, lanes, healed_at)
    return calls


@pytest.mark.timeout(240)
async def test_a_host_that_was_cut_off_writes_nothing_late_and_works_again(
    address: DatabaseAddress, process_environment: dict[str, str], tmp_path: Path
) -> None:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    settings = Settings(home=tmp_path, database_url=address.owner, model=MODEL)
    answers = [Rule(Reply(Text("said"), delay_s=0.3, tokens=Tokens(100, 10)))]
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(ScriptedProvider(answers))
        folder = parse_qs(urlsplit(address.owner).query)["host"][0]
        hub = Hub(folder, urlsplit(server.base_url("openai")))
        hosts = await stack.enter_async_context(hosts_around("a", "b", ports=hub.ports, heard=hub.heard))
        tegu = await stack.enter_async_context(Tegu(settings=settings, stages=[nap]))
        observer, second = await asyncpg.connect(address.owner), await asyncpg.connect(address.owner)
        stack.push_async_callback(observer.close)
        stack.push_async_callback(second.close)
        crews: list[Crew] = []
        for host in hosts:
            told = environment_of(host, address, process_environment)
            hiring = Crew.of(1, told, concurrency=4, lease_s=LEASE_S, prefix=host.prefix)
            crews.append(await stack.enter_async_context(hiring))
            await until(observer, _ALIVE, crews[-1].alive)
        pids, load = crews[0].alive, Load(tegu, second)
        async with load.flowing():
            in_flight = await lose_and_find(hosts[0], hub, pids, observer)
            await until(observer, _OWNED, pids)
        run_ids = load.run_ids
        statuses = await tegu.wait(run_ids, timeout_s=2 * WITHIN_S)
        for crew in crews:
            await crew.dismiss()
        requests = len(server.ledger)
        counts = await observer.fetch(
            "select stage, count(*)::int as n, count(distinct run_id)::int as d from tegu.results group by 1"
        )
        lost = await observer.fetchval("select count(*) from tegu.workers where dead_at is not null")
    assert set(statuses.values()) == {RunStatus.COMPLETED}
    assert {(row["stage"], row["n"], row["d"]) for row in counts} == {
        ("say", len(run_ids), len(run_ids)),
        ("nap", len(run_ids), len(run_ids)),
    }
    if lost == 1:  # on a machine so busy that leases are lost by themselves, more was under way
        assert requests <= len(run_ids) + in_flight, "asked again only for what was under way"
    assert [check for check in await check_invariants(address, rows_max=5) if check.broken] == []
