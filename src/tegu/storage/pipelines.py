"""Pipelines and their immutable versions.

Called by the actions, inside one organization's transaction. Invariant: a version is never changed; publishing the same
definition again finds the version that is there. A pipeline's name means its current version: the newest, unless another
one was made that (`current_number`); and nothing while there are only drafts of it, which nobody has published.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.errors import ConflictError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.features import needs_of
from tegu.pipeline.pipeline_name import PipelineName
from tegu.storage.rows import paged
from tegu.storage.tables import pipeline_versions, pipelines
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen

_CURRENT_FIRST: tuple[ColumnElement[Any], ...] = (
    (pipeline_versions.c.number == pipelines.c.current_number).desc().nulls_last(),
    pipeline_versions.c.number.desc(),
)
_others = pipeline_versions.alias("others")
_IS_CURRENT: ColumnElement[bool] = case(
    (pipelines.c.current_number.is_not(None), pipeline_versions.c.number == pipelines.c.current_number),
    else_=~select(_others.c.id)
    .where(
        _others.c.organization_id == pipeline_versions.c.organization_id,
        _others.c.pipeline_id == pipeline_versions.c.pipeline_id,
        _others.c.number > pipeline_versions.c.number,
    )
    .correlate(pipeline_versions)
    .exists(),
)


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """One version of a named pipeline. `is_current`: it is what the name alone means. `archived_at` is the pipeline's.
    `is_draft`: nobody has published it; it was tried, or run by a fork with another configuration.
    """

    id: UUID
    pipeline_id: UUID
    name: str
    number: int
    hash: str
    document: JsonObject
    created_at: datetime
    is_current: bool = True
    archived_at: datetime | None = None
    is_draft: bool = False

    @property
    def definition(self) -> PipelineDefinition:
        """The document as a definition."""
        return PipelineDefinition.from_json(self.document)


async def publish(
    connection: Transaction,
    organization_id: UUID,
    definition: PipelineDefinition,
    *,
    makes_current: bool = True,
) -> PipelineVersion:
    """The version with this definition: the one that is there, or a new one with the next number. `makes_current`: the
    name means it from then on, also where it was there; otherwise a new one is a draft, and the name means what it meant. Raises
    ConflictError where that would change a pipeline that is archived.
    """
    # Looked for before anything is locked: a caller's transaction that we joined may stay open for long.
    found = await find(connection, organization_id, definition.name, hash=definition.hash)
    if found is not None and (found.is_current or not makes_current):
        return found
    pipeline_id = await _locked(connection, organization_id, definition.name)
    found = await find(connection, organization_id, definition.name, hash=definition.hash)
    last = await last_number(connection, organization_id, pipeline_id)
    if found is None:
        if not makes_current:
            await _hold_current(connection, organization_id, pipeline_id, last)
        version = (definition, last + 1)
        await _insert_version(connection, organization_id, pipeline_id, version, is_draft=not makes_current)
        last += 1
    number = found.number if found is not None else last
    if makes_current:
        await _point_at(connection, organization_id, pipeline_id, number, last)
    made = await find(connection, organization_id, definition.name, number=number)
    assert made is not None
    return made


async def make_current(connection: Transaction, organization_id: UUID, name: str, number: int) -> None:
    """Let the name mean this version, which is there. Raises ConflictError where the pipeline is archived."""
    pipeline_id = await _locked(connection, organization_id, name)
    last = await last_number(connection, organization_id, pipeline_id)
    await _point_at(connection, organization_id, pipeline_id, number, last)


async def set_archived(
    connection: Transaction, organization_id: UUID, pipeline_id: UUID, *, is_archived: bool
) -> None:
    """Archive a pipeline, or take it back; one that is archived keeps since when."""
    since = func.coalesce(pipelines.c.archived_at, func.clock_timestamp()) if is_archived else None
    mine = (pipelines.c.organization_id == organization_id) & (pipelines.c.id == pipeline_id)
    await connection.execute(update(pipelines).where(mine).values(archived_at=since))


def refuse_archived(name: str) -> ConflictError:
    """What is said of a pipeline that begins nothing and takes no versions."""
    return ConflictError(
        f"pipeline {name!r} is archived", hint=f"`tegu pipelines restore {name}`", code="pipeline_archived"
    )


async def last_number(connection: Transaction, organization_id: UUID, pipeline_id: UUID) -> int:
    """The greatest number of its versions; 0 where there is none."""
    found = await connection.scalar(
        select(func.coalesce(func.max(pipeline_versions.c.number), 0)).where(
            pipeline_versions.c.organization_id == organization_id,
            pipeline_versions.c.pipeline_id == pipeline_id,
        )
    )
    return found or 0


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


async def _insert_version(
    connection: Transaction,
    organization_id: UUID,
    pipeline_id: UUID,
    version: tuple[PipelineDefinition, int],
    *,
    is_draft: bool,
) -> None:
    definition, number = version
    await connection.execute(
        insert(pipeline_versions).values(
            organization_id=organization_id,
            id=new_id(),
            pipeline_id=pipeline_id,
            number=number,
            hash=definition.hash,
            document=definition.to_json(),
            functions=sorted(needs_of(definition)),
            created_at=func.clock_timestamp(),
            is_draft=is_draft,
        )
    )


async def _point_at(
    connection: Transaction, organization_id: UUID, pipeline_id: UUID, number: int, last: int
) -> None:
    """The newest is current by having no pointer: so it is for what is published by workers that know of none."""
    mine = (pipelines.c.organization_id == organization_id) & (pipelines.c.id == pipeline_id)
    pointer = None if number == last else number
    await connection.execute(update(pipelines).where(mine).values(current_number=pointer))
    meant = (
        (pipeline_versions.c.organization_id == organization_id)
        & (pipeline_versions.c.pipeline_id == pipeline_id)
        & (pipeline_versions.c.number == number)
        & pipeline_versions.c.is_draft
    )
    await connection.execute(update(pipeline_versions).where(meant).values(is_draft=False))


async def _hold_current(
    connection: Transaction, organization_id: UUID, pipeline_id: UUID, newest_number: int
) -> None:
    """Let the newest stay current while a newer one is stored; another that is current stays so by itself. 0: there was none,
    and the name means nothing.
    """
    mine = (pipelines.c.organization_id == organization_id) & (pipelines.c.id == pipeline_id)
    unset = pipelines.c.current_number.is_(None)
    await connection.execute(update(pipelines).where(mine, unset).values(current_number=newest_number))


async def find(
    connection: Transaction,
    organization_id: UUID,
    name: str,
    *,
    number: int | None = None,
    hash: str | None = None,  # noqa: A002 (the field's name)
) -> PipelineVersion | None:
    """A version by number or hash; the current one when neither is given."""
    query = _versions(organization_id).where(pipelines.c.name == name)
    if number is not None:
        query = query.where(pipeline_versions.c.number == number)
    if hash is not None:
        query = query.where(pipeline_versions.c.hash == hash)
    if number is None and hash is None:
        query = query.where(_IS_CURRENT)
    row = (await connection.execute(query.order_by(*_CURRENT_FIRST).limit(1))).mappings().first()
    return _version(row) if row is not None else None


async def find_named(connection: Transaction, organization_id: UUID, text: str) -> PipelineVersion | None:
    """What `invoices` or `invoices@3` names."""
    named = PipelineName.read(text)
    return None if named is None else await find(connection, organization_id, named.name, number=named.number)


async def current(
    connection: Transaction,
    organization_id: UUID,
    *,
    after: str | None = None,
    limit: int = 200,
    rows: Rows = ALL_ROWS,
    includes_archived: bool = True,
) -> list[PipelineVersion]:
    """The current version of each pipeline, by name, after a name."""
    query = _versions(organization_id).where(
        _IS_CURRENT, pipelines_seen(organization_id, rows, pipelines.c.id)
    )
    if not includes_archived:
        query = query.where(pipelines.c.archived_at.is_(None))
    if after is not None:
        query = query.where(pipelines.c.name > after)
    query = query.ext(distinct_on(pipelines.c.name)).order_by(pipelines.c.name, *_CURRENT_FIRST).limit(limit)
    return [_version(row) for row in (await connection.execute(query)).mappings()]


async def names_of(connection: Transaction, organization_id: UUID, names: Collection[str]) -> set[str]:
    """Those of these names that are pipelines already."""
    query = select(pipelines.c.name).where(
        pipelines.c.organization_id == organization_id,
        pipelines.c.name.in_(names),
        pipelines.c.current_number.is_distinct_from(0),
    )
    return set(await connection.scalars(query))


async def list_versions(
    connection: Transaction,
    organization_id: UUID,
    *,
    pipeline: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
    includes_drafts: bool = False,
    rows: Rows = ALL_ROWS,
) -> list[PipelineVersion]:
    """The versions that were stored last, or first, of all pipelines or of one, after a row."""
    query = _versions(organization_id).where(pipelines_seen(organization_id, rows, pipelines.c.id))
    if not includes_drafts:
        query = query.where(~pipeline_versions.c.is_draft)
    if pipeline is not None:
        query = query.where(pipelines.c.name == pipeline)
    query = paged(query, pipeline_versions.c.id, after=after, limit=limit, is_oldest_first=is_oldest_first)
    return [_version(row) for row in (await connection.execute(query)).mappings()]


async def get_version(
    connection: Transaction, organization_id: UUID, version_id: UUID, rows: Rows = ALL_ROWS
) -> PipelineVersion | None:
    """One version by its id."""
    query = _versions(organization_id).where(
        pipeline_versions.c.id == version_id, pipelines_seen(organization_id, rows, pipelines.c.id)
    )
    row = (await connection.execute(query)).mappings().first()
    return _version(row) if row is not None else None


def _versions(organization_id: UUID) -> Any:
    return (
        select(pipeline_versions, pipelines.c.name, pipelines.c.archived_at, _IS_CURRENT.label("is_current"))
        .join_from(
            pipeline_versions,
            pipelines,
            (pipelines.c.organization_id == pipeline_versions.c.organization_id)
            & (pipelines.c.id == pipeline_versions.c.pipeline_id),
        )
        .where(pipeline_versions.c.organization_id == organization_id)
    )


def _version(row: Mapping[Any, Any]) -> PipelineVersion:
    return PipelineVersion(
        row["id"],
        row["pipeline_id"],
        row["name"],
        row["number"],
        row["hash"],
        row["document"],
        row["created_at"],
        row["is_current"],
        row["archived_at"],
        row["is_draft"],
    )
