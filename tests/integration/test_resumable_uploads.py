"""Uploads by the tus protocol: in parts, over several connections and processes, until each is a content."""

import asyncio
import hashlib
import json
import os
import signal
import socket
import sys
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from http_lab import Lab

from tegu.actions import uploads
from tegu.domain.actor import Role
from tegu.domain.ids import new_id
from tegu.domain.retention import Retention
from tegu.storage.database import DatabaseAddress

TUS = {"tus-resumable": "1.0.0"}
PART = TUS | {"content-type": "application/offset+octet-stream"}
DATA = ("Please refund EUR 10.00. " * 150_000).encode()


def _said(**fields: str) -> str:
    return ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in fields.items())


async def _created(client: httpx.AsyncClient, length: int, **fields: str) -> str:
    headers = TUS | {"upload-length": str(length), "upload-metadata": _said(**fields)}
    answer = await client.post("/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-expires"].endswith("GMT")
    return answer.headers["location"].removeprefix("/api")


async def _sent(
    client: httpx.AsyncClient, url: str, start: int, data: bytes, **headers: str
) -> httpx.Response:
    return await client.patch(url, content=data, headers=PART | {"upload-offset": str(start)} | headers)


async def _offset(client: httpx.AsyncClient, url: str) -> int:
    answer = await client.head(url, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


async def test_a_file_that_comes_in_parts_becomes_a_content(rest: Lab) -> None:
    _, client = rest
    metadata = json.dumps({"customer": 7})
    url = await _created(
        client, len(DATA), filename="ü/note.txt", external_id="n-1", metadata=metadata, filetype="x"
    )
    start = 0
    for size in (1_000_000, 1, 2_000_000, len(DATA)):
        part = DATA[start : start + size]
        answer = await _sent(client, url, start, part)
        start += len(part)
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(start))
    content = (await client.get(answer.headers["content-location"].removeprefix("/api"))).json()
    assert (content["name"], content["external_id"], content["metadata"]) == (
        "note.txt",
        "n-1",
        {"customer": 7},
    )
    assert content["sha256"] == hashlib.sha256(DATA).hexdigest()
    again = await client.head(url, headers=TUS)  # who did not hear the last answer
    assert again.headers["content-location"] == answer.headers["content-location"]
    events = (await client.get("/audit")).json()["items"]
    assert [event["action"] for event in events] == ["contents.create"]


async def test_a_finished_upload_keeps_no_bytes_and_no_name(rest: Lab, address: DatabaseAddress) -> None:
    _, client = rest
    url = await _created(client, 7, filename="secret.txt")
    assert (await _sent(client, url, 0, b"A note.")).status_code == 204
    connection = await asyncpg.connect(address.owner)
    try:
        assert await connection.fetchval("select count(*) from tegu.upload_parts") == 0
        assert await connection.fetchval("select name from tegu.uploads") is None
    finally:
        await connection.close()


async def test_of_two_who_send_the_same_part_one_is_refused(rest: Lab) -> None:
    _, client = rest
    url = await _created(client, 2000)
    answers = await asyncio.gather(*(_sent(client, url, 0, bytes([65 + n]) * 1000) for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 409, 409, 409]
    assert await _offset(client, url) == 1000
    assert (await _sent(client, url, 999, b"x")).json()["code"] == "conflict"


async def test_what_a_checksum_does_not_fit_is_not_kept(rest: Lab) -> None:
    _, client = rest
    url = await _created(client, 2_000_000)
    part = b"x" * 1_500_000
    wrong = await _sent(client, url, 0, part, **{"upload-checksum": f"sha1 {b64encode(bytes(20)).decode()}"})
    assert (wrong.status_code, wrong.json()["code"], await _offset(client, url)) == (460, "checksum", 0)
    unknown = await _sent(client, url, 0, part, **{"upload-checksum": "md4 xxxx"})
    assert (unknown.status_code, await _offset(client, url)) == (400, 0)
    for algorithm, digest in (("sha1", hashlib.sha1(part)), ("sha256", hashlib.sha256(b"y" * 500_000))):
        start = await _offset(client, url)
        data = part if algorithm == "sha1" else b"y" * 500_000
        checksum = f"{algorithm} {b64encode(digest.digest()).decode()}"
        right = await _sent(client, url, start, data, **{"upload-checksum": checksum})
        assert right.status_code == 204, right.text
    assert "content-location" in right.headers


async def test_what_came_before_a_connection_broke_is_kept(rest: Lab) -> None:
    served, client = rest
    url = await _created(client, 5_000_000)
    host = httpx.URL(served.url)
    _, writer = await asyncio.open_connection(host.host, host.port)
    head = "".join(f"{name}: {value}\r\n" for name, value in PART.items())
    writer.write(
        f"PATCH /api{url} HTTP/1.1\r\nHost: x\r\nUpload-Offset: 0\r\nContent-Length: 5000000\r\n{head}\r\n".encode()
    )
    writer.write(b"x" * 2_500_000)
    await writer.drain()
    writer.close()
    async with asyncio.timeout(20):
        while await _offset(client, url) < 2_500_000:
            await asyncio.sleep(0.02)
    assert (await _sent(client, url, 2_500_000, b"y" * 2_500_000)).status_code == 204


async def test_what_cannot_be_read_is_told_and_nothing_is_left_of_it(rest: Lab) -> None:
    _, client = rest
    url = await _created(client, 100)
    refused = await _sent(client, url, 0, b"PK\x03\x04" + bytes(96))
    assert (refused.status_code, refused.json()["code"]) == (415, "unknown_type")
    assert (await client.head(url, headers=TUS)).status_code == 404


async def test_the_protocol_is_spoken_as_it_is_written(rest: Lab) -> None:
    _, client = rest
    said = await client.options("/uploads")
    assert (said.status_code, said.headers["tus-version"]) == (204, "1.0.0")
    assert {"creation", "termination", "expiration", "checksum"} == set(
        said.headers["tus-extension"].split(",")
    )
    url = await _created(client, 100)
    assert (await client.head(url)).status_code == 412  # no version
    assert (await client.head(url, headers={"tus-resumable": "0.2.2"})).headers["tus-version"] == "1.0.0"
    assert (await client.patch(url, content=b"x", headers=TUS | {"upload-offset": "0"})).status_code == 415
    assert (await _sent(client, url, 0, b"x" * 101)).status_code == 413
    for headers in ({}, {"upload-length": "-1"}, {"upload-length": "1" * 30}, {"upload-length": "0"}):
        assert (await client.post("/uploads", headers=TUS | headers)).status_code == 422
    large = await client.post("/uploads", headers=TUS | {"upload-length": str(2**40)})
    assert large.status_code == 413
    bad = await client.post(
        "/uploads", headers=TUS | {"upload-length": "1", "upload-metadata": "filename ???"}
    )
    assert bad.status_code == 422
    nul = await client.post(
        "/uploads", headers=TUS | {"upload-length": "1", "upload-metadata": _said(filename="a\0b")}
    )
    assert nul.status_code == 422
    assert (await client.delete(url, headers=TUS)).status_code == 204
    assert (await client.head(url, headers=TUS)).status_code == 404
    assert (await client.delete(f"/uploads/{new_id()}", headers=TUS)).status_code == 404


async def test_only_who_may_store_contents_uploads_and_nobody_of_another_organization(rest: Lab) -> None:
    served, client = rest
    url = await _created(client, 100)
    served.organization = "another"
    assert (await client.head(url, headers=TUS)).status_code == 404
    assert (await _sent(client, url, 0, b"x")).status_code == 404
    assert (await client.delete(url, headers=TUS)).status_code == 404
    served.organization, served.role = None, Role.VIEWER
    assert (await client.head(url, headers=TUS)).status_code == 403
    assert (await _sent(client, url, 0, b"x")).status_code == 403
    assert (await client.post("/uploads", headers=TUS | {"upload-length": "1"})).status_code == 403


async def test_unfinished_uploads_are_few_and_bounded(rest: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    _, client = rest
    monkeypatch.setattr(uploads, "UPLOADS_MAX", 3)
    monkeypatch.setattr(uploads, "BYTES_MAX", 1000)
    urls = [await _created(client, 300) for _ in range(3)]
    for length in (1, 300):
        refused = await client.post("/uploads", headers=TUS | {"upload-length": str(length)})
        assert (refused.status_code, refused.json()["code"]) == (429, "quota")
        assert int(refused.headers["retry-after"]) > 3600
    await client.delete(urls[0], headers=TUS)
    assert (await client.post("/uploads", headers=TUS | {"upload-length": "500"})).status_code == 429
    await _created(client, 400)


async def test_an_upload_comes_in_a_bounded_number_of_parts(
    rest: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, client = rest
    monkeypatch.setattr(uploads, "PARTS_MAX", 3)
    url = await _created(client, 100)
    answers = [(await _sent(client, url, start, b"x")).status_code for start in range(4)]
    assert answers == [204, 204, 204, 422]


async def test_what_expired_is_not_there_and_is_pruned(rest: Lab, address: DatabaseAddress) -> None:
    served, client = rest
    url = await _created(client, 100)
    kept = await _created(client, 100)
    await _sent(client, url, 0, b"x" * 10)
    connection = await asyncpg.connect(address.owner)
    try:
        await connection.execute(
            "update tegu.uploads set expires_at = now() where id = $1", UUID(url.rpartition("/")[2])
        )
        assert (await client.head(url, headers=TUS)).status_code == 404
        assert (await _sent(client, url, 10, b"x")).status_code == 404
        pruned = await served.tegu.prune(Retention())
        assert pruned.uploads == 1
        assert await connection.fetchval("select count(*) from tegu.upload_parts") == 0
    finally:
        await connection.close()
    assert await _offset(client, kept) == 0


@asynccontextmanager
async def _process(environment: dict[str, str]) -> AsyncGenerator[tuple[str, Any]]:
    """A server in a process of its own, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(__file__).with_name("rest_server.py")
    process = await asyncio.create_subprocess_exec(sys.executable, str(script), str(port), env=environment)
    try:
        async with asyncio.timeout(60), httpx.AsyncClient() as client:
            while True:
                try:
                    await client.get(f"http://127.0.0.1:{port}/api/openapi.json")
                    break
                except httpx.TransportError:
                    assert process.returncode is None
                    await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}/api", process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_server_is_killed_in_the_middle_and_another_goes_on(
    process_environment: dict[str, str],
) -> None:
    async def slowly() -> AsyncGenerator[bytes]:
        for at in range(0, len(DATA), 250_000):
            yield DATA[at : at + 250_000]
            await asyncio.sleep(0.05)

    async with (
        _process(process_environment) as (base, process),
        httpx.AsyncClient(base_url=base, timeout=30) as client,
    ):
        url = await _created(client, len(DATA), filename="note.txt")
        part = PART | {"upload-offset": "0"}
        sending = asyncio.create_task(client.patch(url, content=slowly(), headers=part))
        async with asyncio.timeout(30):
            while await _offset(client, url) < 1_000_000:
                await asyncio.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(httpx.TransportError):
            await sending
    async with (
        _process(process_environment) as (base, _),
        httpx.AsyncClient(base_url=base, timeout=30) as client,
    ):
        start = await _offset(client, url)
        assert 1_000_000 <= start < len(DATA)
        answer = await _sent(client, url, start, DATA[start:])
        assert answer.status_code == 204, answer.text
        content = answer.headers["content-location"].removeprefix("/api")
        assert (await client.get(f"{content}/data")).content == DATA
