"""What actions list and read: page by page, filtered, and only what the actor may see."""

from collections.abc import AsyncGenerator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from action_lab import ask, everything, keyed, pipeline

from tegu.app import Tegu
from tegu.domain.errors import DefinitionError, NotFoundError, UsageError
from tegu.domain.ids import new_id
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def runs_of(tegu: Tegu, name: str, count: int) -> list[UUID]:
    return [(await tegu.run(pipeline(name), f"Please refund EUR {i}.00 to me.")).id for i in range(count)]


async def test_pages_of_results_stage_runs_and_calls_have_every_row_once(tegu: Tegu) -> None:
    ids = await runs_of(tegu, "note", 4)
    scope = await tegu.scope()
    for name in ("results.list", "stage_runs.list", "calls.list"):
        whole = (await ask(scope, name, limit=100)).items
        assert len(whole) >= 8, name
        assert await everything(scope, name) == list(whole), name
        assert await everything(scope, name, sort="created_at") == list(reversed(whole)), name
        mine = await everything(scope, name, run_id=ids[1])
        assert {each.run_id for each in mine} == {ids[1]}, name
    assert {each.stage for each in await everything(scope, "results.list", stage="kind")} == {"kind"}
    assert await everything(scope, "results.list", pipeline="another") == []
    assert await everything(scope, "stage_runs.list", status="failed") == []


async def test_a_result_is_read_by_the_id_that_lists_give_it(tegu: Tegu) -> None:
    await runs_of(tegu, "note", 2)
    scope = await tegu.scope()
    found = await everything(scope, "results.list")
    for result in found:
        assert await ask(scope, "results.get", result_id=result.id) == result
    for unknown in ("x", f"{new_id()}.{'0' * 20}", f"{found[0].run_id}.{'0' * 20}"):
        with pytest.raises(NotFoundError, match="result"):
            await ask(scope, "results.get", result_id=unknown)


async def test_a_call_is_read_with_what_was_sent_and_what_came_back(tegu: Tegu) -> None:
    await runs_of(tegu, "note", 1)
    scope = await tegu.scope()
    call, *_ = await everything(scope, "calls.list", provider="rules", status="completed")
    found = await ask(scope, "calls.get", call_id=call.id)
    assert found.call == call
    assert "refund" in str(found.exchange.request)
    assert found.exchange.reply is not None


async def test_a_key_for_some_pipelines_sees_nothing_of_the_others(tegu: Tegu) -> None:
    (mine,), (theirs,) = await runs_of(tegu, "mine", 1), await runs_of(tegu, "theirs", 1)
    scope = await tegu.scope()
    key = keyed(scope, "mine")
    for name in ("results.list", "stage_runs.list", "calls.list"):
        assert {each.run_id for each in await everything(scope, name)} == {mine, theirs}
        assert {each.run_id for each in await everything(key, name)} == {mine}, name
    for name in ("pipelines.list", "pipeline_versions.list"):
        assert [version.name for version in await everything(key, name)] == ["mine"], name
    hidden: dict[str, dict[str, Any]] = {
        "pipelines.get": {"pipeline": "theirs"},
        "pipeline_versions.get": {"version_id": (await tegu.pipeline("theirs")).id},
        "pipelines.create": {"document": pipeline("theirs")},
        "results.get": {"result_id": (await everything(scope, "results.list", run_id=theirs))[0].id},
        "calls.get": {"call_id": (await everything(scope, "calls.list", run_id=theirs))[0].id},
        "runs.start": {"pipeline": "theirs", "content_ids": [(await tegu.ingest("A note.")).content.id]},
    }
    for name, said in hidden.items():
        with pytest.raises(NotFoundError) as refused:
            await ask(key, name, **said)
        assert "theirs" not in (refused.value.hint or "")
    assert (await ask(key, "pipelines.get", pipeline="mine")).name == "mine"


async def test_pipelines_that_ship_with_tegu_are_listed_before_their_first_use(tegu: Tegu) -> None:
    scope = await tegu.scope()
    names = [version.name for version in await everything(scope, "pipelines.list")]
    assert "email_analysis" in names
    assert names == sorted(names)


async def test_a_document_is_checked_without_being_stored_and_published_once(tegu: Tegu) -> None:
    scope = await tegu.scope()
    wrong = await ask(scope, "pipelines.check", text="tegu: 1\nname: x\nstages: {a: {uses: nothing}}\n")
    assert (wrong.is_ok, wrong.hash) == (False, None)
    assert any("nothing" in problem.message for problem in wrong.problems)
    with pytest.raises(DefinitionError, match="nothing"):
        await ask(scope, "pipelines.create", text="tegu: 1\nname: x\nstages: {a: {uses: nothing}}\n")
    fine = await ask(scope, "pipelines.check", document=pipeline("note"))
    assert (fine.is_ok, fine.name) == (True, "note")
    with pytest.raises(NotFoundError):
        await ask(scope, "pipelines.get", pipeline="note")
    first = await ask(scope, "pipelines.create", document=pipeline("note"))
    again = await ask(scope, "pipelines.create", document=pipeline("note"))
    assert (first.id, first.hash) == (again.id, fine.hash)
    changed = await ask(scope, "pipelines.create", document=pipeline("note") | {"description": "New."})
    assert changed.number == 2
    assert [v.number for v in await everything(scope, "pipeline_versions.list", pipeline="note")] == [2, 1]


async def test_the_text_of_a_content_is_read_in_stretches(tegu: Tegu) -> None:
    content = (await tegu.ingest("abcdefghij" * 30)).content
    scope = await tegu.scope()
    stretch = await ask(scope, "contents.text", content_id=content.id, start=295, length=100)
    assert (stretch.text, stretch.start, stretch.end, stretch.characters) == ("fghij", 295, 300, 300)
    again = await ask(scope, "contents.text", content_id=content.id)
    assert again.text == "abcdefghij" * 30
    past = await ask(scope, "contents.text", content_id=content.id, start=900)
    assert (past.text, past.start, past.end) == ("", 900, 900)


async def test_mail_threads_are_listed_and_read_oldest_first(tegu: Tegu) -> None:
    for number in (2, 1):
        message = EmailMessage()
        message["Subject"] = "Charged twice"
        message["Date"] = f"Mon, 02 Nov 2026 09:0{number}:00 +0000"
        message["Message-ID"] = f"<{number}@example.com>"
        if number == 2:
            message["In-Reply-To"] = "<1@example.com>"
        message.set_content(f"This is message {number}.\n")
        await tegu.ingest(message.as_bytes())
    scope = await tegu.scope()
    (thread,) = await everything(scope, "threads.list", subject="TWICE")
    assert (thread.subject, thread.messages) == ("Charged twice", 2)
    found = await ask(scope, "threads.get", thread_id=thread.id)
    assert [each.message_id for each in found.messages] == ["<1@example.com>", "<2@example.com>"]
    assert await everything(scope, "threads.list", subject="100%") == []
    with pytest.raises(NotFoundError):
        await ask(scope, "threads.get", thread_id=new_id())


async def test_a_cursor_that_is_not_ours_is_refused_in_a_sentence(tegu: Tegu) -> None:
    scope = await tegu.scope()
    for name in ("results.list", "stage_runs.list", "calls.list", "pipelines.list", "pipeline_versions.list"):
        for cursor in ("x", "WyJhIl0x", "WyJcdTAwMDAiXQ", "W10", "é"):
            with pytest.raises(UsageError, match="cursor"):
                await ask(scope, name, cursor=cursor)
