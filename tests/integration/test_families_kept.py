"""What a family of runs has together: one budget, one retention, one erasure; and people who decide within it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import mapping_stages
import pytest
from action_lab import ask
from canaries import places_of
from one_question import NOTE
from test_maps import python
from test_maps_over_contents import mail
from test_nesting import document, nested

from tegu.actions.erasures import erase_once
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.budget import BudgetPeriod, BudgetPlace
from tegu.domain.json import JsonObject
from tegu.domain.retention import Retention
from tegu.domain.status import RunStatus
from tegu.engine.prune import prune_once
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.invariants import check_invariants
from tegu.storage.review_store import ReviewStore
from tegu.testing.scripted import Reply, Rule, ScriptedProvider, Text, Tokens

Open = Callable[..., Any]
COST = Tokens(input_tokens=500, output_tokens=4096)
"""Nearly what a call may cost at worst."""
CANARY = "Xylophone4711"
WORDS: JsonObject = {"uses": "split", "with": {"by": "separator", "separator": " "}}
ASKING = document(
    "asking",
    words=WORDS,
    mapped={
        "uses": "prompt",
        "with": {"instructions": "Say it."},
        "inputs": ["item"],
        "each": "words.chunks",
    },
    inner=nested("note", "item", each="words.chunks"),
    again={
        "uses": "loop",
        "with": {"pipeline": "note", "until": "iteration == 3", "times_max": 3},
        "inputs": ["source"],
    },
)
QUESTIONS = 4 + 4 + 3


async def query(address: DatabaseAddress, sql: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetch(sql, *values)
    finally:
        await connection.close()


async def sound(address: DatabaseAddress) -> None:
    assert [check for check in await check_invariants(address, rows_max=5) if check.broken] == []


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, stages=mapping_stages.ALL) as opened:
        yield opened


@asynccontextmanager
async def driven(tegu: Tegu, run_id: UUID) -> AsyncGenerator[asyncio.Task[RunStatus]]:
    """The run goes on until the block ends; within it must have ended."""
    driving = asyncio.create_task(tegu.drive(run_id, timeout_s=120))
    try:
        yield driving
    finally:
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)


async def until(address: DatabaseAddress, sql: str, count: int) -> None:
    """The statement counts so many, for half a second."""
    async with asyncio.timeout(90):
        seen = 0
        while seen < 10:
            seen = seen + 1 if (await query(address, sql))[0][0] == count else 0
            await asyncio.sleep(0.05)


OUT_OF_BUDGET = """select count(*) from tegu.stage_runs where status = 'waiting' and error ->> 'code' = 'budget_exhausted'
    and not exists (select 1 from tegu.stage_runs where status = 'running')"""


async def test_a_family_spends_from_one_budget_and_raising_it_wakes_all_of_it(
    opened: Open, address: DatabaseAddress
) -> None:
    async with ScriptedProvider([Rule(Reply(Text("said"), tokens=COST))]) as server, opened(server) as tegu:
        await tegu.run(NOTE, "What does one cost?")
        (one,) = (await query(address, "select cost_usd from tegu.llm_calls"))[0]
        options = StartOptions(budget_usd=one * Decimal("5.5"))
        (run_id,) = await tegu.start(ASKING, "one two three four", options=options)
        async with driven(tegu, run_id) as driving:
            # Five were asked; of the others all that need not wait for one of the loop's wait for money.
            await until(address, f"select ({OUT_OF_BUDGET}) > 0", True)
            (spent,) = await query(address, "select count(*) as n, sum(cost_usd) as usd from tegu.llm_calls")
            assert spent["n"] - 1 == 5
            run = await tegu.get_run(run_id)
            assert run.status is RunStatus.WAITING
            waiting = await query(
                address,
                "select distinct error ->> 'message' as said from tegu.stage_runs where error ->> 'code' = $1",
                "budget_exhausted",
            )
            assert all("the budget that the run shares has no room" in row["said"] for row in waiting)
            windows = await query(
                address, "select budget_id, spent_usd, reserved_usd from tegu.budget_windows"
            )
            assert [tuple(row) for row in windows] == [(run_id, 5 * one, 0)]
            place = BudgetPlace(BudgetPeriod.RUN, run_id=run_id)
            assert await tegu.set_budget(place, one * 100) == len(
                await query(
                    address,
                    "select distinct run_id from tegu.stage_runs where error ->> 'code' = $1 and status = 'waiting'",
                    "budget_exhausted",
                )
            )
            assert await driving is RunStatus.COMPLETED
        assert len(await query(address, "select 1 from tegu.llm_calls")) - 1 == QUESTIONS
    await sound(address)


async def test_children_are_kept_as_long_as_their_root_and_go_with_it(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    nothing = Retention(events_days=None, runs_days=1)
    object.__setattr__(
        nothing, "runs_days", 0.0
    )  # nobody may ask for so little; the runs of a test are as young
    waits: JsonObject = {"uses": "wait", "with": {"signal": "go"}, "inputs": [], "needs": ["each"]}
    each: JsonObject = {
        "uses": "split",
        "with": {"by": "characters"},
        "inputs": ["item"],
        "each": "words.chunks",
    }
    (run_id,) = await tegu.start(document("kept", words=WORDS, each=each, waits=waits), "one two three")
    pool = await tegu.database.engine()
    async with driven(tegu, run_id) as driving:
        await until(
            address, "select count(*) from tegu.stage_runs where status = 'waiting' and stage = 'waits'", 1
        )
        assert (await query(address, "select count(*) from tegu.runs where ended_at is not null"))[0][0] == 1
        pruned = await prune_once(pool, nothing)
        assert pruned is not None
        assert pruned.runs == 0
        await ask(await tegu.scope(), "runs.signal", run_id=run_id, name="go")
        assert await driving is RunStatus.COMPLETED
    pruned = await prune_once(pool, nothing)
    assert pruned is not None
    assert pruned.runs == 2
    for table in ("runs", "stage_runs", "stage_attempts", "results", "run_signals", "family_sizes"):
        assert (await query(address, f"select count(*) from tegu.{table}"))[0][0] == 0, table


async def test_deleting_what_one_member_read_erases_the_whole_family(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    enclosed, around = EmailMessage(), EmailMessage()
    for made, number in ((enclosed, 1), (around, 2)):
        made["From"], made["To"] = "anna@example.com", "help@example.com"
        made["Message-ID"] = f"<{number}@example.com>"
    enclosed.set_content(f"The {CANARY} arrived broken.")
    around.set_content("See what she wrote.")
    around.add_attachment(enclosed)
    ingested = await tegu.ingest(around.as_bytes())
    read: JsonObject = {"uses": "summarize", "inputs": ["item"], "each": "content.children"}
    inner = nested("measure", "item", each="content.children")
    report: JsonObject = {"uses": "summarize", "inputs": ["read", "inner"]}
    await tegu.pipeline(document("measure", length=python("length", "source")))
    run = await tegu.run(document("parts", read=read, inner=inner, report=report), ingested)
    assert CANARY in str(run.stage_outputs["report"])
    members = await query(
        address, "select content_id, depth from tegu.runs where content_id <> $1", ingested.content.id
    )
    (part,) = {row["content_id"] for row in members}
    assert len(members) == 3  # a slice of each stage, and what one nests
    await ask(await tegu.scope(), "contents.delete", content_id=part)
    await erase_once(tegu.database, settle_s=0)
    (erased,) = await query(address, "select count(*) as runs, count(erased_at) as erased from tegu.runs")
    assert (erased["runs"], erased["erased"]) == (4, 4)
    # The mail around it has it still, and nobody deleted that.
    assert set(await places_of(address, CANARY)) <= {"contents", "blobs", "texts"}
    await sound(address)


async def test_each_item_of_a_map_is_reviewed_by_itself(tegu: Tegu, address: DatabaseAddress) -> None:
    review: JsonObject = {
        "uses": "review",
        "with": {"on_reject": "continue"},
        "inputs": ["item"],
        "each": "words.chunks",
    }
    (run_id,) = await tegu.start(document("items", words=WORDS, look=review), "one two three")
    scope = await tegu.scope()
    async with driven(tegu, run_id) as driving:
        await until(address, "select count(*) from tegu.reviews where status = 'open'", 3)
        found = (await ask(scope, "reviews.list")).items
        detailed = [await ask(scope, "reviews.get", review_id=each.id) for each in found]
        by_text = {str(each.value).strip(): each for each in detailed}
        assert {text: (each.stage, each.item) for text, each in by_text.items()} == {
            "one": ("look", "0"),
            "two": ("look", "1"),
            "three": ("look", "2"),
        }
        await ask(scope, "reviews.approve", review_id=by_text["two"].id)
        await ask(scope, "reviews.reject", review_id=by_text["three"].id, comment="no")
        await ask(scope, "reviews.correct", review_id=by_text["one"].id, value="ONE")
        assert await driving is RunStatus.COMPLETED
    outputs: Any = (await tegu.get_run(run_id)).stage_outputs["look"]
    assert [each["decision"] for each in outputs] == ["corrected", "approved", "rejected"]
    assert outputs[0]["value"] == "ONE"
    attempts = await query(
        address,
        "select item, count(*) from tegu.stage_attempts where stage = 'look' and item <> '' group by item",
    )
    assert {row["item"]: row["count"] for row in attempts} == {"0": 1, "1": 1, "2": 1}


async def test_reviews_of_attachments_are_about_them_and_go_with_them(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    ingested = await tegu.ingest(mail(f"The {CANARY} arrived broken.", "The invoice is too high."))
    read: JsonObject = {"uses": "summarize", "inputs": ["item"], "each": "content.children"}
    look = nested("looking", "item", each="content.children")
    await tegu.pipeline(
        document(
            "looking",
            said={"uses": "summarize"},
            look={"uses": "review", "inputs": ["said"]},
        )
    )
    (run_id,) = await tegu.start(document("parts", read=read, look=look), ingested)
    scope = await tegu.scope()
    async with driven(tegu, run_id) as driving:
        await until(address, "select count(*) from tegu.reviews where status = 'open'", 2)
        read_by = await query(
            address,
            "select r.content_id from tegu.reviews v join tegu.runs r on r.id = v.run_id order by v.id",
        )
        assert len({row["content_id"] for row in read_by} - {ingested.content.id}) == 2
        await ask(scope, "contents.delete", content_id=ingested.content.id)
        await erase_once(tegu.database, settle_s=0)
        assert await driving is RunStatus.CANCELLED
    assert await places_of(address, CANARY) == []
    await ReviewStore(await tegu.database.engine()).withdraw()
    statuses = await query(address, "select status from tegu.reviews")
    assert {row["status"] for row in statuses} <= {"withdrawn"}
    await sound(address)
