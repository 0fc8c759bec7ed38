"""In code that is not async: threads, Django, plain scripts."""

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from tegu.app import Tegu
from tegu.domain.errors import NotFoundError, TeguError, UsageError
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.sync import SyncTegu

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}
MAIL = b"From: anna@example.com\r\nSubject: Hello\r\nMessage-ID: <1@example.com>\r\n\r\nCharged twice.\r\n"


class Rollback(Exception):  # noqa: N818 (no error: the host changes its mind)
    pass


@pytest.fixture
def tegu(address: DatabaseAddress, tmp_path: Path) -> Generator[SyncTegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")

    def make() -> Tegu:
        return Tegu(settings=settings, credentials=EnvironmentCredentials({}))

    with SyncTegu(make) as opened:
        yield opened


async def in_thread(function: Any) -> Any:
    """As a host without an event loop calls it."""
    return await asyncio.to_thread(function)


async def test_many_threads_use_one_tegu(tegu: SyncTegu) -> None:
    def use(number: int) -> str:
        acme = tegu.for_organization(f"tenant-{number % 3}")
        run = acme.run(NOTE, f"Note {number} about a refund.", timeout_s=60)
        assert [event.kind for event in acme.follow([run.id])][-1] == "run.completed"
        return run.status

    def all_threads() -> list[str]:
        with ThreadPoolExecutor(3) as threads:
            return list(threads.map(use, range(6)))

    assert await in_thread(all_threads) == [RunStatus.COMPLETED] * 6
    assert len(await in_thread(tegu.for_organization("tenant-0").list_runs)) == 2
    assert await in_thread(tegu.list_runs) == []


async def test_errors_come_through_and_a_closed_one_opens_again(tegu: SyncTegu) -> None:
    with pytest.raises(NotFoundError, match="no pipeline 'nothing'"):
        await in_thread(lambda: tegu.start("nothing", "text"))
    await in_thread(tegu.close)
    assert await in_thread(tegu.list_runs) == []


async def test_a_thread_that_waits_is_told_when_it_is_closed(tegu: SyncTegu) -> None:
    (run_id,) = await in_thread(lambda: tegu.start(NOTE, "Nobody drives it."))
    calls = (lambda: tegu.wait([run_id]), lambda: tegu.wait([run_id]), lambda: list(tegu.follow([run_id])))
    waiting = [asyncio.create_task(in_thread(call)) for call in calls]
    await asyncio.sleep(0.3)
    await in_thread(tegu.close)
    for told in await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 30):
        assert isinstance(told, UsageError)
    assert [run.id for run in await in_thread(tegu.list_runs)] == [run_id]


async def test_its_own_event_loop_cannot_wait_for_itself(tegu: SyncTegu) -> None:
    await in_thread(tegu.list_runs)  # opens it

    async def within() -> None:
        tegu.list_runs()

    with pytest.raises(UsageError, match="its own event loop"):
        await asyncio.wait_for(in_thread(lambda: tegu._loop.call(within)), 30)


async def test_what_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    broken = (
        lambda: Tegu(settings=Settings(home=tmp_path), models={"a": "a"}),
        lambda: Tegu(settings=Settings(home=tmp_path, database_url="postgresql://127.0.0.1:1/none")),
    )
    for make in broken:
        closed = SyncTegu(make)
        with pytest.raises(TeguError):
            await in_thread(closed.list_runs)
    async with asyncio.timeout(30):
        while any(thread.name == "tegu" for thread in threading.enumerate()):
            await asyncio.sleep(0.02)


async def test_a_connection_that_must_be_awaited_is_refused(tegu: SyncTegu, address: DatabaseAddress) -> None:
    connection = await asyncpg.connect(address.owner)
    try:
        with pytest.raises(UsageError, match="must be awaited, and SyncTegu cannot"):
            await in_thread(lambda: tegu.start(NOTE, "text", connection=connection))
        with pytest.raises(UsageError, match="must be awaited, and SyncTegu cannot"):
            await in_thread(lambda: tegu.ingest("text", connection=connection))
        assert await connection.fetchval("select 1") == 1
    finally:
        await connection.close()


async def test_psycopg_and_sqlalchemy_sessions_are_joined_in_the_callers_thread(
    tegu: SyncTegu, address: DatabaseAddress
) -> None:
    def host() -> None:
        with psycopg.connect(address.owner) as connection:
            tegu.start(NOTE, MAIL, connection=connection)
            tegu.ingest("A note.", external_id="n", connection=connection)
            connection.rollback()
        assert tegu.list_runs() == []
        engine = create_engine(make_url(address.owner).set(drivername="postgresql+psycopg"))
        with Session(engine) as session, session.begin():
            ingested = tegu.ingest("A note.", external_id="n", connection=session)
            (run_id,) = tegu.start(NOTE, ingested, connection=session)
        engine.dispose()
        assert ingested.is_new
        assert tegu.drive([run_id], timeout_s=60) == {run_id: RunStatus.COMPLETED}

    await in_thread(host)


async def test_django_commits_and_rolls_back_with_its_own_tables(
    tegu: SyncTegu, address: DatabaseAddress
) -> None:
    run_id, stored = await in_thread(lambda: django_host(tegu, address.owner))
    assert stored == [(1, run_id)]
    assert [run.id for run in await in_thread(tegu.list_runs)] == [run_id]


def django_host(tegu: SyncTegu, dsn: str) -> tuple[UUID, list[tuple[int, UUID]]]:
    """The run that was committed, and what the host's own table holds."""
    import django
    from django.conf import settings as django_settings
    from django.db import connection
    from django.db import transaction as django_transaction

    settings: Any = django_settings  # Django has no types of its own
    transaction: Any = django_transaction
    url = make_url(dsn)
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.database,
        "USER": url.username,
        "HOST": url.query.get("host") or url.host,
        "PORT": str(url.port or ""),
    }
    settings.configure(DATABASES={"default": database}, USE_TZ=False, TIME_ZONE="Europe/Berlin")
    django.setup()
    try:
        with connection.cursor() as cursor:
            cursor.execute("create table host_tickets (id int, run_id uuid)")
        with suppress(Rollback), transaction.atomic():
            tegu.start("email_analysis", MAIL, connection=connection)
            raise Rollback
        assert tegu.list_runs() == []
        with transaction.atomic():
            ingested = tegu.ingest(MAIL, connection=connection)
            assert ingested.content.created_at.tzinfo is not None
            (run_id,) = tegu.start("email_analysis", ingested, connection=connection)
            with connection.cursor() as cursor:
                cursor.execute("insert into host_tickets values (1, %s)", [run_id])
                cursor.execute("select current_user, current_setting('role')")
                assert cursor.fetchone() == ("postgres", "none")
        assert tegu.drive([run_id], timeout_s=60) == {run_id: RunStatus.COMPLETED}
        with pytest.raises(UsageError, match="in no transaction"):
            tegu.start("email_analysis", MAIL, connection=connection)
        with connection.cursor() as cursor:
            cursor.execute("select id, run_id from host_tickets")
            return run_id, cursor.fetchall()
    finally:
        connection.close()
