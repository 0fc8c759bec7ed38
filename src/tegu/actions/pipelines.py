"""Pipelines: find what a caller means, publish versions, list them.

A caller means a pipeline by its name (`email_analysis`, `email_analysis@2`), as a document's path or text, or as a
builder's or a document's definition. Built-in pipelines are published when they are first used.
"""

from pathlib import Path
from typing import Any, assert_never

from tegu.actions.scope import Scope
from tegu.domain.errors import NotFoundError
from tegu.domain.json import JsonObject
from tegu.pipeline.builder import Pipeline
from tegu.pipeline.builtin import builtin_documents
from tegu.pipeline.check import checked
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.document import load
from tegu.storage import pipelines as store
from tegu.storage.pipelines import PipelineVersion

PipelineSource = str | Path | JsonObject | PipelineDefinition | PipelineVersion | Pipeline[Any]
"""A name, a document (path or JSON object), a definition, a stored version, or a builder."""


def define(scope: Scope, document: Path | str | JsonObject) -> PipelineDefinition:
    """Read and check a document: a file, its text, or its data. Raises DefinitionError with every problem."""
    return checked(load(document), scope.catalog)


async def publish(scope: Scope, definition: PipelineDefinition) -> PipelineVersion:
    """Store a definition as a version of the pipeline that it names; an equal one is found instead."""
    async with scope.transaction() as connection:
        return await store.publish(connection, scope.organization_id, definition)


async def resolve(scope: Scope, source: PipelineSource) -> PipelineVersion:
    """The version that the caller means. Raises NotFoundError, DefinitionError."""
    match source:
        case PipelineVersion():
            return source
        case PipelineDefinition():
            return await publish(scope, source)
        case Pipeline():
            return await publish(scope, define(scope, source.to_json()))
        case Path() | dict():
            return await publish(scope, define(scope, source))
        case str():
            return await _named(scope, source)
        case _:
            assert_never(source)


async def list_pipelines(scope: Scope) -> list[PipelineVersion]:
    """The newest version of every pipeline."""
    async with scope.transaction() as connection:
        return await store.newest(connection, scope.organization_id)


async def _named(scope: Scope, text: str) -> PipelineVersion:
    name, _, number = text.partition("@")
    if number and not number.isdecimal():
        raise NotFoundError(f"{text!r} names no version", hint=f"write {name}@1")
    async with scope.transaction() as connection:
        found = await store.find(
            connection, scope.organization_id, name, number=int(number) if number else None
        )
        known = [] if found else await store.newest(connection, scope.organization_id)
    if found is not None:
        return found
    builtin = builtin_documents().get(name)
    if builtin is not None and number in {"", "1"}:
        return await publish(scope, define(scope, builtin))
    names = sorted({version.name for version in known} | set(builtin_documents()))
    raise NotFoundError(
        f"there is no pipeline {text!r}", hint=f"there are {', '.join(names)}; or name a file"
    )
