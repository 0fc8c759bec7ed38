"""Pipelines and their immutable versions: finding and listing them. `publishing` stores them.

Called by the actions, inside one organization's transaction. Invariant: a version is never changed. A pipeline's name means its current version: the newest, unless another
one was made that (`current_number`); and nothing while there are only drafts of it, which nobody has published.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import computed_field
from sqlalchemy import ColumnElement, case, select
from sqlalchemy.dialects.postgresql import distinct_on

from tegu.domain.actor import ALL_ROWS, Rows
from tegu.domain.errors import ConflictError
from tegu.domain.json import JsonObject
from tegu.domain.versions import version_label
from tegu.pipeline.definition import PipelineDefinition
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
    `is_draft`: nobody has published it; it was tried, or run by a fork with another configuration. Its number is below 0, and `edit_of` is
    that of the published version that it is an edit of. `published_by`: whoever did, where that is known.
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
    edit_of: int | None = None
    published_at: datetime | None = None
    published_by: str | None = None

    @computed_field
    @property
    def label(self) -> str:
        """What people call it within its pipeline: `v2`, `v1, edited`."""
        return version_label(self.number, is_draft=self.is_draft, edit_of=self.edit_of)

    @property
    def definition(self) -> PipelineDefinition:
        """The document as a definition."""
        return PipelineDefinition.from_json(self.document)


def refuse_archived(name: str) -> ConflictError:
    """What is said of a pipeline that begins nothing and takes no versions."""
    return ConflictError(
        f"pipeline {name!r} is archived", hint=f"`tegu pipelines restore {name}`", code="pipeline_archived"
    )


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
        select(
            # Texts as they were written may be long, and few want them.
            *(column for column in pipeline_versions.c if column is not pipeline_versions.c.source_text),
            pipelines.c.name,
            pipelines.c.archived_at,
            _IS_CURRENT.label("is_current"),
        )
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
        row["edit_of"],
        None if row["is_draft"] else row["published_at"] or row["created_at"],
        row["published_by"],
    )
