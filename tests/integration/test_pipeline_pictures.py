"""Drawing pipelines through the actions: of what is stored, of a document, of a run."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from action_lab import ask, keyed, pipeline
from pydantic import ValidationError

from tegu import Tegu
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.errors import DefinitionError, ForbiddenError, NotFoundError
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


@pytest.fixture
async def scope(tegu: Tegu) -> Scope:
    return await tegu.scope()


def scoped(scope: Scope, *permissions: Permission) -> Scope:
    """A key with these scopes alone."""
    key = keyed(scope)
    return replace(key, actor=replace(key.actor, scopes=frozenset(permissions)))


async def test_a_version_and_a_document_are_drawn_alike(scope: Scope) -> None:
    await ask(scope, "pipelines.create", document=pipeline("notes"))
    stored = await ask(scope, "pipelines.draw", pipeline="notes@1")
    given = await ask(scope, "pipelines.draw", document=pipeline("notes"))
    assert (stored.number, given.number) == (1, None)
    assert stored.text == given.text
    assert stored.text.startswith("flowchart TD\n")
    svg = await ask(scope, "pipelines.draw", pipeline="notes", format="svg")
    assert ET.fromstring(svg.text).tag == "{http://www.w3.org/2000/svg}svg"


async def test_a_run_is_drawn_as_it_stands_on_its_own_version(tegu: Tegu, scope: Scope) -> None:
    run = await tegu.run(pipeline("notes"), await tegu.ingest("A note about a refund."))
    await ask(
        scope, "pipelines.create", document=pipeline("notes") | {"stages": {"other": {"uses": "summarize"}}}
    )
    drawn = await ask(scope, "pipelines.draw", run_id=run.id)
    assert drawn.number == 1
    assert "classDef completed" in drawn.text
    assert "other" not in drawn.text


async def test_what_is_wrong_missing_or_not_theirs_is_not_drawn(tegu: Tegu, scope: Scope) -> None:
    run = await tegu.run(pipeline("notes"), await tegu.ingest("A note."))
    with pytest.raises(DefinitionError, match="no stage kind"):
        await ask(
            scope, "pipelines.draw", document=pipeline("notes") | {"stages": {"a": {"uses": "sumarize"}}}
        )
    with pytest.raises(NotFoundError):
        await ask(keyed(scope, "others"), "pipelines.draw", pipeline="notes")
    with pytest.raises(NotFoundError):
        await ask(keyed(scope, "others"), "pipelines.draw", run_id=run.id)
    with pytest.raises(ForbiddenError, match="runs:read"):
        await ask(scoped(scope, Permission.PIPELINES_READ), "pipelines.draw", run_id=run.id)
    for said in ({}, {"pipeline": "notes", "run_id": run.id}):
        with pytest.raises(ValidationError, match="one of"):
            await ask(scope, "pipelines.draw", **said)
