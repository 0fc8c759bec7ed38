"""Storing versions of pipelines, and saying which of them a name means.

Called by the actions, inside one organization's transaction. Invariants: what a version does is never changed; publishing the same
definition again finds the version that is there. Published versions are numbered 1, 2, 3 without gaps; drafts count down from -1, so
that they take no number that people see, and get one when they are published.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from tegu.domain.ids import new_id
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.features import needs_of
from tegu.storage.pipelines import PipelineVersion, find, refuse_archived
from tegu.storage.tables import pipeline_versions, pipelines
from tegu.storage.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Written:
    """Whence a definition comes: the text of the document as its author wrote it, and who publishes it; of a draft `edit_of`, the number of
    the published version that it is an edit of, where it is not the current one.
    """

    text: str | None = None
    by: str | None = None
    edit_of: int | None = None


_UNSAID = Written()


async def publish(
    connection: Transaction,
    organization_id: UUID,
    definition: PipelineDefinition,
    *,
    makes_current: bool = True,
    written: Written = _UNSAID,
) -> PipelineVersion:
    """The version with this definition: the one that is there, or a new one with the next number. `makes_current`: the
    name means it from then on, also where it was there, and its text is the one that was written last; otherwise a new one is a draft,
    and the name means what it meant. Raises ConflictError where that would change a pipeline that is archived.
    """
    # Looked for before anything is locked: a caller's transaction that we joined may stay open for long.
    found = await find(connection, organization_id, definition.name, hash=definition.hash)
    if found is None or (makes_current and not found.is_current):
        pipeline_id = await _locked(connection, organization_id, definition.name)
        found = await find(connection, organization_id, definition.name, hash=definition.hash)
        if not makes_current:
            return found or await _keep(connection, organization_id, pipeline_id, definition, written)
        number = await _numbered(connection, organization_id, pipeline_id, definition, found, written)
        last = await last_number(connection, organization_id, pipeline_id)
        await _point_at(connection, organization_id, pipeline_id, number, last)
        found = await _there(connection, organization_id, definition)
    if makes_current and written.text is not None:
        await _keep_text(connection, organization_id, found.id, written.text)
    return found


async def make_current(
    connection: Transaction, organization_id: UUID, name: str, number: int, *, by: str | None = None
) -> None:
    """Let the name mean this version, which is there. Raises ConflictError where the pipeline is archived."""
    pipeline_id = await _locked(connection, organization_id, name)
    found = await find(connection, organization_id, name, number=number)
    assert found is not None
    if found.is_draft:
        await _leave_drafts(connection, organization_id, found, number, Written(by=by))
    last = await last_number(connection, organization_id, pipeline_id)
    await _point_at(connection, organization_id, pipeline_id, number, last)


async def set_archived(
    connection: Transaction, organization_id: UUID, pipeline_id: UUID, *, is_archived: bool
) -> None:
    """Archive a pipeline, or take it back; one that is archived keeps since when."""
    since = func.coalesce(pipelines.c.archived_at, func.clock_timestamp()) if is_archived else None
    mine = (pipelines.c.organization_id == organization_id) & (pipelines.c.id == pipeline_id)
    await connection.execute(update(pipelines).where(mine).values(archived_at=since))


async def last_number(connection: Transaction, organization_id: UUID, pipeline_id: UUID) -> int:
    """The greatest number of its versions; 0 where there are none but drafts."""
    found = await connection.scalar(
        select(func.greatest(func.max(pipeline_versions.c.number), 0)).where(
            pipeline_versions.c.organization_id == organization_id,
            pipeline_versions.c.pipeline_id == pipeline_id,
        )
    )
    return found or 0


async def text_of(connection: Transaction, organization_id: UUID, version_id: UUID) -> str | None:
    """The text of a version as its author wrote it; None where it is not known."""
    found: str | None = await connection.scalar(
        select(pipeline_versions.c.source_text).where(
            pipeline_versions.c.organization_id == organization_id, pipeline_versions.c.id == version_id
        )
    )
    return found


async def _locked(connection: Transaction, organization_id: UUID, name: str) -> UUID:
    """The pipeline of that name, made if there is none. Whoever numbers its versions, or says which is current, does so
    after the one before is done: numbers have no gaps, and no pointer is set by what was the newest a moment ago.
    """
    await connection.execute(
        insert(pipelines)
        .values(organization_id=organization_id, id=new_id(), name=name, created_at=func.clock_timestamp())
        .on_conflict_do_nothing(index_elements=["organization_id", "name"])
    )
    await connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"publish {organization_id} {name}"},
    )
    mine = (pipelines.c.organization_id == organization_id) & (pipelines.c.name == name)
    row = (await connection.execute(select(pipelines.c.id, pipelines.c.archived_at).where(mine))).one()
    if row.archived_at is not None:
        raise refuse_archived(name)
    found: UUID = row.id
    return found


async def _numbered(
    connection: Transaction,
    organization_id: UUID,
    pipeline_id: UUID,
    definition: PipelineDefinition,
    found: PipelineVersion | None,
    written: Written,
) -> int:
    """The number of the definition among the published: the one that it has, or the next."""
    if found is not None and not found.is_draft:
        return found.number
    number = 1 + await last_number(connection, organization_id, pipeline_id)
    if found is None:
        values = {"number": number, "is_draft": False, "published_by": written.by}
        await _insert_version(connection, organization_id, pipeline_id, definition, values)
        return number
    if found.number > 0:  # a draft from before they counted down: runs and documents name it by this
        number = found.number
    await _leave_drafts(connection, organization_id, found, number, written)
    return number


async def _keep(
    connection: Transaction,
    organization_id: UUID,
    pipeline_id: UUID,
    definition: PipelineDefinition,
    written: Written,
) -> PipelineVersion:
    """Store a draft."""
    mine = (pipeline_versions.c.organization_id == organization_id) & (
        pipeline_versions.c.pipeline_id == pipeline_id
    )
    first = await connection.scalar(select(func.least(func.min(pipeline_versions.c.number), 0)).where(mine))
    current = await find(connection, organization_id, definition.name)
    edit_of = written.edit_of or (current.number if current is not None else None)
    values = {"number": (first or 0) - 1, "is_draft": True, "edit_of": edit_of}
    if current is None:
        await _hold_nothing(connection, organization_id, pipeline_id)
    await _insert_version(connection, organization_id, pipeline_id, definition, values)
    return await _there(connection, organization_id, definition)


async def _there(
    connection: Transaction, organization_id: UUID, definition: PipelineDefinition
) -> PipelineVersion:
    made = await find(connection, organization_id, definition.name, hash=definition.hash)
    assert made is not None
    return made


async def _insert_version(
    connection: Transaction,
    organization_id: UUID,
    pipeline_id: UUID,
    definition: PipelineDefinition,
    values: Mapping[str, object],
) -> None:
    await connection.execute(
        insert(pipeline_versions).values(
            organization_id=organization_id,
            id=new_id(),
            pipeline_id=pipeline_id,
            hash=definition.hash,
            document=definition.to_json(),
            functions=sorted(needs_of(definition)),
            created_at=func.clock_timestamp(),
            **values,
        )
    )


async def _leave_drafts(
    connection: Transaction, organization_id: UUID, draft: PipelineVersion, number: int, written: Written
) -> None:
    this = (pipeline_versions.c.organization_id == organization_id) & (pipeline_versions.c.id == draft.id)
    published = update(pipeline_versions).where(this, pipeline_versions.c.is_draft)
    values = {"published_at": func.clock_timestamp(), "published_by": written.by}
    await connection.execute(published.values(number=number, is_draft=False, **values))


async def _keep_text(
    connection: Transaction, organization_id: UUID, version_id: UUID, source_text: str
) -> None:
    this = (pipeline_versions.c.organization_id == organization_id) & (pipeline_versions.c.id == version_id)
    differs = pipeline_versions.c.source_text.is_distinct_from(source_text)
    await connection.execute(update(pipeline_versions).where(this, differs).values(source_text=source_text))


async def _point_at(
    connection: Transaction, organization_id: UUID, pipeline_id: UUID, number: int, last: int
) -> None:
    """The newest is current by having no pointer: so it is for what is published by workers that know of none."""
    mine = (pipelines.c.organization_id == organization_id) & (pipelines.c.id == pipeline_id)
    pointer = None if number == last else number
    await connection.execute(update(pipelines).where(mine).values(current_number=pointer))


async def _hold_nothing(connection: Transaction, organization_id: UUID, pipeline_id: UUID) -> None:
    """Let the name mean nothing: there are only drafts of it, and the newest version would be current by itself."""
    mine = (pipelines.c.organization_id == organization_id) & (pipelines.c.id == pipeline_id)
    await connection.execute(update(pipelines).where(mine).values(current_number=0))
