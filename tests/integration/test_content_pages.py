"""Pages of contents over HTTP: the picture, and where the text stands on it, for whoever may read the content."""

from pathlib import Path
from uuid import uuid4

import httpx
from http_lab import Lab

import tegu

INVOICE = (Path(tegu.__file__).parent / "samples" / "invoice.pdf").read_bytes()


async def _stored(client: httpx.AsyncClient, data: bytes, name: str) -> str:
    headers = {"content-type": "application/octet-stream"}
    answer = await client.post("/contents", content=data, params={"name": name}, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()["content"]["id"]


async def test_a_quote_is_found_on_the_picture_of_its_page(rest: Lab) -> None:
    _, client = rest
    content_id = await _stored(client, INVOICE, "invoice.pdf")
    text = (await client.get(f"/contents/{content_id}/text")).json()["text"]
    page = (await client.get(f"/contents/{content_id}/page")).json()
    assert (page["page"], page["pages"], page["start"]) == (1, 1, 0)
    at = text.index("186.40")
    (line,) = [each for each in page["lines"] if each["start"] <= at < each["start"] + len(each["edges"]) - 1]
    left = line["edges"][at - line["start"]]
    right = line["edges"][at - line["start"] + len("186.40")]
    assert 0 < left < right < page["width_pt"]
    assert 0 < line["top"] < line["bottom"] < page["height_pt"]
    picture = await client.get(f"/contents/{content_id}/page/picture", params={"width": 595})
    assert picture.headers["content-type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert picture.headers["x-content-type-options"] == "nosniff"


async def test_a_picture_that_is_there_already_is_not_drawn_again(rest: Lab) -> None:
    _, client = rest
    url = f"/contents/{await _stored(client, INVOICE, 'invoice.pdf')}/page/picture"
    tag = (await client.get(url, params={"width": 300})).headers["etag"]
    again = await client.get(url, params={"width": 300}, headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    other = await client.get(url, params={"width": 301}, headers={"if-none-match": tag})
    assert other.status_code == 200


async def test_what_has_no_such_page_says_so(rest: Lab) -> None:
    served, client = rest
    invoice, note = await _stored(client, INVOICE, "invoice.pdf"), await _stored(client, b"A note.", "a.txt")
    for path in ("page", "page/picture"):
        assert (await client.get(f"/contents/{note}/{path}")).json()["code"] == "usage"
        assert (await client.get(f"/contents/{invoice}/{path}", params={"page": 0})).status_code == 422
        assert (await client.get(f"/contents/{invoice}/{path}", params={"x": 1})).status_code == 422
        assert (await client.get(f"/contents/{uuid4()}/{path}")).status_code == 404
    beyond = await client.get(f"/contents/{invoice}/page", params={"page": 2})
    assert beyond.json()["hint"] == "its pages are 1 to 1"
    served.organization = "another"
    for path in ("page", "page/picture"):
        assert (await client.get(f"/contents/{invoice}/{path}")).status_code == 404
    served.role = None
    assert (await client.get(f"/contents/{invoice}/page/picture")).status_code == 401


async def test_samples_are_there_once_however_often_they_are_asked_for(rest: Lab) -> None:
    _, client = rest
    first = (await client.post("/contents/add-samples")).json()["samples"]
    again = (await client.post("/contents/add-samples")).json()["samples"]
    assert [each["is_new"] for each in first] == [True, True, True]
    assert [each["is_new"] for each in again] == [False, False, False]
    assert [each["content"]["name"] for each in again] == [
        "support-thread.mbox",
        "invoice.pdf",
        "contract.md",
    ]
    assert len(first[0]["messages"]) == 6
