"""What a run is about: read once, remembered, and the same after a crash."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from stage_support import ANSWER, INVOICE, MAIL, ORGANIZATION, STARTED, Bench, MemoryStore, task_of

from tegu.domain.content import InputKind
from tegu.domain.errors import ErrorInfo, IntakeError, StageError
from tegu.intake.documents import PARSER_VERSION
from tegu.intake.sandbox import Limits
from tegu.pipeline.definition import StageDefinition
from tegu.stages.source import Sources
from tegu.storage.sources import StoredText

STAGE = StageDefinition("parse", "parse")


async def test_a_content_is_read_once_for_all_stages_of_a_run_that_ask_at_once() -> None:
    store = MemoryStore()
    content = store.add(INVOICE.encode())
    sources = Sources(store)
    task = task_of(STAGE, content=content)
    documents = await asyncio.gather(*(sources.document(task) for _ in range(3)))
    assert store.data_reads == 1
    assert {document.text for document in documents} == {documents[0].text}
    assert "INV-2026-0042" in documents[0].text
    assert documents[0].content_id == content.id


async def test_another_process_takes_the_stored_text_and_sees_the_same_document() -> None:
    store = MemoryStore()
    task = task_of(STAGE, content=store.add(b"A\x00B \xf0\x9f\xa6\x8e end", name="a.txt"))
    first = await Sources(store).document_text(task)
    again = await Sources(store).document_text(task)
    assert store.data_reads == 1
    assert first == again
    assert "\x00" not in first.text


async def test_equal_bytes_keep_their_own_names() -> None:
    store = MemoryStore()
    sources = Sources(store)
    names = [
        (await sources.document(task_of(STAGE, content=store.add(b"same", name=name)))).name
        for name in ("a.txt", "b.txt")
    ]
    assert names == ["a.txt", "b.txt"]


async def test_a_file_that_cannot_be_read_is_tried_once_and_fails_the_stage_for_good() -> None:
    bench = Bench()
    task = task_of(STAGE, content=bench.store.add(b"%PDF-1.7 and nothing more", "application/pdf", "x.pdf"))
    first = await bench.failed(task)
    again = await bench.failed(task)
    assert not first.transient
    assert first.error.hint
    assert first == again
    assert bench.store.data_reads == 1


async def test_reading_that_took_too_long_is_not_remembered() -> None:
    store = MemoryStore()
    latin = INVOICE.encode() + b" caf\xe9"  # short text in UTF-8 needs no reading that could take long
    task = task_of(STAGE, content=store.add(latin))
    with pytest.raises(IntakeError) as error:
        await Sources(store, limits=Limits(wall_s=0.001)).document(task)
    assert error.value.code == "timeout"
    assert not store.texts
    assert (await Sources(store).document(task)).text


async def test_a_thread_holds_its_mails_in_order_with_what_was_written_anew() -> None:
    store = MemoryStore()
    task = task_of(STAGE, thread_id=store.add_thread("Refund for order A-1001", MAIL, ANSWER))
    thread = await Sources(store).mail_thread(task)
    assert thread.subject == "Refund for order A-1001"
    assert [message.message_id for message in thread.messages] == [
        "<one@customer.example>",
        "<two@shop.example>",
    ]
    assert thread.messages[1].reply == "We are sorry. The refund is on its way."
    assert all(message.content_id in store.contents for message in thread.messages)
    assert await Sources(store).mail_thread(task) == thread
    assert store.data_reads == 2


async def test_a_mail_that_arrives_after_the_start_of_a_run_is_not_in_it() -> None:
    store = MemoryStore()
    thread_id = store.add_thread("Refund", MAIL)
    store.append(thread_id, ANSWER, at=STARTED + timedelta(seconds=5))
    thread = await Sources(store).mail_thread(task_of(STAGE, thread_id=thread_id))
    assert len(thread.messages) == 1


async def test_one_mail_is_a_thread_of_one_for_a_thread_pipeline_and_a_document_for_the_others() -> None:
    store = MemoryStore()
    content = store.add(MAIL, "message/rfc822", "one.eml")
    sources = Sources(store)
    thread = await sources.mail_thread(task_of(STAGE, content=content, input_kind=InputKind.MAIL_THREAD))
    document = await sources.document(task_of(STAGE, content=content))
    assert [message.sender for message in thread.messages] == ["Maria Lopez <maria@customer.example>"]
    assert document.metadata["subject"] == "Refund for order A-1001"
    assert "my kettle arrived broken" in document.text
    assert store.data_reads == 1


async def test_a_text_given_to_a_thread_pipeline_is_refused_with_a_hint() -> None:
    store = MemoryStore()
    task = task_of(STAGE, content=store.add(b"no mail"), input_kind=InputKind.MAIL_THREAD)
    with pytest.raises(StageError, match="the pipeline reads e-mails") as error:
        await Sources(store).mail_thread(task)
    assert error.value.hint


async def test_a_deleted_content_fails_the_stage_for_good() -> None:
    bench = Bench()
    content = bench.store.add(b"gone soon")
    del bench.store.contents[content.id]
    outcome = await bench.failed(task_of(STAGE, content=content))
    assert (outcome.error.code, outcome.transient) == ("not_found", False)


async def test_memory_holds_only_so_many_characters() -> None:
    store = MemoryStore()
    sources = Sources(store, cache_characters_max=250)
    tasks = [task_of(STAGE, content=store.add(bytes([65 + n]) * 100)) for n in range(4)]
    for task in tasks:
        await sources.document(task)
    assert len(sources._cache) == 2
    assert (await sources.document(tasks[0])).text == "A" * 100
    assert store.data_reads == 4  # the store still had it


async def test_one_mail_that_cannot_be_read_fails_the_thread_and_is_named() -> None:
    store = MemoryStore()
    thread_id = store.add_thread("Refund", MAIL, ANSWER)
    broken = store.contents[store.threads[thread_id][1][1]]
    stored = StoredText(None, ErrorInfo("hostile", "reading this broke the reader", hint="open it elsewhere"))
    store.texts[(ORGANIZATION, broken.sha256, broken.media_type, PARSER_VERSION)] = stored
    store.contents[broken.id] = replace(broken, name="file.eml")
    with pytest.raises(
        IntakeError, match=r"e-mail file\.eml of the thread cannot be read: reading this broke"
    ):
        await Sources(store).mail_thread(task_of(STAGE, thread_id=thread_id))


async def test_a_stored_text_of_another_shape_is_read_anew() -> None:
    store = MemoryStore()
    content = store.add(INVOICE.encode())
    store.texts[(ORGANIZATION, content.sha256, content.media_type, PARSER_VERSION)] = StoredText(
        {"x": 1}, None
    )
    assert "INV-2026-0042" in (await Sources(store).document(task_of(STAGE, content=content))).text
