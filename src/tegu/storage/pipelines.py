"""Pipelines and their immutable versions.

Called by the actions, inside one organization's transaction. Invariant: a version is never changed; publishing the same
definition again finds the version that is there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import distinct_on, insert

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.pipeline.definition import PipelineDefinition
from tegu.storage.rows import paged
from tegu.storage.tables import pipeline_versions, pipelines
from tegu.storage.transaction import Transaction
from tegu.storage.visible import pipelines_seen


@dataclass(frozen=True, slots=True)
class PipelineVersion:
    """One version of a named pipeline."""

    id: UUID
    pipeline_id: UUID
    name: str
    number: int
    hash: str
    document: JsonObject
    created_at: datetime

    @property
    def definition(self) -> PipelineDefinition:
        """The document as a definition."""
        return PipelineDefinition.from_json(self.document)


async def publish(
    connection: Transaction, organization_id: UUID, definition: PipelineDefinition
) -> PipelineVersion:
    """The version with this definition: the one that is there, or a new one with the next number."""
    # Looked for before anything is locked: a caller's transaction that we joined may stay open for long.
    found = await find(connection, organization_id, definition.name, hash=definition.hash)
    if found is not None:
        return found
    await connection.execute(
        insert(pipelines)
        .values(
            organization_id=organization_id,
            id=new_id(),
            name=definition.name,
            created_at=func.clock_timestamp(),
        )
        .on_conflict_do_nothing(index_elements=["organization_id", "name"])
    )
    # One publisher of a pipeline at a time, so that version numbers have no gaps.
    await connection.execute(
        text("select pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"publish {organization_id} {definition.name}"},
    )
    pipeline_id = await connection.scalar(
        select(pipelines.c.id).where(
            pipelines.c.organization_id == organization_id, pipelines.c.name == definition.name
        )
    )
    found = await find(connection, organization_id, definition.name, hash=definition.hash)
    if found is not None:
        return found
    last = await connection.scalar(
        select(func.coalesce(func.max(pipeline_versions.c.number), 0)).where(
            pipeline_versions.c.organization_id == organization_id,
            pipeline_versions.c.pipeline_id == pipeline_id,
        )
    )
    await connection.execute(
        insert(pipeline_versions).values(
            organization_id=organization_id,
            id=new_id(),
            pipeline_id=pipeline_id,
            number=(last or 0) + 1,
            hash=definition.hash,
            document=definition.to_json(),
            functions=sorted(definition.python_stages()),
            created_at=func.clock_timestamp(),
        )
    )
    made = await find(connection, organization_id, definition.name, hash=definition.hash)
    assert made is not None
    return made


async def find(
    connection: Transaction,
    organization_id: UUID,
    name: str,
    *,
    number: int | None = None,
    hash: str | None = None,  # noqa: A002 (the field's name)
) -> PipelineVersion | None:
    """A version by number or hash; the newest when neither is given."""
    query = _versions(organization_id).where(pipelines.c.name == name)
    if number is not None:
        query = query.where(pipeline_versions.c.number == number)
    if hash is not None:
        query = query.where(pipeline_versions.c.hash == hash)
    row = (
        (await connection.execute(query.order_by(pipeline_versions.c.number.desc()).limit(1)))
        .mappings()
        .first()
    )
    return _version(row) if row is not None else None


async def newest(
    connection: Transaction,
    organization_id: UUID,
    *,
    after: str | None = None,
    limit: int = 200,
    rows: Rows = ALL_ROWS,
) -> list[PipelineVersion]:
    """The newest version of each pipeline, by name, after a name."""
    query = _versions(organization_id).where(pipelines_seen(organization_id, rows, pipelines.c.id))
    if after is not None:
        query = query.where(pipelines.c.name > after)
    query = (
        query.ext(distinct_on(pipelines.c.name))
        .order_by(pipelines.c.name, pipeline_versions.c.number.desc())
        .limit(limit)
    )
    return [_version(row) for row in (await connection.execute(query)).mappings()]


async def names_of(connection: Transaction, organization_id: UUID, names: Collection[str]) -> set[str]:
    """Those of these names that are pipelines already."""
    query = select(pipelines.c.name).where(
        pipelines.c.organization_id == organization_id, pipelines.c.name.in_(names)
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
    rows: Rows = ALL_ROWS,
) -> list[PipelineVersion]:
    """The versions that were stored last, or first, of all pipelines or of one, after a row."""
    query = _versions(organization_id).where(pipelines_seen(organization_id, rows, pipelines.c.id))
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
        select(pipeline_versions, pipelines.c.name)
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
    )
