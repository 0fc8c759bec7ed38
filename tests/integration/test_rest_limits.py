"""What the REST interface takes as JSON, and what it refuses before any action sees it."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from http_lab import Lab

from tegu.domain.ids import new_id


@pytest.mark.parametrize(
    "body",
    [
        '{"text": "a\\u0000b"}',
        '{"text": "a", "name": "\\ud800"}',
        '{"text": "a", "metadata": {"a": ["\\u0000"]}}',
        '{"text": "a", "metadata": {"a\\u0000": 1}}',
        '{"text": "a", "metadata": {"a": 9223372036854775808}}',
        '{"text": "a", "metadata": {"a": -99999999999999999999999999999999}}',
        '{"text": "a", "metadata": {"a": 1e999}}',
        '{"text": "a", "metadata": {"a": NaN}}',
        '{"text": "a", "metadata": {"a": ' + "[" * 100 + "]" * 100 + "}}",
        "[" * 200_000,
        '{"text": ',
        "null",
        "[]",
        '{"text": "a", "unknown": 1}',
    ],
)
async def test_json_that_cannot_be_stored_is_refused_and_stores_nothing(rest: Lab, body: str) -> None:
    _, client = rest
    answer = await client.post("/contents", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text
    assert (await client.get("/contents")).json()["items"] == []


async def test_the_largest_number_and_any_character_that_can_be_stored_are_taken(rest: Lab) -> None:
    _, client = rest
    metadata: dict[str, Any] = {
        "n": 2**63 - 1,
        "s": "\U0001f600\x01\\u0000",
        "d": json.loads("[" * 50 + "]" * 50),
    }
    answer = await client.post("/contents", json={"text": "a", "metadata": metadata})
    assert answer.status_code == 201, answer.text
    assert answer.json()["content"]["metadata"] == metadata


async def test_json_of_more_than_its_limit_is_refused(rest: Lab) -> None:
    _, client = rest
    answer = await client.post("/runs", json={"pipeline": "x" * (17 * 2**20)})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_body_that_is_no_json_is_refused_where_json_is_read(rest: Lab) -> None:
    _, client = rest
    answer = await client.post("/runs", content=b"<run/>", headers={"content-type": "text/xml"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unknown_type")


@pytest.mark.parametrize(
    "query", ["?limit=1&pag=2", "?cursor=%00", "?external_id=a%00b", "?limit=9999999999999999999999"]
)
async def test_queries_that_mean_nothing_are_refused(rest: Lab, query: str) -> None:
    _, client = rest
    answer = await client.get(f"/contents{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text


async def test_a_query_beside_a_key_or_a_body_is_refused_too(rest: Lab) -> None:
    _, client = rest
    assert (await client.get(f"/runs/{new_id()}?verbose=1")).json()["code"] == "invalid_input"
    assert (await client.post("/runs?pipeline=x", json={"pipeline": "x"})).json()["code"] == "invalid_input"


async def test_what_was_read_has_a_tag_and_is_not_sent_again_until_it_changes(rest: Lab) -> None:
    _, client = rest
    content = (await client.post("/contents", json={"text": "Please refund EUR 10.00."})).json()["content"]
    url = f"/contents/{content['id']}"
    first = await client.get(url)
    tag = first.headers["etag"]
    assert tag.startswith('"')
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        same = await client.get(url, headers={"if-none-match": known})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await client.get(url, headers={"if-none-match": '"other"'})).status_code == 200
    listed = await client.get("/contents")
    await client.post("/contents", json={"text": "Another."})
    changed = await client.get("/contents", headers={"if-none-match": listed.headers["etag"]})
    assert (changed.status_code, len(changed.json()["items"])) == (200, 2)


async def _webhook(client: httpx.AsyncClient) -> str:
    made = await client.post(
        "/webhooks", json={"url": "https://hooks.example.com/a", "events": ["run.completed"]}
    )
    assert made.status_code == 201, made.text
    return f"/webhooks/{made.json()['id']}"


async def test_a_change_that_expects_another_state_is_refused_and_changes_nothing(rest: Lab) -> None:
    _, client = rest
    url = await _webhook(client)
    tag = (await client.get(url)).headers["etag"]
    changed = await client.patch(url, json={"description": "first"}, headers={"if-match": tag})
    assert changed.status_code == 200, changed.text
    for expected in (tag, '"another"', f"W/{changed.headers['etag']}"):
        refused = await client.patch(url, json={"description": "second"}, headers={"if-match": expected})
        assert (refused.status_code, refused.json()["code"]) == (412, "changed")
        assert (await client.delete(url, headers={"if-match": expected})).status_code == 412
    assert (await client.get(url)).json()["description"] == "first"
    assert (await client.get(url)).headers["etag"] == changed.headers["etag"]
    for name, expected in (("third", changed.headers["etag"]), ("fourth", "*")):
        assert (
            await client.patch(url, json={"description": name}, headers={"if-match": expected})
        ).status_code == 200
    assert (await client.delete(url, headers={"if-match": "*"})).status_code == 200
    assert (await client.delete(url, headers={"if-match": "*"})).status_code == 404


async def test_of_many_who_expect_the_same_state_one_changes_it(rest: Lab) -> None:
    _, client = rest
    url = await _webhook(client)
    tag = (await client.get(url)).headers["etag"]
    answers = await asyncio.gather(
        *(client.patch(url, json={"description": f"by {n}"}, headers={"if-match": tag}) for n in range(12))
    )
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 11]
