"""Comparing, exporting and importing pipelines through the actions and the command line's own code."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from action_lab import ask, keyed, pipeline
from pydantic import ValidationError

from tegu import Tegu
from tegu.actions.pipelines import resolve
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


WRITTEN = """# What the shop asks.
tegu: 1
name: asked
stages:
  order:
    uses: extract
    with: {instructions: The order., schema: {number: "str?", total: "money?"}} # shorthand
"""


async def test_a_version_is_given_back_as_its_author_wrote_it_also_after_another_was_published(
    scope: Scope,
) -> None:
    first = await ask(scope, "pipelines.create", text=WRITTEN)
    await ask(scope, "pipelines.create", text=WRITTEN.replace("The order.", "The orders."))
    await ask(scope, "pipelines.rollback", pipeline="asked", to=first.number)
    back = await ask(scope, "pipelines.export", pipeline="asked", form="written")
    assert (back.text, back.form, back.hash) == (WRITTEN, "written", first.hash)
    assert "# shorthand" not in (await ask(scope, "pipelines.export", pipeline="asked")).text


async def test_other_comments_are_no_other_version_and_are_kept(scope: Scope) -> None:
    first = await ask(scope, "pipelines.create", text=WRITTEN)
    second = await ask(scope, "pipelines.create", text=WRITTEN.replace("# shorthand", "# short"))
    assert (second.id, second.number) == (first.id, 1)
    back = await ask(scope, "pipelines.export", pipeline="asked@1", form="written")
    assert "# short\n" in back.text


async def test_what_was_given_as_data_is_written_as_yaml(scope: Scope) -> None:
    await ask(scope, "pipelines.create", document=pipeline("notes"))
    given = await ask(scope, "pipelines.export", pipeline="notes", form="written")
    assert given == await ask(scope, "pipelines.export", pipeline="notes")


async def test_the_text_of_a_file_is_kept_unless_another_file_is_a_part_of_it(
    scope: Scope, tmp_path: Path
) -> None:
    alone, with_another = tmp_path / "alone.yaml", tmp_path / "with_another.yaml"
    alone.write_text(WRITTEN)
    (tmp_path / "order.md").write_text("The order.")
    text = WRITTEN.replace("name: asked", "name: beside")
    with_another.write_text(text.replace("instructions: The order.", "instructions_file: order.md"))
    await resolve(scope, alone)
    await resolve(scope, with_another)
    kept = await ask(scope, "pipelines.export", pipeline="asked", form="written")
    written_anew = await ask(scope, "pipelines.export", pipeline="beside", form="written")
    assert (kept.text, written_anew.form) == (WRITTEN, "yaml")
