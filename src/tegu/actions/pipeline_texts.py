"""Pipelines compared, and written as documents to take elsewhere.

Called by `declared`. Invariant: what is exported gives the same hash where it is imported, in whichever form.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from tegu.actions.apart import apart
from tegu.actions.pipelines import define, resolve
from tegu.actions.scope import Scope
from tegu.domain.json import JsonObject
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.difference import Difference, FieldChange, StageChange, difference
from tegu.pipeline.document import to_document, to_yaml
from tegu.pipeline.edge_form import to_edge_form
from tegu.storage.publishing import text_of


class DocumentForm(StrEnum):
    """How a document is written."""

    YAML = "yaml"
    WRITTEN = "written"  # as its author wrote it, with its comments; YAML where that is not known
    JSON = "json"
    EDGES = "edges"


@dataclass(frozen=True, slots=True)
class ExportedPipeline:
    """A version as a document: `text` is YAML or JSON, and in the form of edges JSON with lists of stages and edges. `form` is that of the
    text: one that was to be as it was written is YAML where that is not known.
    """

    pipeline: str
    number: int
    hash: str
    form: DocumentForm
    text: str


@dataclass(frozen=True, slots=True)
class PipelineDifference:
    """From `before` to `after`, which is a version (`invoices@2`) or the name of a document. `is_same`: their hashes are."""

    before: str
    after: str
    is_same: bool
    fields: tuple[FieldChange, ...]
    stages: tuple[StageChange, ...]


async def export(scope: Scope, pipeline: str, form: DocumentForm) -> ExportedPipeline:
    """Raises NotFoundError."""
    version = await resolve(scope, pipeline)
    text = None
    if form is DocumentForm.WRITTEN:
        async with scope.transaction() as connection:
            text = await text_of(connection, scope.organization_id, version.id)
        form = form if text is not None else DocumentForm.YAML
    if text is None:
        text = _written(version.definition, form)
    return ExportedPipeline(version.name, version.number, version.hash, form, text)


async def compare_versions(scope: Scope, before: str, after: str | None) -> PipelineDifference:
    """Two versions; without the second that which is current. Raises NotFoundError."""
    first = await resolve(scope, before)
    second = await resolve(scope, after or first.name)
    found = await apart(difference, first.definition, second.definition)
    return _difference(f"{first.name}@{first.number}", f"{second.name}@{second.number}", found)


async def compare_document(scope: Scope, before: str, document: str | JsonObject) -> PipelineDifference:
    """A version, and a document of which nothing is stored. Raises NotFoundError, DefinitionError."""
    first = await resolve(scope, before)
    definition = await apart(define, scope, document)
    found = await apart(difference, first.definition, definition)
    return _difference(f"{first.name}@{first.number}", definition.name, found)


def _difference(before: str, after: str, found: Difference) -> PipelineDifference:
    is_same = not found.fields and not found.stages
    return PipelineDifference(before, after, is_same, found.fields, found.stages)


def _written(definition: PipelineDefinition, form: DocumentForm) -> str:
    match form:
        case DocumentForm.YAML | DocumentForm.WRITTEN:
            return to_yaml(definition)
        case DocumentForm.JSON:
            document = to_document(definition)
        case DocumentForm.EDGES:
            document = to_edge_form(to_document(definition))
        case _:
            assert_never(form)
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
