"""Pipelines: find what a caller means, publish versions, list them.

A caller means a pipeline by its name (`email_analysis`, `email_analysis@2`), as a document's path or text, or as a
builder's or a document's definition. Built-in pipelines are published when they are first used.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, assert_never
from uuid import UUID

from pydantic import computed_field

from tegu.actions.apart import apart
from tegu.actions.nesting import examined, pinned
from tegu.actions.scope import Scope
from tegu.domain.actor import Actor
from tegu.domain.errors import DefinitionError, ForbiddenError, NotFoundError, Problem
from tegu.domain.json import JsonObject, storable_text
from tegu.pipeline.builder import Pipeline
from tegu.pipeline.builtin import builtin_documents
from tegu.pipeline.check import checked
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.document import load
from tegu.pipeline.pipeline_name import PipelineName, base_name
from tegu.storage import pipelines as store
from tegu.storage import publishing
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.publishing import Written
from tegu.storage.transaction import Transaction

PipelineSource = str | Path | JsonObject | PipelineDefinition | PipelineVersion | Pipeline[Any]
"""A name, a document (path or JSON object), a definition, a stored version, or a builder."""


def define(scope: Scope, document: Path | str | JsonObject) -> PipelineDefinition:
    """Read and check a document: a file, its text, or its data. Raises DefinitionError with every problem."""
    return checked(load(document), scope.catalog)


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """What there is to say of a document: every problem; without any, what it would be stored as. Warnings are of what is
    odd and may be published.
    """

    problems: tuple[Problem, ...]
    name: str | None = None
    hash: str | None = None
    warnings: tuple[Problem, ...] = ()

    @computed_field
    @property
    def is_ok(self) -> bool:
        """Whether it can be published."""
        return not self.problems


async def check(scope: Scope, document: str | JsonObject) -> CheckedDocument:
    """Everything that is wrong with a document, of which nothing is stored."""
    found = await examined(await apart(load, document), scope.catalog, partial(_find, scope))
    if found.definition is None:
        return CheckedDocument(found.problems, warnings=found.warnings)
    return CheckedDocument((), found.definition.name, found.definition.hash, found.warnings)


@dataclass(frozen=True, slots=True)
class DefinedPipeline:
    """What a document means, and the document as its author wrote it, where that is a text that says it all."""

    definition: PipelineDefinition
    text: str | None


async def defined(scope: Scope, document: Path | str | JsonObject) -> DefinedPipeline:
    """The definition that a document means. Raises DefinitionError with every problem, also of the pipelines that it nests."""
    loaded = await apart(load, document)
    found = await examined(loaded, scope.catalog, partial(_find, scope))
    if found.definition is None:
        raise DefinitionError(found.problems, source=loaded.source)
    is_storable = loaded.text is not None and storable_text(loaded.text) == loaded.text
    return DefinedPipeline(found.definition, loaded.text if is_storable else None)


def name_of(actor: Actor) -> str:
    """What is kept of whoever publishes."""
    return actor.label or actor.kind.value


async def publish(
    scope: Scope,
    definition: PipelineDefinition,
    *,
    makes_current: bool = True,
    text: str | None = None,
    edit_of: int | None = None,
) -> PipelineVersion:
    """Store a definition as a version of the pipeline that it names; an equal one is found instead. The name means it from
    then on; without `makes_current` what it meant. Pipelines that it nests are pinned to the versions that their names mean.
    Raises NotFoundError for a pipeline that the actor does not see, ConflictError for one that is archived, DefinitionError
    for one that nests what is not there.
    """
    if not scope.rows.has(definition.name):
        raise unknown_pipeline(definition.name)
    async with scope.transaction() as connection:
        definition = await pinned(definition, scope.catalog, partial(find_in, scope, connection))
        return await publishing.publish(
            connection,
            scope.organization_id,
            definition,
            makes_current=makes_current,
            written=Written(text, name_of(scope.actor), edit_of),
        )


async def find_or_publish(
    scope: Scope, definition: PipelineDefinition, text: str | None = None
) -> PipelineVersion:
    """The version to run where a definition is given. One that is there is only found: whoever runs an old document does
    not change what the name means to everybody else. A name that means nothing yet means it from then on.
    """
    if scope.rows.has(definition.name):
        async with scope.transaction() as connection:
            definition = await pinned(definition, scope.catalog, partial(find_in, scope, connection))
            found = await store.find(connection, scope.organization_id, definition.name, hash=definition.hash)
            is_there = found is not None and await store.find(connection, scope.organization_id, found.name)
        if found is not None and is_there:
            return found
    return await publish(scope, definition, text=text)


async def resolve(scope: Scope, source: PipelineSource) -> PipelineVersion:
    """The version that the caller means. Raises NotFoundError, DefinitionError."""
    match source:
        case PipelineVersion():
            return source
        case PipelineDefinition():
            return await find_or_publish(scope, source)
        case Pipeline():
            return await resolve(scope, source.to_json())
        case Path() | dict():
            found = await defined(scope, source)
            return await find_or_publish(scope, found.definition, found.text)
        case str():
            return await _named(scope, source)
        case _:
            assert_never(source)


async def find_in(
    scope: Scope, connection: Transaction, name: str, number: int | None = None
) -> PipelineVersion | None:
    """A version by name, the current one without a number; None where the actor sees none. One that ships with Tegu is
    there from its first use on.
    """
    if not scope.rows.has(name):
        return None
    found = await store.find(connection, scope.organization_id, name, number=number)
    builtin = builtin_documents().get(name)
    if found is not None or builtin is None or number not in {None, 1}:
        return found
    written = Written(builtin, name_of(scope.actor))
    return await publishing.publish(
        connection, scope.organization_id, define(scope, builtin), written=written
    )


async def _find(scope: Scope, name: str, number: int | None) -> PipelineVersion | None:
    async with scope.transaction() as connection:
        return await find_in(scope, connection, name, number)


async def list_pipelines(
    scope: Scope, *, after: str | None = None, limit: int = 200, includes_archived: bool = False
) -> list[PipelineVersion]:
    """The current version of every pipeline, by name, after a name."""
    async with scope.transaction() as connection:
        return await store.current(
            connection,
            scope.organization_id,
            after=after,
            limit=limit,
            rows=scope.rows,
            includes_archived=includes_archived,
        )


async def publish_builtins(scope: Scope) -> None:
    """Let those that ship with Tegu be there: being listed is the first use of one."""
    documents = {name: text for name, text in builtin_documents().items() if scope.rows.has(name)}
    async with scope.transaction() as connection:
        there = await store.names_of(connection, scope.organization_id, documents.keys())
    for name in documents.keys() - there:
        await publish(scope, define(scope, documents[name]), text=documents[name])


async def list_versions(
    scope: Scope,
    *,
    pipeline: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
    is_oldest_first: bool = False,
    includes_drafts: bool = False,
) -> list[PipelineVersion]:
    """The versions that were stored last, or first, after a row."""
    async with scope.transaction() as connection:
        return await store.list_versions(
            connection,
            scope.organization_id,
            pipeline=pipeline,
            after=after,
            limit=limit,
            is_oldest_first=is_oldest_first,
            includes_drafts=includes_drafts,
            rows=scope.rows,
        )


async def get_version(scope: Scope, version_id: UUID) -> PipelineVersion:
    """One version by its id. Raises NotFoundError."""
    async with scope.transaction() as connection:
        found = await store.get_version(connection, scope.organization_id, version_id, scope.rows)
    if found is None:
        raise NotFoundError(
            f"there is no version {version_id} of a pipeline", hint="`tegu pipelines` lists the newest"
        )
    return found


async def pipeline_id_of(scope: Scope, connection: Transaction, pipeline: str | None) -> UUID | None:
    """The id of a pipeline by name. Raises NotFoundError, and ForbiddenError for the whole organization (None) where the
    actor sees only some of its pipelines.
    """
    if pipeline is None:
        if scope.rows.pipelines is not None:
            raise ForbiddenError(
                "this key is for some pipelines, and not for the whole organization", hint="name one of them"
            )
        return None
    found = await store.find(connection, scope.organization_id, pipeline)
    if found is None or not scope.rows.has(pipeline):
        raise unknown_pipeline(pipeline)
    return found.pipeline_id


def unknown_pipeline(name: str) -> NotFoundError:
    """Also for one that the actor does not see."""
    return NotFoundError(
        f"there is no pipeline {name!r} in this organization", hint="`tegu pipelines` lists them"
    )


async def _named(scope: Scope, text: str) -> PipelineVersion:
    named = PipelineName.read(text)
    if named is None:
        raise NotFoundError(f"{text!r} names no version", hint=f"write {base_name(text)}@1")
    name, number = named.name, named.number
    async with scope.transaction() as connection:
        found = None
        if scope.rows.has(name):
            found = await store.find(connection, scope.organization_id, name, number=number)
        known = [] if found else await store.current(connection, scope.organization_id, rows=scope.rows)
    if found is not None:
        return found
    builtins = {each: document for each, document in builtin_documents().items() if scope.rows.has(each)}
    builtin = builtins.get(name)
    if builtin is not None and number in {None, 1}:
        return await publish(scope, define(scope, builtin), text=builtin)
    names = sorted({version.name for version in known} | set(builtins))
    raise NotFoundError(
        f"there is no pipeline {text!r}", hint=f"there are {', '.join(names)}; or name a file"
    )
