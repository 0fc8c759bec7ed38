"""Conditions over what a run is about: metadata of its content, the subject of its thread, and the run itself."""

import json
from typing import Any

import pytest

from tegu import StartOptions, Tegu
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus, StageStatus
from tegu.pipeline.facts import FACT_SCHEMAS
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

MAIL = b"From: Ana <ana@acme.example>\r\nSubject: A refund\r\nMessage-ID: <1@acme.example>\r\n\r\nPlease pay me back.\r\n"


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Any) -> Any:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings) as opened:
        yield opened


def document(*conditions: str, **more: Any) -> JsonObject:
    stages: JsonObject = {f"s{i}": {"uses": "summarize", "when": when} for i, when in enumerate(conditions)}
    return {"tegu": 1, "name": "facts", "input": "content", "stages": stages, **more}


async def ran(tegu: Tegu, pipeline: JsonObject, source: Any) -> list[StageStatus]:
    run = await tegu.run(pipeline, source)
    assert run.status is RunStatus.COMPLETED, run.error
    return [stage.status for stage in run.stages]


async def test_a_stage_runs_where_the_metadata_of_the_content_says_so(tegu: Tegu) -> None:
    pipeline = document(
        "content.metadata.customer == 'acme' && content.metadata.seats > 3",
        "has(content.metadata.vip)",
        "content.name == 'note.txt' && content.media_type == 'text/plain' && content.size_bytes == 12",
        "content.external_id == 'N-1' || content.source_type == 'email'",
        "run.triggered_by == 'library' && run.id != '' && !has(run.metadata.x)",
    )
    acme = await tegu.ingest(
        b"Twelve signs", name="note.txt", external_id="N-1", metadata={"customer": "acme", "seats": 4}
    )
    other = await tegu.ingest(b"Twelve sighs", name="note.txt", metadata={"customer": "b", "seats": 4})
    yes, no = StageStatus.COMPLETED, StageStatus.SKIPPED
    assert await ran(tegu, pipeline, acme) == [yes, no, yes, yes, yes]
    assert await ran(tegu, pipeline, other) == [no, no, yes, no, yes]


async def test_a_key_that_the_metadata_lacks_fails_the_stage_and_is_not_taken_for_false(tegu: Tegu) -> None:
    run = await tegu.run(document("content.metadata.customer == 'acme'"), "A note.")
    assert run.error is not None
    assert (run.error.code, run.stages[0].status) == ("condition_failed", StageStatus.FAILED)
    assert "no key 'customer'" in run.error.message


async def test_a_thread_is_known_by_its_subject(tegu: Tegu) -> None:
    pipeline = document("thread.subject == 'A refund'", "thread.subject == 'An order'", input="mail_thread")
    mail = await tegu.ingest(MAIL, name="mail.eml")
    assert await ran(tegu, pipeline, mail) == [StageStatus.COMPLETED, StageStatus.SKIPPED]


async def test_the_fields_that_the_check_knows_are_those_that_are_read(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    from asyncpg import connect

    from tegu.storage.statements import statement

    content = await tegu.ingest("A note.")
    mail = await tegu.ingest(MAIL, name="mail.eml")
    threads = document("run.id != ''", input="mail_thread", name="threads")
    [one], [two] = await tegu.start(document("run.id != ''"), content), await tegu.start(threads, mail)
    connection = await connect(address.owner)
    try:
        for run_id, absent in ((one, "thread"), (two, "content")):
            organization = (await tegu.scope()).organization_id
            facts = json.loads(await connection.fetchval(statement("load_facts"), organization, run_id))
            assert facts.pop(absent) is None
            for name, found in facts.items():
                properties = FACT_SCHEMAS[name]["properties"]
                assert isinstance(properties, dict)
                assert found.keys() == properties.keys()
    finally:
        await connection.close()


async def test_runs_have_the_priority_of_their_pipeline_unless_they_are_started_with_another(
    tegu: Tegu,
) -> None:
    pipeline = document("run.id != ''", priority="high")
    [usual] = await tegu.start(pipeline, "A note.")
    [low] = await tegu.start(pipeline, "A note.", options=StartOptions(priority="low"))
    assert [(await tegu.get_run(each)).priority for each in (usual, low)] == [3, -3]
