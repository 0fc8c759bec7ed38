"""Small versions of what `make bench-http` measures: what is answered, and not how soon."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from engine_lab import Lab, chain
from service_lab import serving
from sse_client import streaming

from tegu.actions.registry import ACTIONS
from tegu.app import Tegu
from tegu.interfaces.http.listening import listener_at, served
from tegu.interfaces.http.service import service
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import Database, DatabaseAddress


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules", requests_per_s=50)
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def act(tegu: Tegu, action_name: str, **asked: Any) -> Any:
    action = ACTIONS[action_name]
    return await action(await tegu.scope(), action.input.model_validate(asked))


async def new_key(tegu: Tegu) -> tuple[UUID, dict[str, str]]:
    """The id of a key of a program, and the header that brings it."""
    account = await act(tegu, "service_accounts.create", name="ci", role="editor")
    made = await act(tegu, "keys.create", name="ci", service_account_id=account.id)
    return made.key.id, {"authorization": f"Bearer {made.secret}"}


async def test_many_submissions_at_once_are_started_or_told_to_come_again(tegu: Tegu) -> None:
    async with serving(tegu) as found:
        stored = await found.http.post("/api/contents", json={"text": "Invoice number: INV-7."})
        asked = {"pipeline": "document_extraction", "content_ids": [stored.json()["content"]["id"]]}
        await found.http.post("/api/runs", json=asked)
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(
            base_url=found.url, headers=found.http.headers, limits=limits, timeout=60
        ) as http:
            answers = await asyncio.gather(*(http.post("/api/runs", json=asked) for _ in range(400)))
        statuses = Counter(answer.status_code for answer in answers)
        assert statuses.keys() <= {201, 429, 503}
        assert statuses[201] > 0
        assert all("retry-after" in each.headers for each in answers if each.status_code != 201)
        started = [each.json()["run_ids"][0] for each in answers if each.status_code == 201]
        assert len(set(started)) == statuses[201]


async def test_when_no_connection_to_the_database_is_free_it_is_503_and_health_answers(
    tegu: Tegu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tegu.database._app.sync_engine.pool, "_timeout", 0.3)
    scope = await tegu.scope()
    async with serving(tegu) as found, AsyncExitStack() as stack:
        for _ in range(8):
            await stack.enter_async_context(scope.transaction())
        answer = await found.http.get("/api/runs")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert (await found.http.get("/health")).status_code == 200


async def test_a_stream_ends_when_its_key_is_revoked_and_others_go_on(tegu: Tegu, database: Database) -> None:
    broadcast = tegu.runtime.broadcast
    broadcast._options = replace(broadcast._options, check_s=0.2)
    key_id, header = await new_key(tegu)
    _, other_header = await new_key(tegu)
    application = service(tegu, is_mounted=False)
    async with (
        served(application, listener_at("127.0.0.1", 0)) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as http,
        streaming(http, headers=header) as stream,
        streaming(http, headers=other_header) as other,
    ):
        await stream.until("ready")
        await other.until("ready")
        await act(tegu, "keys.revoke", key_id=key_id)
        assert (await stream.until("end"))[-1].data == {"reason": "signed_out"}
        assert (await http.get("/api/events", headers=header)).status_code == 401
        lab = Lab(database, (await tegu.scope()).organization_id)
        run_id = await lab.finish(chain("one"))
        assert (await other.until("run.completed"))[-1].data["run_id"] == str(run_id)


async def test_hundreds_of_clients_hear_every_event(tegu: Tegu, database: Database) -> None:
    lab = Lab(database, (await tegu.scope()).organization_id)
    async with serving(tegu) as found, AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(
                streaming(found.http, headers={"x-user": f"default/user{number % 4}/viewer"})
            )
            for number in range(100)
        ]
        for stream in streams:
            await stream.until("ready")
        run_ids = {str(await lab.finish(chain("one"))) for _ in range(3)}
        for stream in streams:
            heard: list[tuple[str, int]] = []
            for _ in run_ids:
                heard += [said.place for said in await stream.until("run.completed")]
            assert {run for run, _ in heard} == run_ids
            assert len(heard) == len(set(heard))


async def test_an_actor_has_so_many_streams_and_no_more(tegu: Tegu, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tegu.actions.live.STREAMS_MAX", 2)
    async with serving(tegu) as found, streaming(found.http) as first, streaming(found.http) as second:
        await first.until("ready")
        await second.until("ready")
        assert (await found.http.get("/api/events")).status_code == 429
        async with streaming(found.http, headers={"x-user": "default/bert/viewer"}) as other:
            await other.until("ready")


async def test_embedded_pages_take_streams_of_whoever_made_their_tokens(
    tegu: Tegu, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tegu.actions.live.STREAMS_ANSWERED_FOR_MAX", 2)
    (run_id,) = await tegu.start("document_extraction", "Invoice number: INV-7.")
    _, maker = await new_key(tegu)
    _, colleague = await new_key(tegu)
    async with serving(tegu) as found, AsyncExitStack() as open_:

        async def page(of: dict[str, str]) -> httpx.AsyncClient:
            made = await found.http.post("/api/embed-tokens", json={"run_id": str(run_id)}, headers=of)
            token = {"authorization": f"Bearer {made.json()['token']}"}
            return await open_.enter_async_context(
                httpx.AsyncClient(base_url=found.url, headers=token, timeout=60)
            )

        topic = f"run:{run_id}"
        held = [await open_.enter_async_context(streaming(await page(maker), topic)) for _ in range(2)]
        for stream in held:
            await stream.until("ready")
        async with asyncio.timeout(30):
            refused = await (await page(maker)).get(f"/api/events?topics={topic}")
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        other = await open_.enter_async_context(streaming(await page(colleague), topic))
        await other.until("ready")


async def test_an_upload_of_a_client_that_left_is_given_up(
    tegu: Tegu, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mail = (
        b"From: a@b\r\nContent-Type: text/html\r\n\r\n" + b"<a" * 8_000_000
    )  # read for as long as is allowed
    async with serving(tegu) as found:
        sending = asyncio.create_task(
            found.http.post("/api/contents", content=mail, headers={"content-type": "message/rfc822"})
        )
        await until(lambda: list(tmp_path.glob("tegu-intake-*")))
        sending.cancel()
        await until(lambda: not list(tmp_path.glob("tegu-intake-*")))
        assert (await found.http.get("/api/contents")).json()["items"] == []


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(29):
        while not holds():
            await asyncio.sleep(0.02)
