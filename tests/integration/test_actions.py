"""What the library's methods do on a real database: ingest, start, follow, cancel."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import asyncpg
import pytest

from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.domain.content import SourceType
from tegu.domain.errors import ConflictError, IntakeError, NotFoundError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

NOTE: JsonObject = {
    "tegu": 1,
    "name": "note",
    "input": "content",
    "model": "rules",
    "stages": {"summary": {"uses": "summarize"}},
}


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def count(address: DatabaseAddress, table: str) -> int:
    connection = await asyncpg.connect(address.owner)
    try:
        return await connection.fetchval(f"select count(*) from tegu.{table}")
    finally:
        await connection.close()


def mail(number: int, *, answers: int | None = None, attachment: bytes | None = None) -> bytes:
    message = EmailMessage()
    message["From"] = "Anna Lind <anna@example.com>"
    message["To"] = "support@shop.example"
    message["Subject"] = "Charged twice" if answers is None else "Re: Charged twice"
    message["Date"] = f"Mon, 02 Nov 2026 09:0{number}:00 +0000"
    message["Message-ID"] = f"<{number}@example.com>"
    if answers is not None:
        message["In-Reply-To"] = f"<{answers}@example.com>"
    message.set_content(f"I was charged twice. This is message {number}.\n")
    if attachment is not None:
        message.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="a.bin")
    return message.as_bytes()


async def test_text_bytes_and_files_have_their_source_types(tegu: Tegu, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("A note.", "utf-8")
    file = (await tegu.ingest(path, metadata={"customer": "x"})).content
    api = (await tegu.ingest("Some text.")).content
    manual = (await tegu.ingest("Typed text.", source_type=SourceType.MANUAL)).content
    email = (await tegu.ingest(mail(1))).content
    assert [c.source_type.value for c in (file, api, manual, email)] == ["file", "api", "manual", "email"]
    assert (file.name, file.metadata, file.media_type) == ("note.txt", {"customer": "x"}, "text/plain")


async def test_the_same_file_is_stored_once(tegu: Tegu, address: DatabaseAddress) -> None:
    first, again = await tegu.ingest("A note."), await tegu.ingest("A note.")
    assert (first.is_new, again.is_new, first.content.id == again.content.id) == (True, False, True)
    assert await count(address, "contents") == 1


async def test_two_that_ingest_the_same_at_once_store_it_once(tegu: Tegu, address: DatabaseAddress) -> None:
    found = await asyncio.gather(*(tegu.ingest(mail(1)) for _ in range(4)))
    assert len({item.content.id for item in found}) == 1
    assert await count(address, "contents") == 1
    assert await count(address, "mail_threads") == 1


async def test_mails_are_threaded_whichever_comes_first_and_keep_their_attachments(tegu: Tegu) -> None:
    answer = await tegu.ingest(mail(2, answers=1, attachment=b"\x00\x01binary"))
    question = await tegu.ingest(mail(1))
    assert [thread.messages for thread in question.threads] == [2]
    assert question.threads[0].id == answer.threads[0].id
    assert [(a.name, a.media_type) for a in answer.attachments] == [("a.bin", "application/octet-stream")]
    assert answer.attachments[0].parent_id == answer.content.id


async def test_a_mailbox_makes_a_run_per_thread_or_per_message(tegu: Tegu) -> None:
    separator = b"From anna@example.com Mon Nov  2 09:00:00 2026\n"
    mailbox = b"".join(separator + m + b"\n" for m in (mail(1), mail(2, answers=1), mail(3)))
    ingested = await tegu.ingest(mailbox, name="support.mbox")
    assert len(ingested.messages) == 3
    assert sorted(thread.messages for thread in ingested.threads) == [1, 2]
    per_thread = await tegu.start("email_analysis", ingested)
    per_message = await tegu.start(NOTE, ingested)
    assert (len(per_thread), len(per_message)) == (2, 3)
    statuses = await tegu.drive([*per_thread, *per_message], timeout_s=60)
    assert set(statuses.values()) == {RunStatus.COMPLETED}


async def test_what_cannot_be_read_stores_nothing(tegu: Tegu, address: DatabaseAddress) -> None:
    for data in (b"", b"PK\x03\x04 a zip", bytes(range(256)) * 20):
        with pytest.raises(IntakeError):
            await tegu.ingest(data)
    assert await count(address, "contents") == 0
    assert await count(address, "blobs") == 0


async def test_the_same_idempotency_key_gives_the_same_run_and_another_body_a_conflict(tegu: Tegu) -> None:
    ingested, other = await tegu.ingest("A note about a refund."), await tegu.ingest("Another note.")
    options = StartOptions(idempotency_key="order-1")
    started = await asyncio.gather(*(tegu.start(NOTE, ingested, options=options) for _ in range(8)))
    assert len(set(started)) == 1
    with pytest.raises(ConflictError, match="order-1"):
        await tegu.start(NOTE, other, options=options)
    assert len(await tegu.list_runs()) == 1


async def test_events_can_be_followed_to_the_end(tegu: Tegu) -> None:
    ingested = await tegu.ingest("Please refund EUR 10.00. Thank you.")
    run_ids = await tegu.start(NOTE, ingested)
    driving = asyncio.create_task(tegu.drive(run_ids))
    events = [event async for event in tegu.follow(run_ids)]
    await driving
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert (events[0].kind, events[-1].kind) == ("run.started", "run.completed")


async def test_a_finished_run_cannot_be_cancelled(tegu: Tegu) -> None:
    run = await tegu.run(NOTE, "Please refund EUR 10.00.")
    with pytest.raises(ConflictError, match="completed already"):
        await tegu.cancel(run.id)
    with pytest.raises(NotFoundError):
        await tegu.cancel(new_id())


async def test_a_file_that_is_no_mail_is_refused_by_a_pipeline_over_threads(tegu: Tegu) -> None:
    with pytest.raises(UsageError, match="takes mail threads"):
        await tegu.start("email_analysis", "Just a note.")
    assert await tegu.list_runs() == []


async def test_an_unnamed_pipeline_is_refused_and_an_unknown_name_lists_what_there_is(tegu: Tegu) -> None:
    with pytest.raises(NotFoundError) as caught:
        await tegu.pipeline("email_analisys")
    assert "email_analysis" in (caught.value.hint or "")


async def test_the_order_of_labels_survives_storage(tegu: Tegu) -> None:
    labels: JsonObject = {"zebra": "z", "apple": "a", "mango": "m"}
    document: JsonObject = {
        **NOTE,
        "name": "o",
        "stages": {"c": {"uses": "classify", "with": {"labels": labels}}},
    }
    await tegu.pipeline(document)
    stored = (await tegu.pipeline("o")).definition.stage("c").config["labels"]
    assert isinstance(stored, dict)
    assert list(stored) == ["zebra", "apple", "mango"]


async def test_a_mailbox_is_stored_whatever_ids_and_subjects_its_senders_chose(tegu: Tegu) -> None:
    subject = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(1500))
    long_id = "".join(chr(0x4E00 + number * 104_729 % 20_000) for number in range(900))
    head = "From: a@example.com\nDate: Mon, 02 Nov 2026 09:00:00 +0000\n"
    first = f"{head}Subject: {subject}\nMessage-ID: <{long_id}@x>\n\nOne.\n"
    answer = f"{head}Subject: Re: x\nMessage-ID: <2@x>\nIn-Reply-To: <{long_id}@x>\n\nTwo.\n"
    ingested = await tegu.ingest(
        "".join(f"From a@example.com Mon Nov  2 09:00:00 2026\n{m}\n" for m in (first, answer)).encode()
    )
    assert [thread.messages for thread in ingested.threads] == [2]
    again = await tegu.ingest(first.encode())
    assert (again.is_new, again.content.id) == (False, ingested.messages[0].id)


@pytest.mark.parametrize("external_id", ["a\0b", "a\ud800", "x" * 5000])
async def test_an_external_id_that_cannot_be_stored_is_refused_in_a_sentence(
    tegu: Tegu, external_id: str
) -> None:
    with pytest.raises(UsageError, match="external id"):
        await tegu.ingest("A note.", external_id=external_id)


async def test_what_no_database_can_hold_is_refused_in_a_sentence(tegu: Tegu) -> None:
    for looked_for in (tegu.list_runs(pipeline="a\0b"), tegu.list_results(type="a\ud800")):
        with pytest.raises(UsageError, match="cannot be stored or looked for"):
            await looked_for
    with pytest.raises(UsageError, match="`limit` is -1"):
        await tegu.list_runs(limit=-1)
    with pytest.raises(UsageError, match="names no version"):
        await tegu.pipeline("note@99999999999999999999")


async def test_another_organization_can_neither_see_a_run_nor_use_its_version(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    run = await tegu.run(NOTE, "Please refund EUR 10.00.")
    version = await tegu.pipeline("note")
    settings = replace(tegu.settings, organization="another")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as other:
        for refused in (other.get_run(run.id), other.cancel(run.id), other.start(version, "A note.")):
            with pytest.raises(NotFoundError):
                await refused
        assert await other.list_runs() == []
    assert await count(address, "runs") == 1


async def test_what_the_rules_could_not_do_cost_nothing(tegu: Tegu) -> None:
    document: JsonObject = {
        "tegu": 1,
        "name": "unfillable",
        "stages": {"ask": {"uses": "extract", "with": {"schema": {"reason": "str"}}}},
    }
    run = await tegu.run(document, "Nothing of the kind.")
    (listed,) = await tegu.list_runs()
    assert run.status is RunStatus.FAILED
    assert (run.totals.calls, run.totals.unknown_costs, run.totals.cost_usd) == (1, 0, 0)
    assert listed.totals == run.totals
