"""Files over HTTP: sent as a body or as a form, and fetched again."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import httpx
from http_lab import Lab

from tegu.domain.actor import Role
from tegu.intake.sniff import SIZE_LIMIT_BYTES

OCTETS = {"content-type": "application/octet-stream"}


async def _stored(client: httpx.AsyncClient, data: bytes = b"A note.", **query: str) -> dict[str, Any]:
    answer = await client.post("/contents", content=data, params=query, headers=OCTETS)
    assert answer.status_code == 201, answer.text
    return answer.json()["content"]


async def test_a_body_becomes_a_content_and_is_found_the_second_time(rest: Lab) -> None:
    _, client = rest
    query = {"name": "note.txt", "external_id": "n-1", "metadata": '{"customer": 7}'}
    first = await client.post("/contents", content=b"A note.", params=query, headers=OCTETS)
    again = await client.post("/contents", content=b"A note.", params=query, headers=OCTETS)
    assert (first.status_code, again.status_code) == (201, 200)
    content = first.json()["content"]
    assert again.json()["content"] == content
    assert (content["name"], content["external_id"], content["metadata"]) == (
        "note.txt",
        "n-1",
        {"customer": 7},
    )
    assert (content["media_type"], content["source_type"]) == ("text/plain", "file")


async def test_a_form_with_a_file_becomes_a_content_with_its_fields(rest: Lab) -> None:
    _, client = rest
    answer = await client.post(
        "/contents",
        files={"file": ("C:\\Anna\\rechnung ü.txt", b"Total 10 EUR", "text/plain")},
        data={"metadata": '{"customer": 7}', "source_type": "manual"},
    )
    assert answer.status_code == 201, answer.text
    content = answer.json()["content"]
    assert content["name"] == "rechnung ü.txt"
    assert (content["source_type"], content["metadata"]) == ("manual", {"customer": 7})


async def test_a_name_is_read_from_the_disposition(rest: Lab) -> None:
    _, client = rest
    for number, (disposition, name) in enumerate(
        (
            ('attachment; filename="a b.txt"', "a b.txt"),
            ("attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.txt", "résumé.txt"),
            ('attachment; filename="../../etc/passwd"', "passwd"),
        )
    ):
        answer = await client.post(
            "/contents", content=b"%d" % number, headers=OCTETS | {"content-disposition": disposition}
        )
        assert answer.json()["content"]["name"] == name


async def test_what_cannot_be_taken_is_refused_with_its_reason(rest: Lab) -> None:
    _, client = rest
    zipped = b"PK\x03\x04" + bytes(30)
    refused: list[tuple[int, str, dict[str, Any]]] = [
        (415, "unknown_type", {"content": zipped, "headers": OCTETS}),
        (415, "unknown_type", {"data": {"a": "b"}}),
        (422, "empty", {"content": b"", "headers": OCTETS}),
        (422, "invalid_input", {"content": b"x", "headers": OCTETS, "params": {"nme": "x"}}),
        (422, "invalid_input", {"content": b"x", "headers": OCTETS, "params": {"metadata": "[1]"}}),
        (422, "invalid_input", {"content": b"x", "headers": OCTETS, "params": {"path": "/etc/passwd"}}),
        (422, "invalid_input", {"files": {"other": ("a.txt", b"x")}}),
        (422, "invalid_input", {"files": {"file": ("a.txt", b"x")}, "data": {"path": "/etc/passwd"}}),
        (
            422,
            "invalid_input",
            {"content": b"no boundary", "headers": {"content-type": "multipart/form-data"}},
        ),
        (422, "invalid_input", {"json": {"path": "/etc/passwd"}}),
    ]
    for status, code, arguments in refused:
        answer = await client.post("/contents", **arguments)
        assert (answer.status_code, answer.json()["code"]) == (status, code), arguments


async def test_what_is_too_large_is_refused_by_its_length_before_it_is_sent(rest: Lab) -> None:
    served, _ = rest
    host = httpx.URL(served.url)
    reader, writer = await asyncio.open_connection(host.host, host.port)
    head = f"POST /api/contents HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {SIZE_LIMIT_BYTES + 1}\r\n\r\n"
    writer.write(head.encode())
    assert b" 413 " in await reader.readline()
    writer.close()


async def test_what_grows_too_large_without_saying_so_is_refused_while_it_comes(rest: Lab) -> None:
    _, client = rest
    sent = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal sent
        while sent < 10 * SIZE_LIMIT_BYTES:
            sent += 2**20
            yield bytes(2**20)

    try:
        answer = await client.post("/contents", content=endless(), headers=OCTETS)
        assert answer.status_code == 413
    except (httpx.WriteError, httpx.ReadError):  # it was told before it had finished
        pass
    assert sent < 2 * SIZE_LIMIT_BYTES


async def test_a_viewer_may_not_upload_and_what_was_uploaded_is_in_the_audit_log(rest: Lab) -> None:
    served, client = rest
    await _stored(client, name="note.txt")
    (event,) = (await client.get("/audit")).json()["items"]
    assert (event["action"], event["target"]) == (
        "contents.create",
        {"name": "note.txt", "external_id": None},
    )
    served.role = Role.VIEWER
    refused = await client.post("/contents", content=b"Another note.", headers=OCTETS)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    served.role = None
    assert (await client.post("/contents", content=b"A third.", headers=OCTETS)).status_code == 401


async def test_a_download_gives_the_same_bytes_as_a_file_that_no_browser_shows(rest: Lab) -> None:
    _, client = rest
    data = ("<script>alert(1)</script>" + "x" * 3_000_000).encode()
    content = await _stored(client, data, name='an "odd" näme.html')
    answer = await client.get(f"/contents/{content['id']}/data")
    assert answer.content == data
    assert answer.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"an _odd_ n_me.html\"; filename*=UTF-8''an%20%22odd%22%20n%C3%A4me.html"
    )
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    head = await client.head(f"/contents/{content['id']}/data")
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")


async def test_a_download_is_had_in_parts_and_not_again(rest: Lab) -> None:
    _, client = rest
    data = bytes(range(65, 91)) * 100_000
    url = f"/contents/{(await _stored(client, data))['id']}/data"
    tag = (await client.head(url)).headers["etag"]
    for asked, part in (
        ("bytes=0-0", data[:1]),
        ("bytes=1048570-1048590", data[1048570:1048591]),
        ("bytes=2599990-", data[2599990:]),
        ("bytes=-10", data[-10:]),
    ):
        answer = await client.get(url, headers={"range": asked, "if-range": tag})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith("/2600000")
    beyond = await client.get(url, headers={"range": "bytes=2600000-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */2600000")
    for asked in ("bytes=5-1", "lines=1-2", "bytes=0-1,4-5"):
        assert (await client.get(url, headers={"range": asked})).status_code == 200
    changed = await client.get(url, headers={"range": "bytes=0-0", "if-range": '"another"'})
    assert changed.status_code == 200
    assert (await client.get(url, headers={"if-none-match": f'"x", {tag}'})).status_code == 304


async def test_a_content_of_another_organization_is_not_downloaded(rest: Lab) -> None:
    served, client = rest
    url = f"/contents/{(await _stored(client))['id']}/data"
    served.organization = "another"
    assert (await client.get(url)).status_code == 404
    assert (await client.get(f"/contents/{uuid4()}/data")).json()["code"] == "not_found"
