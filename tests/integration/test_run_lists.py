"""Lists and counts of runs over HTTP: what is meant is found, and counting stays within its bounds."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from http_lab import Lab

import tegu
from tegu.actions.runs import StartOptions
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.storage import run_filters

SAMPLES = Path(tegu.__file__).parent / "samples"


async def _ids(lab: Lab, **query: Any) -> list[str]:
    answer = await lab[1].get("/runs", params=query)
    assert answer.status_code == 200, answer.text
    return [run["id"] for run in answer.json()["items"]]


async def _counts(lab: Lab, **query: Any) -> dict[str, int]:
    answer = await lab[1].get("/runs/count", params=query)
    assert answer.status_code == 200, answer.text
    return {each["status"]: each["runs"] for each in answer.json()["counts"] if each["runs"]}


async def test_runs_are_found_by_what_is_known_of_them(rest: Lab) -> None:
    served, _ = rest
    before = datetime.now(UTC)
    mail = str((await served.tegu.run("email_analysis", SAMPLES / "support-thread.mbox")).id)
    bill = str((await served.tegu.run("document_extraction", SAMPLES / "invoice.pdf")).id)
    assert await _ids(rest) == [bill, mail]
    for found, query in (
        ([mail], {"name": "TWICE for order"}),
        ([bill], {"name": "invoice"}),
        ([], {"name": "100%"}),
        ([bill], {"pipeline": "document_extraction"}),
        ([bill, mail], {"model": "rules"}),
        ([], {"model": "openai:gpt-5-mini"}),
        ([], {"stage": "summarize"}),  # it is over, and nothing failed in it
        ([bill, mail], {"cost_below_usd": "0.01"}),
        ([], {"cost_above_usd": "0"}),
        ([bill, mail], {"since": before.isoformat()}),
        ([], {"until": before.isoformat()}),
        ([bill, mail], {"triggered_by": "library"}),
        ([], {"triggered_by": "schedule"}),
        ([bill], {"id_prefix": bill}),
        ([bill], {"status": "completed", "limit": 1}),
    ):
        assert await _ids(rest, **query) == found, query
    assert await _counts(rest) == {"completed": 2}
    assert await _counts(rest, name="invoice") == {"completed": 1}
    assert await _counts(rest, cost_above_usd="1") == {}
    later = (before + timedelta(days=1)).isoformat()
    assert await _counts(rest, since=later) == {}
    served.organization = "another"
    assert (await _ids(rest), await _counts(rest)) == ([], {})


async def test_how_an_organizations_runs_stand_is_told_to_it_alone(rest: Lab) -> None:
    served, client = rest
    tegu = served.tegu
    none = (await client.get("/runs/backlog")).json()
    assert (none["due"], none["oldest_due_s"], none["failed_in_day"], none["has_worker"]) == (
        0,
        None,
        0,
        False,
    )
    await tegu.run("document_extraction", b"%PDF-1.7 garbage")
    for delay_s in (0.0, 3600.0):
        await tegu.start("document_extraction", b"A note.", options=StartOptions(delay_s=delay_s))
    stands = (await client.get("/runs/backlog")).json()
    assert (stands["due"], stands["scheduled"], stands["waiting"], stands["running"]) == (1, 1, 0, 0)
    assert stands["oldest_due_s"] >= 0
    assert (stands["failed_in_day"], stands["is_capped"]) == (1, False)
    worker = await tegu.worker()
    works = asyncio.create_task(worker.run())
    async with asyncio.timeout(30):
        while not (stands := (await client.get("/runs/backlog")).json())["has_worker"] or stands["due"]:
            await asyncio.sleep(0.05)
    worker.stop()
    await works
    served.organization = "another"
    assert (await client.get("/runs/backlog")).json() | {"has_worker": False} == none


async def test_a_run_is_found_by_the_stage_that_it_failed_in(rest: Lab) -> None:
    served, client = rest
    done = await served.tegu.run("document_extraction", b"%PDF-1.7 garbage")
    assert done.status is RunStatus.FAILED
    assert await _ids(rest, stage="parse") == [str(done.id)]
    assert await _counts(rest, stage="parse") == {"failed": 1}
    assert (await client.get("/runs/count", params={"status": "failed"})).status_code == 422


async def test_runs_that_a_run_started_are_found_and_counted_by_it_and_not_by_cost(rest: Lab) -> None:
    served, client = rest
    await served.tegu.pipeline(
        {"tegu": 1, "name": "note", "input": "content", "stages": {"summary": {"uses": "summarize"}}}
    )
    stages: JsonObject = {"inner": {"uses": "pipeline", "with": {"pipeline": "note"}}}
    outer = await served.tegu.run(
        {"tegu": 1, "name": "outer", "input": "content", "stages": stages},
        "Three crates arrived broken. Anna asks for a refund.",
    )
    assert await _ids(rest) == [str(outer.id)]
    assert len(await _ids(rest, parent_id=outer.id)) == 1
    assert await _counts(rest, parent_id=outer.id) == {"completed": 1}
    assert await _counts(rest, include_children="true") == {"completed": 2}
    refused = await client.get("/runs", params={"parent_id": str(outer.id), "cost_above_usd": "1"})
    assert (refused.status_code, refused.json()["code"]) == (422, "usage")


async def test_counts_say_where_they_are_cut_off(rest: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    served, client = rest
    for name in ("invoice.pdf", "contract.md"):
        await served.tegu.run("document_extraction", SAMPLES / name)
    monkeypatch.setattr(run_filters, "COUNTED_MAX", 1)
    counts = (await client.get("/runs/count")).json()["counts"]
    completed = next(each for each in counts if each["status"] == "completed")
    assert completed == {"status": "completed", "runs": 1, "is_cut_off": True}
    assert len(counts) == 6
