"""What a run reads over HTTP: the text that its evidence points into, whatever it is made of."""

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from http_lab import Lab

import tegu

SAMPLES = Path(tegu.__file__).parent / "samples"
LATER = b"""From: Priya Raman <priya.raman@northfield-studio.example>
To: support@larkspur-coffee.example
Subject: Re: Charged twice for order LC-48213
Date: Mon, 30 Mar 2026 09:00:00 +0000
Message-ID: <later@northfield-studio.example>
References: %s

Is there anything new?
"""


def _spans(run: dict[str, Any]) -> list[dict[str, Any]]:
    found = [span for result in run["results"] for span in result["evidence"] if span["start"] is not None]
    assert found
    return found


async def test_evidence_of_a_thread_stands_in_its_text_under_the_mail_that_says_so(rest: Lab) -> None:
    served, client = rest
    done = await served.tegu.run("email_analysis", SAMPLES / "support-thread.mbox")
    run = (await client.get(f"/runs/{done.id}")).json()
    source = (await client.get(f"/runs/{done.id}/source")).json()
    for span in _spans(run):
        assert source["text"][span["start"] : span["end"]] == span["quote"]
    messages = [part for part in source["parts"] if part["kind"] == "message"]
    assert len(messages) == 6
    assert all(part["content_id"] and part["sent_at"] and part["label"] for part in messages)
    heads = [part for part in source["parts"] if part["kind"] == "headers"]
    assert [part["start"] for part in heads] == [part["start"] for part in messages]
    assert all(source["text"][part["start"] :].startswith("From: ") for part in heads)


async def test_an_email_that_came_later_is_not_in_what_the_run_read(rest: Lab) -> None:
    served, client = rest
    done = await served.tegu.run("email_analysis", SAMPLES / "support-thread.mbox")
    before = (await client.get(f"/runs/{done.id}/source")).json()
    thread = (await client.get(f"/threads/{done.thread_id}")).json()
    answered = str(thread["messages"][0]["message_id"])
    stored = await client.post("/contents", json={"text": (LATER % f"<{answered}>".encode()).decode()})
    assert stored.json()["threads"][0]["messages"] == 7
    assert (await client.get(f"/runs/{done.id}/source")).json() == before


async def test_evidence_of_one_email_is_that_of_a_thread_of_one(rest: Lab) -> None:
    served, client = rest
    text = "From: Anna <anna@acme.example>\nTo: b@acme.example\nCc: c@acme.example\nSubject: Refund\n"
    text += (
        "Message-ID: <one@acme.example>\nDate: Mon, 30 Mar 2026 09:00:00 +0000\n\nWe paid EUR 12.50 twice.\n"
    )
    stored = (await client.post("/contents", json={"text": text, "name": "mail.eml"})).json()
    started = await client.post(
        "/runs",
        json={"pipeline": "email_analysis", "thread_ids": [each["id"] for each in stored["threads"]]},
    )
    run_id = started.json()["run_ids"][0]
    await served.tegu.drive(UUID(run_id))
    run = (await client.get(f"/runs/{run_id}")).json()
    source = (await client.get(f"/runs/{run_id}/source")).json()
    for span in _spans(run):
        assert source["text"][span["start"] : span["end"]] == span["quote"]


async def test_a_long_text_is_read_in_stretches_and_a_content_keeps_its_pages(rest: Lab) -> None:
    served, client = rest
    done = await served.tegu.run("document_extraction", SAMPLES / "invoice.pdf")
    whole = (await client.get(f"/runs/{done.id}/source")).json()
    assert (whole["media_type"], whole["content_id"]) == ("application/pdf", str(done.content_id))
    assert [part["kind"] for part in whole["parts"]] == ["page"]
    part = (await client.get(f"/runs/{done.id}/source", params={"start": 10, "length": 5})).json()
    assert part["text"] == whole["text"][10:15]
    assert (part["start"], part["end"], part["characters"]) == (10, 15, whole["characters"])
    assert (await client.get(f"/runs/{uuid4()}/source")).status_code == 404
    served.organization = "another"
    assert (await client.get(f"/runs/{done.id}/source")).status_code == 404
