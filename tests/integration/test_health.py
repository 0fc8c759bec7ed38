"""How the installation is: what health, metrics and status tell, and what telling it costs."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx
import pytest
from engine_lab import FAST, Lab, chain, echo, never, working
from prometheus_client.parser import text_string_to_metric_families

from tegu.actions.health import HealthWatch
from tegu.app import Tegu
from tegu.domain.errors import ErrorInfo, UsageError
from tegu.domain.ids import new_id
from tegu.domain.installation import Installation
from tegu.domain.outcome import Failed, Postponed, StageOutcome
from tegu.engine.retry import RetryPolicy
from tegu.interfaces.http.listening import ConnectionLimits, address_of, listener_at, served
from tegu.llm.credentials import EnvironmentCredentials
from tegu.pipeline.task import StageTask
from tegu.settings import Settings
from tegu.storage.database import ENGINE_ROLE, Database, DatabaseAddress, connect
from tegu.storage.installation import look
from tegu.storage.statements import statement


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def until_it_shows(tegu: Tegu, is_shown: Callable[[Installation], bool]) -> Installation:
    async with asyncio.timeout(30):
        while True:
            found = (await tegu.health(age_max_s=0)).installation
            if found is not None and is_shown(found):
                return found
            await asyncio.sleep(0.05)


async def test_health_tells_of_slots_backlog_leases_and_what_is_under_way(
    tegu: Tegu, database: Database, organization: UUID
) -> None:
    health = await tegu.health()
    empty = health.installation
    assert health.latency_ms is not None
    assert empty is not None
    assert (empty.workers, empty.backlog.due, empty.leases.owned) == ((), 0, 0)
    assert empty.backlog.oldest_due_s is None  # unknown is not zero

    lab = Lab(database, organization)
    await lab.start(chain("slow", "after"), 3)
    due = await until_it_shows(tegu, lambda found: found.backlog.due == 3)
    assert due.backlog.oldest_due_s is not None
    assert due.backlog.oldest_due_s > 0

    async with working(await lab.worker(never)):
        found = await until_it_shows(tegu, lambda found: found.stages == 3)
        assert (found.backlog.due, found.leases.owned, found.leases.stranded) == (0, 3, 0)
        assert (found.slots, found.slots_used) == (FAST.concurrency, 3)
        assert found.leases.oldest_beat_s is not None
        assert not found.is_capped


async def test_runs_of_a_worker_that_is_gone_are_stranded_until_another_takes_them(
    tegu: Tegu, database: Database, organization: UUID, address: DatabaseAddress
) -> None:
    (run_id,) = await Lab(database, organization).start(chain("only"))
    owner = await asyncpg.connect(address.owner)
    try:
        await owner.execute("update tegu.runs set owner = $1 where id = $2", new_id(), run_id)
    finally:
        await owner.close()
    found = (await tegu.health(age_max_s=0)).installation
    assert found is not None
    assert (found.leases.owned, found.leases.stranded, found.backlog.due) == (1, 1, 0)


async def test_health_says_why_runs_wait(tegu: Tegu, database: Database, organization: UUID) -> None:
    async def wanting(task: StageTask) -> StageOutcome:
        if task.stage.name == "poor":
            return Postponed(ErrorInfo("budget", "there is no room"), due_in_s=3600)
        return Failed(ErrorInfo("rate_limited", "too many"), transient=True, retry_after_s=3600)

    lab = Lab(database, organization)
    await lab.start(chain("poor"), 2)
    await lab.start(chain("limited"))
    patient = replace(FAST, retry=RetryPolicy(base_s=3600, max_s=3600))
    async with working(await lab.worker(wanting, options=patient)):
        found = await until_it_shows(tegu, lambda found: found.backlog.waiting == 3)
    assert {reason.code: reason.runs for reason in found.reasons} == {"budget": 2, "rate_limited": 1}


async def test_runs_without_a_worker_that_has_their_stages_are_counted(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    run_ids = await tegu.start("document_extraction", "Invoice number: INV-7.", "Invoice number: INV-8.")
    owner = await asyncpg.connect(address.owner)
    try:
        await owner.execute("update tegu.runs set functions = '{refund@1}' where id = any($1)", list(run_ids))
    finally:
        await owner.close()
    found = (await tegu.health(age_max_s=0)).installation
    assert found is not None
    assert [(each.missing, each.runs) for each in found.unserved] == [(("refund@1",), 2)]


async def test_counting_is_cut_off_and_says_so(database: Database, organization: UUID) -> None:
    await Lab(database, organization).start(chain("only"), 12)
    pool = await database.engine()
    cut, whole = await look(pool, counted_max=10), await look(pool)
    assert (cut.backlog.due, cut.is_capped, cut.counted_max) == (10, True, 10)
    assert (whole.backlog.due, whole.is_capped) == (12, False)


async def test_many_who_ask_at_once_cost_one_look(database: Database) -> None:
    watch = HealthWatch(database)
    first, *others = await asyncio.gather(*(watch.health() for _ in range(20)))
    assert first.installation is not None
    assert all(other.installation is first.installation for other in others)
    again = await watch.health(age_max_s=0)
    assert again.installation is not first.installation


async def test_the_statements_never_read_what_has_ended(address: DatabaseAddress, organization: UUID) -> None:
    """20,000 ended runs with their stages, and 10 that are not: pages read are those of the ten."""
    owner = await asyncpg.connect(address.owner)
    try:
        await owner.execute(
            """insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id, status, due_at, ended_at)
               select $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
                   case when n <= 10 then 'pending' else 'completed' end,
                   case when n <= 10 then now() end, case when n > 10 then now() end
               from generate_series(1, 20000) n""",
            organization,
        )
        await owner.execute("vacuum analyze tegu.runs")
    finally:
        await owner.close()
    engine = await connect(address, ENGINE_ROLE)
    try:
        for name, arguments in (
            ("look_at_installation", (100_000,)),
            ("waiting_reasons", (1_000,)),
            ("due_functions", ()),
        ):
            plan = await engine.fetch(f"explain (analyze, buffers) {statement(name)}", *arguments)
            text = "\n".join(row[0] for row in plan)
            assert "Seq Scan on runs" not in text, text
            hits = re.search(r"Buffers: shared hit=(\d+)(?: read=(\d+))?", text)
            pages = sum(int(each or 0) for each in hits.groups()) if hits else 0
            assert pages < 200, text  # the table alone has about 400
    finally:
        await engine.close()


async def metrics_of(http: httpx.AsyncClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    answer = await http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_a_scrape_has_the_figures_of_the_process_and_of_the_installation(
    tegu: Tegu, database: Database, organization: UUID
) -> None:
    async with (
        served(tegu.asgi(), listener_at("127.0.0.1", 0)) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        before = await metrics_of(http)
        lab = Lab(database, organization)
        run_ids = await lab.start(chain("one", "two"), 5)
        async with working(await lab.worker(echo)):
            await lab.until(run_ids)
        await tegu.run("document_extraction", "Invoice number: INV-7. Total: EUR 12.00.")
        await tegu.health(age_max_s=0)
        after = await metrics_of(http)

        def rise(name: str, **labels: str) -> float:
            key = name, tuple(sorted(labels.items()))
            return after.get(key, 0.0) - before.get(key, 0.0)

        assert rise("tegu_stage_duration_seconds_count", kind="test", outcome="completed") == 10
        assert rise("tegu_stage_duration_seconds_bucket", kind="test", outcome="completed", le="+Inf") == 10
        assert rise("tegu_events_total", event="run.completed") == 6
        assert rise("tegu_runs_claimed_total") == 6
        assert rise("tegu_checkpoints_total", outcome="stored") > 6
        assert rise("tegu_llm_attempts_total", provider="rules", model="rules", outcome="replied") >= 1
        assert rise("tegu_llm_tokens_total", provider="rules", model="rules", type="input") == 0
        assert after["tegu_database_up", ()] == 1
        assert after["tegu_runs", (("state", "due"),)] == 0
        assert not any("organization" in dict(labels) for _, labels in after)

        health = (await http.get("/health")).json()
        assert health["installation"]["backlog"]["due"] == 0
        assert (await http.get("/else")).status_code == 404
        assert (await http.post("/metrics")).status_code == 405


async def test_without_the_database_a_scrape_still_has_the_figures_of_the_process(tmp_path: Path) -> None:
    closed = Tegu(settings=Settings(home=tmp_path), credentials=EnvironmentCredentials({}))
    async with (
        served(closed.asgi(), listener_at("127.0.0.1", 0)) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        found = await metrics_of(http)
        assert found["tegu_database_up", ()] == 0
        assert not any(name == "tegu_runs" for name, _ in found)
        assert (await http.get("/health")).status_code == 503


async def test_a_host_can_keep_the_installation_to_itself(tegu: Tegu) -> None:
    app = tegu.asgi(installation=False)
    async with served(app, listener_at("127.0.0.1", 0)) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get("/metrics")).status_code == 404
        health = await http.get("/health")
        assert (health.status_code, health.json()["installation"]) == (200, None)


async def test_clients_that_say_nothing_or_nonsense_keep_nobody_from_the_figures(tegu: Tegu) -> None:
    limits = ConnectionLimits(connections_max=16)
    app = tegu.asgi()
    async with (
        served(app, listener_at("127.0.0.1", 0), limits=limits) as url,
        httpx.AsyncClient(base_url=url) as http,
    ):
        port = int(url.rpartition(":")[2])
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(40)]
        for nonsense in (b"\x16\x03\x01\x00\xff\x00", b"GET /" + b"a" * 40_000, b"\r\n" * 20_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            writer.write_eof()
            async with asyncio.timeout(30):
                assert b"200" not in await _until_closed(reader)
            writer.close()
        assert (await http.get("/health")).status_code == 200
        for _, writer in silent:
            writer.transport.abort()
        await asyncio.sleep(0.05)


async def _until_closed(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read()
    except ConnectionError:
        return b""


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),
        ("[::1]:9464", ("::1", 9464)),
        ("localhost:0", ("localhost", 0)),
    ],
)
def test_a_port_alone_is_only_reached_from_this_machine(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


@pytest.mark.parametrize("text", ["", "metrics", ":9464", "1.2.3.4:", "70000", "9464x", "٣"])
def test_what_is_no_address_is_quoted(text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(repr(text))):
        address_of(text)
