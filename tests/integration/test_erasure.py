"""Deleting contents: nothing of them is found anywhere afterwards, whatever was under way."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from canaries import places_of
from one_question import NOTE

from tegu.actions.contents import list_contents
from tegu.actions.declared.contents import ContentId
from tegu.actions.declared.erasures import ErasureId as Id
from tegu.actions.declared.erasures import Subject, delete_content, delete_subject, get_erasure
from tegu.actions.erasures import erase_once
from tegu.actions.runs import StartOptions
from tegu.actions.scope import Scope
from tegu.app import Tegu
from tegu.domain.call import Usage
from tegu.domain.errors import ConflictError, NotFoundError, ProviderError
from tegu.domain.json import JsonObject
from tegu.domain.privacy import Erasure
from tegu.domain.schedule import ScheduledInput, ScheduleSpec
from tegu.domain.status import RUN_MOVES, RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import ModelRef, ModelReply, ModelRequest
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.storage.erasures import Eraser, insert_erasure
from tegu.storage.invariants import check_invariants
from tegu.storage.ledger import CallPlace, StoredLedger
from tegu.testing.scripted import Reply, Rule, ScriptedProvider, Text

CANARY = "Xylophone4711"
Opened = Callable[..., AbstractAsyncContextManager[Tegu]]
THREADS: JsonObject = {
    "tegu": 1,
    "name": "threads",
    "input": "mail_thread",
    "model": "rules",
    "stages": {"extract": {"uses": "extract"}},
}


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def scope_of(tegu: Tegu) -> Scope:
    return await tegu.scope()


async def settled(tegu: Tegu, erasure: Erasure) -> Erasure:
    """The second look, which otherwise comes a minute later."""
    await erase_once(tegu.database, settle_s=0)
    return await get_erasure(await scope_of(tegu), Id(erasure_id=erasure.id))


async def rows(address: DatabaseAddress, query: str, *arguments: Any) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def sound(address: DatabaseAddress) -> None:
    assert [check for check in await check_invariants(address, rows_max=5) if check.broken] == []


def mail(number: int, sender: str, to: str, text: str, *, answers: int | None = None) -> bytes:
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    message["Subject"] = f"About {text.split(maxsplit=1)[0]}"
    message["Date"] = f"Mon, 02 Nov 2026 09:0{number}:00 +0000"
    message["Message-ID"] = f"<{number}@example.com>"
    if answers is not None:
        message["In-Reply-To"] = f"<{answers}@example.com>"
    message.set_content(text + "\n")
    message.add_attachment(
        text.encode(), maintype="text", subtype="plain", filename=f"{text.split(maxsplit=1)[0]}.txt"
    )
    return message.as_bytes()


async def test_nothing_of_a_deleted_content_is_found_anywhere_and_its_costs_stay(
    opened: Opened, address: DatabaseAddress
) -> None:
    async with (
        ScriptedProvider([Rule(Reply(Text(f"It is about {CANARY}.")))]) as server,
        opened(server) as tegu,
    ):
        found = await tegu.ingest(
            f"All about {CANARY}.", name=f"{CANARY}.txt", metadata={"who": CANARY}, external_id=CANARY
        )
        options = StartOptions(metadata={"who": CANARY}, idempotency_key=CANARY)
        [run_id] = await tegu.start(NOTE, found, options=options)
        await tegu.drive(run_id)
        run = await tegu.get_run(run_id)
        await tegu.schedules.create(
            "nightly", ScheduleSpec("note", "0 3 * * *", (ScheduledInput(found.content.id),))
        )
        before = await places_of(address, CANARY)
        assert {
            "blobs",
            "texts",
            "contents",
            "llm_calls",
            "llm_requests",
            "results",
            "stage_runs",
            "runs",
        } <= set(before)
        erasure = await delete_content(await scope_of(tegu), ContentId(content_id=found.content.id))
        assert await places_of(address, CANARY) == []
        assert (erasure.contents, erasure.runs, erasure.calls) == (1, 1, 1)
        assert erasure.size_bytes == found.content.size_bytes
        assert erasure.erased_at is not None
        assert erasure.ended_at is None
        assert (await settled(tegu, erasure)).ended_at is not None
        after = await tegu.get_run(run.id)
        assert after.status is RunStatus.COMPLETED
        assert after.totals == run.totals
        assert after.results == ()
        with pytest.raises(NotFoundError):
            await delete_content(await scope_of(tegu), ContentId(content_id=found.content.id))
        [schedule] = await tegu.schedules.list()
        assert schedule.spec.inputs == ()
        assert schedule.paused_at is not None
    [tombstone] = await rows(address, "select * from tegu.contents")
    assert tombstone["erased_at"] >= tombstone["deleted_at"]
    assert tombstone["size_bytes"] == found.content.size_bytes
    await sound(address)


async def test_bytes_that_another_content_has_stay_until_that_goes_too(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    one = await tegu.ingest(CANARY, external_id="one")
    two = await tegu.ingest(CANARY, external_id="two")
    scope = await scope_of(tegu)
    await delete_content(scope, ContentId(content_id=one.content.id))
    assert await places_of(address, CANARY) == ["blobs"]
    again = await tegu.ingest(CANARY, external_id="one")
    assert again.is_new
    for content in (two.content, again.content):
        await delete_content(scope, ContentId(content_id=content.id))
    assert await places_of(address, CANARY) == []


async def test_everything_of_one_address_goes_and_other_mail_stays(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    kept = mail(3, "carl@example.com", "desk@example.com", "Ordinary words of Carl")
    mails = (
        mail(1, "Anna <ANNA@example.com>", "desk@example.com", f"{CANARY} complains"),
        mail(2, "desk@example.com", "anna@example.com, bob@example.com", f"{CANARY} is answered", answers=1),
        kept,
    )
    mailbox = b"".join(b"From x Mon Nov  2 09:00:00 2026\n" + each + b"\n" for each in mails)
    stored = await tegu.ingest(mailbox, name="box.mbox")
    assert len(stored.messages) == 3
    await tegu.drive(await tegu.start(THREADS, stored))
    erasure = await delete_subject(await scope_of(tegu), Subject(address=" Anna@Example.com"))
    assert await places_of(address, CANARY) == []
    assert erasure.contents == 2 + 2 + 1  # mails, attachments, and the mailbox, whose bytes had them
    assert erasure.runs == 1
    assert await places_of(address, "anna@example.com") == ["erasures"]
    await settled(tegu, erasure)
    assert await places_of(address, "anna@example.com") == []
    assert "blobs" in await places_of(address, "Ordinary words of Carl")
    left = [content.message_id for content in await list_contents(await scope_of(tegu)) if content.message_id]
    assert left == ["<3@example.com>"]
    await sound(address)


async def test_a_mail_of_two_mailboxes_takes_the_bytes_of_both_along(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    shared = (
        b"From x Mon Nov  2 09:00:00 2026\n"
        + mail(1, "a@example.com", "b@example.com", f"{CANARY} here")
        + b"\n"
    )
    other = (
        b"From x Mon Nov  2 09:00:00 2026\n"
        + mail(2, "c@example.com", "d@example.com", "Plain words")
        + b"\n"
    )
    first = await tegu.ingest(shared, name="one.mbox")
    await tegu.ingest(shared + other, name="two.mbox")
    await delete_content(await scope_of(tegu), ContentId(content_id=first.content.id))
    assert await places_of(address, CANARY) == []
    assert [
        content.message_id for content in await list_contents(await scope_of(tegu)) if content.message_id
    ] == ["<2@example.com>"]


async def test_an_attachment_does_not_go_without_its_mail(tegu: Tegu) -> None:
    stored = await tegu.ingest(mail(1, "a@example.com", "b@example.com", "Plain words"), name="a.eml")
    with pytest.raises(ConflictError, match="whose bytes hold it"):
        await delete_content(await scope_of(tegu), ContentId(content_id=stored.attachments[0].id))


async def test_a_thread_loses_the_mail_and_its_runs_and_keeps_the_others(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    first = await tegu.ingest(mail(1, "a@example.com", "b@example.com", f"{CANARY} first"), name="1.eml")
    second = await tegu.ingest(
        mail(
            2,
            "b@example.com",
            "a@example.com",
            "Answer: we want to buy 20 chairs for 300 EUR, please send an offer to Anna Lind.",
            answers=1,
        ),
        name="2.eml",
    )
    run = await tegu.run(THREADS, first)
    await delete_content(await scope_of(tegu), ContentId(content_id=first.content.id))
    assert await places_of(address, CANARY) == []
    assert (await tegu.get_run(run.id)).results == ()
    again = await tegu.run(THREADS, second)
    assert again.status is RunStatus.COMPLETED, again.error
    assert again.input_name == "About Answer:"
    await sound(address)


async def test_a_run_under_way_is_ended_and_its_late_reply_brings_nothing_back(
    opened: Opened, address: DatabaseAddress
) -> None:
    async with ScriptedProvider([Rule(Reply(Text(CANARY), delay_s=1.5))]) as server, opened(server) as tegu:
        found = await tegu.ingest(f"All about {CANARY}.")
        [run_id] = await tegu.start(NOTE, found)
        driving = asyncio.create_task(tegu.drive(run_id))
        async with asyncio.timeout(20):
            while not await rows(address, "select 1 from tegu.llm_calls where status = 'sent'"):
                await asyncio.sleep(0.02)
        erasure = await delete_content(await scope_of(tegu), ContentId(content_id=found.content.id))
        assert await places_of(address, CANARY) == []
        assert await driving is RunStatus.CANCELLED
        run = await tegu.get_run(run_id)
        assert run.status is RunStatus.CANCELLED
        assert run.error is not None
        assert run.error.code == "erased"
        await asyncio.sleep(2)  # until the provider has answered
        assert await places_of(address, CANARY) == []
        await settled(tegu, erasure)
    await sound(address)


async def test_a_zombies_reply_is_counted_and_not_kept(tegu: Tegu, address: DatabaseAddress) -> None:
    found = await tegu.ingest(f"All about {CANARY}.")
    [run_id] = await tegu.start(NOTE | {"model": "rules"}, found)
    pool = await tegu._runtime.database.engine()
    request = ModelRequest(ModelRef("scripted", "one"), f"Say {CANARY}.")
    ledgers = [
        StoredLedger(pool, CallPlace(found.content.organization_id, run_id, stage))
        for stage in ("say", "more")
    ]
    calls = [await ledger.begin(request, ordinal=1, attempt=1) for ledger in ledgers]
    await delete_content(await scope_of(tegu), ContentId(content_id=found.content.id))
    usage = Usage(input_tokens=30, output_tokens=7, raw={})
    reply = ModelReply(CANARY, "stop", usage, None, metadata={"said": CANARY})
    assert (await ledgers[0].replied(calls[0], reply, latency_ms=5)).text == CANARY
    await ledgers[0].judged(calls[0], accepted=False, problems=(f"{CANARY} is no number",))
    with pytest.raises(ProviderError) as refused:
        await ledgers[0].begin(request, ordinal=2, attempt=1)
    assert refused.value.code == "erased"
    assert await places_of(address, CANARY) == []
    totals = (await tegu.get_run(run_id)).totals
    assert (totals.calls, totals.input_tokens, totals.output_tokens) == (2, 30, 7)
    await sound(address)


async def test_a_deletion_is_carried_on_by_whoever_comes(tegu: Tegu, address: DatabaseAddress) -> None:
    stored = await tegu.ingest(
        b"".join(
            b"From x Mon Nov  2 09:00:00 2026\n"
            + mail(n, "a@example.com", "b@example.com", f"{CANARY} {n}")
            + b"\n"
            for n in range(1, 6)
        ),
        name="box.mbox",
    )
    await tegu.start(THREADS, stored)
    scope = await scope_of(tegu)
    pool = await tegu._runtime.database.engine()
    async with scope.transaction() as connection:
        erasure_id = await insert_erasure(connection, scope.organization_id, content=stored.content)
    while await Eraser(
        pool, (scope.organization_id, erasure_id), settle_s=60
    ).step():  # a new process each time
        pass
    assert await places_of(address, CANARY) == []
    assert (await get_erasure(scope, Id(erasure_id=erasure_id))).ended_at is None
    await erase_once(tegu.database, settle_s=0)
    found = await get_erasure(scope, Id(erasure_id=erasure_id))
    assert (found.contents, found.runs) == (1 + 5 + 5, 5)
    assert found.ended_at is not None
    await sound(address)


def test_every_run_that_has_not_ended_may_become_cancelled() -> None:
    assert all(RunStatus.CANCELLED in RUN_MOVES[status] for status in RunStatus if not status.is_terminal), (
        "cut_runs.sql does so"
    )
