"""Comparing, exporting and importing pipelines through the actions and the command line's own code."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from action_lab import ask, keyed, pipeline
from pydantic import ValidationError

from tegu import Tegu
from tegu.actions.scope import Scope
from tegu.domain.errors import DefinitionError, NotFoundError
from tegu.domain.json import JsonObject
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress

CHANGED: JsonObject = {"summary": {"uses": "summarize", "with": {"instructions": "Briefly."}}}


@pytest.fixture
async def scope(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Scope]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as tegu:
        yield await tegu.scope()


async def test_versions_are_compared_with_each_other_the_current_one_and_a_document(scope: Scope) -> None:
    await ask(scope, "pipelines.create", document=pipeline("notes"))
    await ask(scope, "pipelines.create", document=pipeline("notes") | {"stages": CHANGED})
    found = await ask(scope, "pipelines.diff", before="notes@1", after="notes@2")
    assert (found.before, found.after, found.is_same) == ("notes@1", "notes@2", False)
    assert {(each.stage, each.change.value) for each in found.stages} == {
        ("summary", "changed"),
        ("kind", "removed"),
    }
    assert await ask(scope, "pipelines.diff", before="notes@1") == found
    given = await ask(
        scope, "pipelines.diff", before="notes", document=pipeline("notes") | {"stages": CHANGED}
    )
    assert given.is_same
    with pytest.raises(DefinitionError):
        await ask(scope, "pipelines.diff", before="notes", text="no document")
    with pytest.raises(NotFoundError):
        await ask(keyed(scope, "others"), "pipelines.diff", before="notes")
    with pytest.raises(ValidationError, match="at most one"):
        await ask(scope, "pipelines.diff", before="notes", after="notes@1", document={})


@pytest.mark.parametrize("form", ["yaml", "json", "edges"])
async def test_what_is_exported_is_the_same_version_where_it_is_imported(scope: Scope, form: str) -> None:
    for name in ("email_analysis", "document_extraction"):
        exported = await ask(scope, "pipelines.export", pipeline=name, form=form)
        imported = await ask(scope, "pipelines.create", text=exported.text)
        assert (imported.number, imported.hash) == (exported.number, exported.hash)
