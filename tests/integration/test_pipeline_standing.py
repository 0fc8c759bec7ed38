"""Going back to a version, archiving and restoring: what a name means, and what begins no more."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from action_lab import ask, everything, keyed, pipeline

from tegu import ScheduledInput, ScheduleSpec, Tegu
from tegu.actions.firing import fire
from tegu.actions.scope import Scope
from tegu.domain.actor import Role
from tegu.domain.errors import ConflictError, ForbiddenError, NotFoundError
from tegu.domain.json import JsonObject
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.pipeline.definition import PipelineDefinition
from tegu.settings import Settings
from tegu.storage import publishing
from tegu.storage.database import DatabaseAddress


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


@pytest.fixture
async def scope(tegu: Tegu) -> Scope:
    return await tegu.scope()


def version(number: int) -> JsonObject:
    """Documents of one pipeline that differ."""
    return pipeline("notes") | {"description": f"the {number}th"}


async def published(scope: Scope, *numbers: int) -> None:
    for number in numbers:
        await ask(scope, "pipelines.create", document=version(number))


async def current(scope: Scope) -> int:
    found: int = (await ask(scope, "pipelines.get", pipeline="notes")).number
    return found


async def test_a_name_means_the_version_that_it_was_rolled_back_to(tegu: Tegu, scope: Scope) -> None:
    await published(scope, 1, 2, 3)
    began = (await tegu.start("notes", await tegu.ingest("A note.")))[0]
    back = await ask(scope, "pipelines.rollback", pipeline="notes", to=1)
    assert (back.number, back.is_current) == (1, True)
    later = (await tegu.start("notes", await tegu.ingest("Another note.")))[0]
    await tegu.drive([began, later], timeout_s=60)
    runs = {run_id: await ask(scope, "runs.get", run_id=run_id) for run_id in (began, later)}
    assert {each.status for each in runs.values()} == {RunStatus.COMPLETED}
    assert (runs[began].version, runs[later].version) == (3, 1)
    listed = [each for each in await everything(scope, "pipelines.list") if each.name == "notes"]
    assert [each.number for each in listed] == [1]
    versions = await everything(scope, "pipeline_versions.list", pipeline="notes")
    assert [(each.number, each.is_current) for each in versions] == [(3, False), (2, False), (1, True)]


async def test_forward_again_is_a_rollback_too_and_then_what_is_published_next_is_current(
    scope: Scope,
) -> None:
    await published(scope, 1, 2)
    for to in (1, 2):
        await ask(scope, "pipelines.rollback", pipeline="notes", to=to)
        assert await current(scope) == to
    await ask(scope, "pipelines.rollback", pipeline="notes", to=1)
    await published(scope, 3)
    assert await current(scope) == 3


async def test_publishing_what_equals_an_old_version_makes_that_one_current_and_running_it_does_not(
    tegu: Tegu, scope: Scope
) -> None:
    await published(scope, 1, 2)
    await tegu.run(version(1), await tegu.ingest("A note."))
    assert await current(scope) == 2
    await published(scope, 1)
    assert await current(scope) == 1
    assert len(await everything(scope, "pipeline_versions.list", pipeline="notes")) == 2


async def test_a_version_that_is_not_made_current_is_stored_beside_what_the_name_means(scope: Scope) -> None:
    await published(scope, 1)
    definition = PipelineDefinition.from_json(
        (await ask(scope, "pipelines.get", pipeline="notes")).document | {"description": "an edit"}
    )
    async with scope.transaction() as connection:
        edit = await publishing.publish(connection, scope.organization_id, definition, makes_current=False)
    assert (edit.number, edit.label, edit.is_current, await current(scope)) == (-1, "v1, edited", False, 1)
    await published(scope, 3)
    assert await current(scope) == 2
    async with scope.transaction() as connection:
        again = await publishing.publish(connection, scope.organization_id, definition, makes_current=False)
    assert (again.number, await current(scope)) == (-1, 2)


async def test_publishers_and_those_who_roll_back_leave_no_gap_and_one_current_version(scope: Scope) -> None:
    await published(scope, 1)

    async def keep(number: int) -> None:
        document = PipelineDefinition.from_json(
            (await ask(scope, "pipelines.get", pipeline="notes")).document | {"description": f"kept {number}"}
        )
        async with scope.transaction() as connection:
            await publishing.publish(connection, scope.organization_id, document, makes_current=False)

    await asyncio.gather(
        *(published(scope, number) for number in range(2, 8)),
        *(ask(scope, "pipelines.rollback", pipeline="notes", to=1) for _ in range(4)),
        *(keep(number) for number in range(4)),
    )
    versions = await everything(scope, "pipeline_versions.list", pipeline="notes", include_drafts=True)
    assert sorted(each.number for each in versions) == [*range(-4, 0), *range(1, 8)]
    assert [each.number for each in versions if each.is_current] == [await current(scope)]


async def test_an_archived_pipeline_is_not_listed_begins_nothing_and_loses_nothing(
    tegu: Tegu, scope: Scope
) -> None:
    await published(scope, 1)
    note = await tegu.ingest("A note.")
    began = (await tegu.start("notes", note))[0]
    archived = await ask(scope, "pipelines.archive", pipeline="notes")
    assert archived.archived_at is not None
    again = await ask(scope, "pipelines.archive", pipeline="notes")
    assert again.archived_at == archived.archived_at

    assert "notes" not in {each.name for each in await everything(scope, "pipelines.list")}
    assert "notes" in {each.name for each in await everything(scope, "pipelines.list", include_archived=True)}
    for pipeline_ in ("notes", "notes@1", version(1)):
        with pytest.raises(ConflictError, match="restore notes") as refused:
            await tegu.start(pipeline_, note)
        assert refused.value.code == "pipeline_archived"
    with pytest.raises(ConflictError, match="archived"):
        await published(scope, 2)
    await tegu.drive([began], timeout_s=60)
    assert (await ask(scope, "runs.get", run_id=began)).status is RunStatus.COMPLETED

    restored = await ask(scope, "pipelines.restore", pipeline="notes")
    assert restored.archived_at is None
    await published(scope, 2)
    assert await current(scope) == 2


async def test_schedules_of_an_archived_pipeline_are_paused_and_resumed_by_hand(
    tegu: Tegu, scope: Scope
) -> None:
    await published(scope, 1)
    content = (await tegu.ingest("A note.")).content
    inputs = (ScheduledInput(content_id=content.id),)
    spec = ScheduleSpec("notes@1", "30 8 * * MON", inputs=inputs)
    made = await tegu.schedules.create("monday", spec)
    archived = await ask(scope, "pipelines.archive", pipeline="notes")
    assert archived.paused_schedules == ("monday",)
    assert (await tegu.schedules.get("monday")).next_at is None
    with pytest.raises(ConflictError, match="archived"):
        await tegu.schedules.resume("monday")
    with pytest.raises(ConflictError, match="archived"):
        await tegu.schedules.create("tuesday", spec)
    assert await fire(scope, made.id) == ()
    assert (await ask(scope, "pipelines.restore", pipeline="notes")).paused_schedules == ("monday",)
    await tegu.schedules.resume("monday")


async def test_who_may_not_is_refused_and_what_is_not_seen_is_not_there(scope: Scope) -> None:
    await published(scope, 1)
    viewer, other = keyed(scope, role=Role.VIEWER), keyed(scope, "others")
    for name, more in (("rollback", {"to": 1}), ("archive", {}), ("restore", {})):
        with pytest.raises(ForbiddenError):
            await ask(viewer, f"pipelines.{name}", pipeline="notes", **more)
        with pytest.raises(NotFoundError, match="no pipeline 'notes'"):
            await ask(other, f"pipelines.{name}", pipeline="notes", **more)
    with pytest.raises(NotFoundError, match="no version notes@7"):
        await ask(scope, "pipelines.rollback", pipeline="notes", to=7)
    with pytest.raises(NotFoundError, match="one version"):
        await ask(scope, "pipelines.archive", pipeline="notes@1")


async def test_the_audit_log_says_who_rolled_back_and_only_where_it_was_done(scope: Scope) -> None:
    await published(scope, 1, 2)
    key = keyed(scope)
    with pytest.raises(NotFoundError):
        await ask(key, "pipelines.rollback", pipeline="notes", to=7)
    await ask(key, "pipelines.rollback", pipeline="notes", to=1)
    noted = [each for each in (await ask(scope, "audit.list")).items if each.action == "pipelines.rollback"]
    assert [each.target for each in noted] == [{"pipeline": "notes", "to": 1}]


async def test_whoever_publishes_a_version_is_named(scope: Scope) -> None:
    await published(scope, 1)
    by = keyed(scope)
    made = await ask(by, "pipelines.create", document=version(2))
    assert (made.label, made.published_by, made.published_at is not None) == ("v2", "ci", True)
