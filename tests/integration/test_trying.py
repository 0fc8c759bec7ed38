"""A document that nobody has published is run over one input: to its end or to a stage, and its name means what it meant."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import uuid4

import pytest
from action_lab import ask, everything, keyed
from rerun_lab import MAIL, TRIAGE, asked, changed, finished, scripted

from tegu import Tegu
from tegu.domain.actor import Role
from tegu.domain.errors import DefinitionError, ForbiddenError, NotFoundError, UsageError
from tegu.pipeline.builtin import builtin_documents

Opened = Callable[..., AbstractAsyncContextManager[Tegu]]


async def tried(tegu: Tegu, document: Any = TRIAGE, **said: Any) -> Any:
    scope = await tegu.scope()
    if "content_id" not in said:
        said["content_id"] = (await tegu.ingest(MAIL)).content.id
    return await ask(scope, "pipelines.try", document=document, **said)


async def test_a_document_runs_to_a_stage_and_what_does_not_lead_to_it_is_not_asked(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        made = await tried(tegu, up_to="answer")
        assert made.stages == ("extract", "classify", "answer")
        run = await finished(tegu, made.run_id)
        assert asked(server) == ["ANSWER", "CLASSIFY", "EXTRACT"]
        assert set(run.stage_outputs) == {"extract", "classify", "answer"}
        assert run.totals.calls == 3


async def test_what_has_not_changed_since_the_last_try_is_not_paid_again(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        first = await finished(tegu, (await tried(tegu, up_to="classify")).run_id)
        server.ledger.clear()
        document = changed(TRIAGE, "answer", instructions="ANSWER, in French")
        made = await tried(tegu, document, up_to="answer", content_id=first.content_id, reuse_from=first.id)
        run = await finished(tegu, made.run_id)
        assert asked(server) == ["ANSWER", "EXTRACT"]
        assert {each.stage for each in run.stages if each.reused_from is not None} == {"classify"}


async def test_the_name_of_a_new_pipeline_means_nothing_until_it_is_published(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        scope = await tegu.scope()
        made = await tried(tegu)
        assert (made.pipeline, made.version) == ("triage", -1)
        with pytest.raises(NotFoundError, match="there is no pipeline 'triage'"):
            await ask(scope, "pipelines.get", pipeline="triage")
        assert "triage" not in {each.name for each in await everything(scope, "pipelines.list")}
        assert await everything(scope, "pipeline_versions.list", pipeline="triage") == []
        drafts = await everything(scope, "pipeline_versions.list", pipeline="triage", include_drafts=True)
        assert [(each.label, each.is_draft, each.is_current) for each in drafts] == [("draft", True, False)]
        draft = await ask(scope, "pipelines.get", pipeline="triage@-1")
        assert draft.document["name"] == "triage"  # whose runs are looked at
        published = await ask(scope, "pipelines.create", document=TRIAGE)
        assert (published.number, published.is_draft, published.is_current) == (1, False, True)
        assert (await tegu.get_run(made.run_id)).version_label == "v1"  # what was tried is what is published


async def test_running_a_document_of_which_there_is_only_a_draft_publishes_it(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        await tried(tegu)
        await tegu.run(TRIAGE, MAIL)
        current = await ask(await tegu.scope(), "pipelines.get", pipeline="triage")
        assert (current.number, current.is_draft) == (1, False)


async def test_a_draft_of_a_published_pipeline_is_beside_what_the_name_means(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        scope = await tegu.scope()
        await ask(scope, "pipelines.create", document=TRIAGE)
        other = changed(TRIAGE, "check", instructions="CHECK twice")
        first, second = changed(TRIAGE, "check", instructions="CHECK once"), other
        tries = [await tried(tegu, each) for each in (first, second)]
        runs = [await tegu.get_run(each.run_id) for each in tries]
        assert [(each.version, each.version_label) for each in runs] == [
            (-1, "v1, edited"),
            (-2, "v1, edited"),
        ]
        assert (await ask(scope, "pipelines.get", pipeline="triage")).number == 1
        assert [each.number for each in await everything(scope, "pipeline_versions.list")] == [1]
        made = await ask(scope, "pipelines.create", document=second)
        assert (made.number, made.label, made.is_draft, made.is_current) == (2, "v2", False, True)
        assert (await tegu.get_run(tries[1].run_id)).version_label == "v2"


async def test_a_draft_of_one_that_ships_with_tegu_is_never_its_first_version(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        text = builtin_documents()["document_extraction"] + "  brief: {uses: summarize}\n"
        content_id = (await tegu.ingest(MAIL)).content.id
        scope = await tegu.scope()
        made = await ask(scope, "pipelines.try", text=text, content_id=content_id, model="rules")
        assert made.version == -1
        current = await ask(scope, "pipelines.get", pipeline="document_extraction")
        assert (current.number, "brief" in current.document["stages"]) == (1, False)


async def test_what_cannot_be_tried_is_refused_and_nothing_is_stored(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        scope = await tegu.scope()
        with pytest.raises(DefinitionError):
            await tried(tegu, TRIAGE | {"stages": {"answer": {"uses": "prompt"}}})
        with pytest.raises(NotFoundError, match="there is no stage 'anser'"):
            await tried(tegu, up_to="anser")
        with pytest.raises(NotFoundError, match="there is no content"):
            await tried(tegu, content_id=uuid4())
        first = await tried(tegu, changed(TRIAGE, "check", instructions="CHECK first"))
        other = (await tegu.ingest("Another note.")).content.id
        with pytest.raises(UsageError, match="is over another input"):
            await tried(tegu, content_id=other, reuse_from=first.run_id)
        drafts = await everything(scope, "pipeline_versions.list", pipeline="triage", include_drafts=True)
        assert len(drafts) == 1


async def test_whoever_reads_pipelines_tries_none(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        scope = keyed(await tegu.scope(), role=Role.VIEWER)
        with pytest.raises(ForbiddenError):
            await ask(scope, "pipelines.try", document=TRIAGE, content_id=uuid4())
        other = keyed(await tegu.scope(), "another")
        with pytest.raises(NotFoundError, match="there is no pipeline 'triage'"):
            await ask(other, "pipelines.try", document=TRIAGE, content_id=uuid4())


async def test_kinds_say_what_they_are_for_and_what_can_be_set(opened: Opened) -> None:
    async with scripted() as server, opened(server) as tegu:
        kinds = {each.name: each for each in await everything(await tegu.scope(), "stage_kinds.list")}
        assert kinds["extract"].summary.startswith("values out of a text")
        assert "labels" in kinds["classify"].options["properties"]
        assert kinds["http"].group == "effect"
        assert all(each.summary and each.options["type"] == "object" for each in kinds.values())
        schema = await ask(await tegu.scope(), "stage_kinds.schema")
        assert set(schema["definitions"]["stage"]["properties"]["uses"]["enum"]) == set(kinds)
