"""The service over real sockets: what every answer has, and what hostile and slow clients get."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from service_lab import hang_up, serving, until_closed

from tegu.app import Tegu
from tegu.domain.actor import Actor, ActorKind, Role
from tegu.domain.errors import QuotaError
from tegu.domain.identity import HostUser
from tegu.domain.ids import new_id
from tegu.interfaces.http.admission import Admission, Places, let_in
from tegu.interfaces.http.asgi import Message, Receive, Send, respond_json, respond_problem
from tegu.interfaces.http.bodies import Bodies, BodyLimits
from tegu.interfaces.http.front import Front
from tegu.interfaces.http.listening import ConnectionLimits, listener_at, served
from tegu.interfaces.http.service import service
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.telemetry.logs import JsonFormatter
from tegu.turns import Shares

QUICK = ConnectionLimits(head_s=0.4, take_s=0.5, idle_s=1)


@pytest.fixture
def settings(address: DatabaseAddress, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, database_url=address.owner, model="rules", hosts=("tegu.example",))


@pytest.fixture
async def tegu(settings: Settings) -> AsyncGenerator[Tegu]:
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def test_every_answer_has_a_policy_and_a_number_whatever_became_of_the_request(tegu: Tegu) -> None:
    async with serving(tegu) as found:
        asked = [
            await found.http.get("/"),
            await found.http.get("/health"),
            await found.http.get("/api/runs"),
            await found.http.get("/api/runs/nonsense"),
            await found.http.get("/nowhere"),
            await found.http.get("/api/runs", headers={"x-user": "acme/eve/viewer", "host": "evil.example"}),
            await found.http.post("/api/runs", json={"pipeline": 7}),
        ]
        assert [answer.status_code for answer in asked] == [200, 200, 200, 422, 404, 421, 422]
        for answer in asked:
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-request-id"]
        named = await found.http.get("/health", headers={"x-request-id": "of-my-proxy.7"})
        forged = await found.http.get("/health", headers={"x-request-id": "a b\tc"})
        assert named.headers["x-request-id"] == "of-my-proxy.7"
        assert forged.headers["x-request-id"] != "a b\tc"


async def test_a_run_is_started_and_read_by_a_user_of_the_host(tegu: Tegu) -> None:
    async with serving(tegu) as found:
        content = await found.http.post(
            "/api/contents", json={"text": "Invoice number: INV-7. Total: EUR 12.00."}
        )
        asked = {"pipeline": "document_extraction", "content_ids": [content.json()["content"]["id"]]}
        started = await found.http.post("/api/runs", json=asked)
        assert started.status_code == 201
        (run_id,) = started.json()["run_ids"]
        await tegu.drive(UUID(run_id), timeout_s=60)
        assert (await found.http.get(f"/api/runs/{run_id}")).json()["status"] == "completed"
        assert started.headers["ratelimit-limit"] == "500"
        stranger = {"x-user": "globex/eve/owner"}
        assert (await found.http.get(f"/api/runs/{run_id}", headers=stranger)).status_code == 404
        nobody = httpx.AsyncClient(base_url=found.url)
        async with nobody as http:
            assert (await http.get(f"/api/runs/{run_id}")).status_code == 401


async def test_host_names_are_those_that_the_operator_gave(tegu: Tegu) -> None:
    async with serving(tegu) as found:
        for host, status in {
            "tegu.example": 200,
            "TEGU.example:8000": 200,
            "127.0.0.1:1": 200,
            "[::1]:8000": 200,
            "localhost": 200,
            "tegu.example.evil.net": 421,
            "127.0.0.1.evil.net": 421,
            "a b": 421,
        }.items():
            assert (await found.http.get("/", headers={"host": host})).status_code == status, host


async def test_whoever_asks_too_often_is_told_when_to_come_again(settings: Settings) -> None:
    slow = replace(settings, requests_per_s=1.0)
    async with Tegu(settings=slow, credentials=EnvironmentCredentials({})) as tegu, serving(tegu) as found:
        answers = [await found.http.get("/api/runs") for _ in range(8)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(refused) >= 2
        assert answers[0].headers["ratelimit-remaining"] == "4"
        assert refused[0].json()["code"] == "rate_limited"
        assert int(refused[0].headers["retry-after"]) >= 1
        other = await found.http.get("/api/runs", headers={"x-user": "default/bert/editor"})
        assert other.status_code == 200
        everybody = [await found.http.get("/") for _ in range(40)]
        assert 429 in {answer.status_code for answer in everybody}  # the address's own share
        assert (await found.http.get("/health")).status_code == 200


async def test_slow_and_silent_clients_are_cut_off_and_keep_nobody_from_health(tegu: Tegu) -> None:
    async with serving(tegu, limits=QUICK) as found:
        silent = [await found.connect() for _ in range(50)]
        halves = [await found.connect(b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-") for _ in range(50)]
        assert (await found.http.get("/health")).status_code == 200
        for reader, writer in (*silent, *halves):
            assert await until_closed(reader) == b""
            await hang_up(writer)


async def test_a_head_that_drips_has_no_more_time_than_one_that_stands_still(tegu: Tegu) -> None:
    async with serving(tegu, limits=QUICK) as found:
        reader, writer = await found.connect(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        closed = asyncio.create_task(until_closed(reader))
        while not closed.done():
            writer.write(b"X-A: b\r\n")
            await asyncio.sleep(0.05)
        assert await closed == b""
        await hang_up(writer)


async def test_10_000_odd_headers_are_refused_and_health_goes_on(tegu: Tegu) -> None:
    async with serving(tegu) as found:
        odd = b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + b"".join(
            b"X-%d: \xff\r\n" % n for n in range(10_000)
        )
        many = [await found.connect(odd + b"\r\n") for _ in range(20)]
        for reader, writer in many:
            head = (await until_closed(reader)).partition(b"\r\n")[0]
            assert head.startswith((b"HTTP/1.1 431", b"HTTP/1.1 400")) or not head, head
            await hang_up(writer)
        assert (await found.http.get("/health")).status_code == 200
        some = {f"x-{number}": "a" for number in range(150)}
        refused = await found.http.get("/", headers=some)
        assert (refused.status_code, refused.json()["code"]) == (431, "head_too_large")


async def test_what_is_no_http_gets_a_problem(tegu: Tegu) -> None:
    async with serving(tegu) as found:
        reader, writer = await found.connect(b"\x16\x03\x01\x00\xff\x00\r\n\r\n")
        answer = await until_closed(reader)
        assert answer.startswith(b"HTTP/1.1 400")
        assert b"application/problem+json" in answer
        assert b"content-security-policy" in answer
        await hang_up(writer)


async def test_a_body_is_counted_as_it_comes(tegu: Tegu) -> None:
    async with serving(tegu) as found:
        reader, writer = await found.connect(
            b"POST /api/runs HTTP/1.1\r\nHost: localhost\r\nX-User: default/anna/editor\r\n"
            b"Sec-Fetch-Site: same-origin\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        answered = asyncio.create_task(reader.readuntil(b"too_large"))
        while not answered.done():
            writer.write(b"10000\r\n" + b" " * 65_536 + b"\r\n")
            await asyncio.sleep(0.005)  # a client that floods does not get to read
        answer = await answered
        assert answer.startswith(b"HTTP/1.1 413")
        await hang_up(writer)
        reader, writer = await found.connect(
            b"POST /api/runs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999999\r\n\r\n"
        )
        assert (await until_closed(reader)).startswith(b"HTTP/1.1 413")
        await hang_up(writer)


async def echo(scope: Message, receive: Receive, send: Send) -> None:
    """Reads the body, and says how large it was."""
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message["body"])
        if not message["more_body"]:
            return await respond_json(send, scope, 200, size)
    return None


async def test_a_body_that_drips_is_cut_off() -> None:
    limits = BodyLimits(1000, 1000, pause_s=0.3, grace_s=0.3, bytes_per_s=1000)
    async with served(Front(Bodies(echo, limits), is_https=False), listener_at("127.0.0.1", 0)) as url:
        for pause_s in (0.1, 5.0):
            reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
            writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n")
            closed = asyncio.create_task(until_closed(reader))
            for _ in range(100):
                writer.write(b"x")
                done, _ = await asyncio.wait([closed], timeout=pause_s)
                if done:
                    break
            assert (await closed).startswith(b"HTTP/1.1 408")
            await hang_up(writer)


async def test_who_does_not_take_an_answer_is_cut_off() -> None:
    ended = asyncio.Event()

    async def endless(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        pumping = asyncio.create_task(_pump(send))
        while (await receive())["type"] != "http.disconnect":
            pass
        pumping.cancel()
        ended.set()

    async with served(endless, listener_at("127.0.0.1", 0), limits=QUICK) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        async with asyncio.timeout(30):
            await ended.wait()
        assert not (await until_closed(reader)).endswith(b"\r\n0\r\n\r\n"), "cut off, and not ended"
        await hang_up(writer)


async def _pump(send: Send) -> None:
    while True:
        await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        await asyncio.sleep(0)


async def test_when_all_places_are_taken_the_next_is_told_so_and_health_answers() -> None:
    free = asyncio.Event()

    async def held(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] != "/health":
            await free.wait()
        await respond_json(send, scope, 200, "done")

    app = Admission(held, ordinary=Places(at_once=2, waiting=1, wait_s=30), streams=Places(at_once=1))
    async with (
        served(app, listener_at("127.0.0.1", 0)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, limits=httpx.Limits(max_connections=None)) as http,
    ):
        asked = [asyncio.create_task(http.get(f"/{n}")) for n in range(8)]
        done, _ = await asyncio.wait(asked, timeout=20, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 5:
            more, _ = await asyncio.wait(set(asked) - done, timeout=20, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert {task.result().status_code for task in done} == {503}
        assert next(iter(done)).result().headers["retry-after"] == "2"
        assert (await http.get("/health")).status_code == 200
        stream = asyncio.create_task(http.get("/api/events"))  # has a place of its own
        await asyncio.sleep(0.1)
        assert not stream.done()
        free.set()
        statuses = sorted([(await task).status_code for task in (*asked, stream)])
        assert statuses == [200, 200, 200, 200, *[503] * 5]
        assert (await http.get("/again")).status_code == 200


@pytest.mark.parametrize("path", ["/api/me", "/api/runs/1/wait"])
async def test_whoever_takes_their_share_leaves_places_to_others(path: str) -> None:
    free, ours, theirs = asyncio.Event(), new_id(), new_id()

    async def held(scope: Message, receive: Receive, send: Send) -> None:
        organization_id = ours if scope["query_string"] == b"ours" else theirs
        await let_in(Actor(organization_id, ActorKind.USER, Role.VIEWER, organization_id), scope)
        if organization_id == theirs:
            await free.wait()
        await respond_json(send, scope, 200, "done")

    async def problems(scope: Message, receive: Receive, send: Send) -> None:
        try:
            await held(scope, receive, send)
        except QuotaError as error:
            await respond_problem(send, scope, 429, error.code, error.message, hint=error.hint)

    shares = Shares(at_once=3, of_organization=2, of_actor=2, wait_s=0.2)
    app = Admission(problems, ordinary_shares=shares, wait_shares=shares)
    async with (
        served(app, listener_at("127.0.0.1", 0)) as url,
        httpx.AsyncClient(base_url=url, timeout=30, limits=httpx.Limits(max_connections=None)) as http,
    ):
        greedy = [asyncio.create_task(http.get(f"{path}?theirs")) for _ in range(20)]
        done: set[asyncio.Task[httpx.Response]] = set()
        while len(done) < 18:
            more, _ = await asyncio.wait(set(greedy) - done, timeout=30, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        assert {task.result().json()["code"] for task in done} == {"rate_limited"}
        assert (await http.get(f"{path}?ours")).status_code == 200
        free.set()
        assert sorted([(await task).status_code for task in greedy]) == [200, 200, *[429] * 18]


async def test_who_waits_too_long_for_a_place_is_told_so() -> None:
    free = asyncio.Event()

    async def held(scope: Message, receive: Receive, send: Send) -> None:
        await free.wait()
        await respond_json(send, scope, 200, "done")

    app = Admission(held, ordinary=Places(at_once=1, waiting=5, wait_s=0.2))
    async with (
        served(app, listener_at("127.0.0.1", 0)) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as http,
    ):
        first = asyncio.create_task(http.get("/"))
        await asyncio.sleep(0.1)
        assert (await http.get("/")).status_code == 503
        free.set()
        assert (await first).status_code == 200
        assert (await http.get("/")).status_code == 200


async def test_what_breaks_is_a_problem_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/late":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("of our own")

    app = Front(broken, is_https=True)
    async with served(app, listener_at("127.0.0.1", 0)) as url, httpx.AsyncClient(base_url=url) as http:
        answer = await http.get("/?token=secret")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "of our own" not in answer.text
        assert "strict-transport-security" in answer.headers
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/late")
    told = [record for record in caplog.records if record.exc_info and record.name == "tegu.http"]
    assert len(told) == 2
    assert not [record for record in caplog.records if "secret" in record.getMessage()]


async def test_what_breaks_while_it_is_found_out_who_asks_is_logged_once(
    tegu: Tegu, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(request: Any) -> HostUser | None:
        raise RuntimeError("of the host")

    app = service(tegu, resolve_user=broken)
    async with served(app, listener_at("127.0.0.1", 0)) as url, httpx.AsyncClient(base_url=url) as http:
        for path in ("/api/runs", "/api/events"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["code"]) == (500, "internal")
            assert "of the host" not in answer.text
    assert [record.name for record in caplog.records if record.exc_info] == ["tegu.http"] * 2


async def test_the_access_log_has_paths_and_no_queries(tegu: Tegu, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="tegu.http.access"):
        async with serving(tegu) as found:
            await found.http.get("/api/runs?cursor=a-secret", headers={"authorization": "Bearer another"})
            await found.http.get("/health")
    lines: list[Any] = [record for record in caplog.records if record.name == "tegu.http.access"]
    assert [(line.method, line.path) for line in lines] == [("GET", "/api/runs")]
    written = [JsonFormatter().format(line) for line in lines]
    assert not any("secret" in line or "another" in line for line in written)
