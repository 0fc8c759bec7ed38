"""The client against the service over real HTTP: what it asks, what it gets, what it raises."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from served_api import key_to, served_api
from tegu.app import Tegu
from tegu.client.blocking.service import SyncTeguClient
from tegu.client.service import TeguClient
from tegu.domain.actor import Role
from tegu.domain.errors import (
    ConflictError,
    ForbiddenError,
    IntakeError,
    InvalidInputError,
    NotFoundError,
    UnauthenticatedError,
    UsageError,
)
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.interfaces.cli.local_service import LocalService
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    tegu = Tegu(settings=settings, credentials=EnvironmentCredentials({}))
    async with tegu.lifespan(worker=True):
        await tegu.pipeline(NOTE)
        yield tegu


@pytest.fixture
async def url(tegu: Tegu) -> AsyncGenerator[str]:
    async with served_api(tegu) as url:
        yield url


@pytest.fixture
async def client(tegu: Tegu, url: str) -> AsyncGenerator[TeguClient]:
    async with TeguClient(url, await key_to(tegu)) as client:
        yield client


async def test_a_client_stores_runs_waits_and_reads_what_the_library_reads(
    client: TeguClient, tegu: Tegu
) -> None:
    ingested = await client.ingest(b"Please refund EUR 10.00.", name="note.txt", metadata={"customer": "x"})
    run = await client.run("note", ingested)
    assert (run.status, run.content_id) == (RunStatus.COMPLETED, ingested.content.id)
    assert run == await tegu.get_run(run.id)
    assert (await client.contents.get(ingested.content.id)).metadata == {"customer": "x"}


async def test_events_are_followed_to_the_end(client: TeguClient) -> None:
    run_ids = await client.start("note", "Please refund EUR 10.00.", "Another note.")
    events = [event async for event in client.follow(run_ids)]
    for run_id in run_ids:
        seqs = [event.seq for event in events if event.run_id == run_id]
        assert seqs == list(range(1, len(seqs) + 1))
    assert {event.run_id for event in events if event.kind == "run.completed"} == set(run_ids)


async def test_what_models_say_is_followed_while_it_grows(client: TeguClient, tegu: Tegu) -> None:
    run_ids = await client.start("note", "Please refund EUR 10.00.")
    library = [event async for event in tegu.follow(run_ids)]
    events = [event async for event in client.follow(run_ids, partials=True) if event.kind != "stage.partial"]
    assert events == library


async def test_what_is_read_is_what_the_library_reads(client: TeguClient, tegu: Tegu) -> None:
    """Every kind of thing goes over HTTP and back without a change."""
    run = await client.run("note", await client.ingest(b"Please refund EUR 10.00.", name="note.txt"))
    local = LocalService(tegu)
    for noun, listed in (
        ("contents", {}),
        ("pipelines", {}),
        ("pipeline_versions", {}),
        ("results", {"run_id": run.id}),
        ("stage_runs", {"run_id": run.id}),
        ("calls", {"run_id": run.id}),
        ("threads", {}),
    ):
        there = [item async for item in getattr(client, noun).all(**listed)]
        here = [item async for item in getattr(local, noun).all(**listed)]
        assert there == here, noun
        assert there or noun == "threads"
    (call,) = [item async for item in client.calls.all(run_id=run.id)]
    assert await client.calls.get(call.id) == await local.calls.get(call.id)


async def test_all_pages_are_read_once_each(client: TeguClient) -> None:
    run_ids = await client.start("note", *(f"Note {number}." for number in range(5)))
    found = [run.id async for run in client.runs.all(pipeline="note", page_size=2)]
    assert sorted(found) == sorted(run_ids)
    assert len((await client.runs.list(limit=3)).items) == 3


async def test_the_same_key_starts_the_same_runs_and_another_request_is_a_conflict(
    client: TeguClient,
) -> None:
    one, two, three = [(await client.ingest(text)).content.id for text in ("One.", "Two.", "Three.")]
    started = [
        await client.runs.start(pipeline="note", content_ids=[one, two], idempotency_key="order-1")
        for _ in range(2)
    ]
    assert started[0] == started[1]
    for others in ([one], [two, one], [one, two, three]):
        with pytest.raises(ConflictError, match="order-1"):
            await client.runs.start(pipeline="note", content_ids=others, idempotency_key="order-1")


async def test_errors_are_those_of_the_library(client: TeguClient, tegu: Tegu, url: str) -> None:
    with pytest.raises(NotFoundError, match="there is no run") as caught:
        await client.runs.get(new_id())
    assert caught.value.hint == "`tegu runs` lists the newest"
    with pytest.raises(IntakeError) as unread:
        await client.ingest(b"PK\x03\x04 a zip")
    assert unread.value.code == "unknown_type"
    with pytest.raises(InvalidInputError, match="limit") as wrong:
        await client.runs.list(limit=0)
    assert len(wrong.value.problems) == 1
    with pytest.raises(UsageError, match="cursor"):
        await client.runs.list(cursor="no cursor")
    run = await client.run("note", "A note.")
    with pytest.raises(ConflictError, match="completed already"):
        await client.runs.cancel(run.id)
    async with TeguClient(url, "tegu_nobody") as nobody:
        with pytest.raises(UnauthenticatedError):
            await nobody.runs.list()
    async with TeguClient(url, await key_to(tegu, Role.VIEWER)) as viewer:
        assert [found.id for found in (await viewer.runs.list()).items] == [run.id]
        with pytest.raises(ForbiddenError, match="runs:write"):
            await viewer.runs.cancel(run.id)


async def test_a_wait_that_is_too_short_says_so_and_the_run_goes_on(client: TeguClient) -> None:
    await client.ingest("A note.")
    started = await client.runs.start(
        pipeline="note", content_ids=[(await client.ingest("A note.")).content.id], delay_s=3600
    )
    with pytest.raises(TimeoutError):
        await client.wait(started.run_ids, timeout_s=0.1)


async def test_the_blocking_client_does_the_same(tegu: Tegu, url: str, tmp_path: Path) -> None:
    key = await key_to(tegu)
    path = tmp_path / "note.txt"
    path.write_text("Please refund EUR 10.00.", "utf-8")

    def work() -> tuple[RunStatus, int, int]:
        with SyncTeguClient(url, key) as client:
            run = client.run("note", path)
            events = list(client.follow([run.id]))
            found = list(client.runs.all(page_size=1))
            with pytest.raises(NotFoundError):
                client.runs.get(new_id())
            return run.status, len(events), len(found)

    status, events, found = await asyncio.to_thread(work)
    assert (status, found) == (RunStatus.COMPLETED, 1)
    assert events > 2
