"""A handle acts for its one organization, and is cheap."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest

from tegu.app import Tegu
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def test_a_handle_runs_and_reads_as_the_app_does(tegu: Tegu) -> None:
    acme = tegu.for_organization("acme")
    run = await acme.run(NOTE, "A note about a refund of 12 EUR.", timeout_s=60)
    assert run.status is RunStatus.COMPLETED, run.error
    assert [r.id for r in await acme.list_runs()] == [run.id]
    assert [r.run_id for r in await acme.list_results()] == [run.id]
    assert {e.run_id async for e in acme.follow([run.id])} == {run.id}
    answer = await acme.llm.ask("Say it.", ["Refund of 12 EUR for Anna Lind."])
    assert answer.call_id in {call.id for call in await acme.list_calls()}


async def test_a_handle_sees_nothing_of_another_organization(tegu: Tegu) -> None:
    acme, globex = tegu.for_organization("acme"), tegu.for_organization("globex")
    ingested = await acme.ingest("A secret note.")
    (run_id,) = await acme.start(NOTE, ingested)
    for stranger in (globex, tegu):
        assert await stranger.list_runs() == []
        assert await stranger.list_pipelines() == []
        with pytest.raises(NotFoundError):
            await stranger.get_run(run_id)
        with pytest.raises(NotFoundError):
            await stranger.cancel(run_id)
        with pytest.raises(NotFoundError):
            await stranger.drive([run_id], timeout_s=5)
        with pytest.raises(NotFoundError):
            await stranger.start(NOTE, ingested)
        assert [e async for e in stranger.follow([run_id])] == []
    assert await acme.drive([run_id], timeout_s=60) == {run_id: RunStatus.COMPLETED}


async def test_many_that_ask_for_a_new_organization_at_once_make_it_once(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    handles = [tegu.for_organization("acme") for _ in range(20)]
    found = await asyncio.gather(*(handle.ingest("The same note.") for handle in handles))
    assert len({item.content.id for item in found}) == 1
    connection = await asyncpg.connect(address.owner)
    try:
        names = await connection.fetch("select external_id from tegu.organizations order by 1")
    finally:
        await connection.close()
    assert [row["external_id"] for row in names] == ["acme", "default"]


@pytest.mark.parametrize("external_id", ["", "a\x00b", "x" * 1001, "\ud800"])
def test_an_external_id_that_no_database_holds_is_refused(tmp_path: Path, external_id: str) -> None:
    with pytest.raises(UsageError, match="external id"):
        Tegu(settings=Settings(home=tmp_path)).for_organization(external_id)


async def test_whoever_waits_is_told_when_it_is_closed(address: DatabaseAddress, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu:
        run_ids = await tegu.start(NOTE, "Nobody drives it.")

        async def follow() -> None:
            async for _ in tegu.follow(run_ids):
                pass

        waiting = asyncio.gather(tegu.wait(run_ids), follow(), return_exceptions=True)
        await asyncio.sleep(0.3)
    for told in await asyncio.wait_for(waiting, 30):
        assert isinstance(told, UsageError)
    async with tegu:
        assert [run.id for run in await tegu.list_runs()] == list(run_ids)


async def test_it_is_opened_once_and_what_is_inside_closes_nothing(tegu: Tegu) -> None:
    with pytest.raises(UsageError, match="open already"):
        async with tegu:
            raise AssertionError("it opened twice")
    assert await tegu.list_runs() == []


async def test_another_event_loop_is_told_so_and_spoils_nothing(tegu: Tegu) -> None:
    await tegu.list_runs()  # there are connections now

    async def elsewhere() -> None:
        for use in (tegu.list_runs, tegu.close):
            with pytest.raises(UsageError, match="opened in another event loop"):
                await use()

    await asyncio.to_thread(lambda: asyncio.run(elsewhere()))
    assert await tegu.list_runs() == []
