"""Pipelines as texts: compare and export them. Importing is `pipelines.create`, which takes every form."""

from typing import Annotated

from pydantic import Field, model_validator

from tegu.actions import pipeline_texts
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import Name
from tegu.actions.pipeline_texts import DocumentForm, ExportedPipeline, PipelineDifference
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.json import JsonObject
from tegu.pipeline.yaml_source import TEXT_LENGTH_MAX


class ComparePipelines(ActionInput):
    """Which two are compared. Without `after` and a document it is the current version of the same pipeline."""

    before: Annotated[Name, Field(description="`invoices`, or one version: `invoices@1`.")]
    after: Annotated[Name | None, Field(description="Another version: `invoices@2`.")] = None
    text: Annotated[
        str | None, Field(max_length=TEXT_LENGTH_MAX, description="Or a document that is not stored.")
    ] = None
    document: JsonObject | None = None

    @model_validator(mode="after")
    def _at_most_one(self) -> "ComparePipelines":
        if sum(each is not None for each in (self.after, self.text, self.document)) > 1:
            raise ValueError("give at most one of `after`, `text` and `document`")
        return self


class ExportPipeline(ActionInput):
    """Which pipeline, and in which form."""

    pipeline: Annotated[Name, Field(description="`invoices`, or one version: `invoices@2`.")]
    form: Annotated[
        DocumentForm,
        Field(
            description="written: as its author wrote it, else YAML. edges: {stages: [{name, job_module, config}], edges: [{from, to}]}"
        ),
    ] = DocumentForm.YAML


@action("pipelines.diff", effect=Effect.READ, permission=Permission.PIPELINES_READ)
async def compare_pipelines(scope: Scope, asked: ComparePipelines) -> PipelineDifference:
    """Say what is another in one version than in another, or in a document: stages added, removed, renamed and changed, and
    of each which fields, with the lines of instructions that differ.
    """
    if asked.text is None and asked.document is None:
        return await pipeline_texts.compare_versions(scope, asked.before, asked.after)
    given = asked.text if asked.text is not None else asked.document or {}
    return await pipeline_texts.compare_document(scope, asked.before, given)


@action("pipelines.export", effect=Effect.READ, permission=Permission.PIPELINES_READ, key="pipeline")
async def export_pipeline(scope: Scope, asked: ExportPipeline) -> ExportedPipeline:
    """Write a pipeline as a document to take elsewhere, where it has the same hash: YAML, JSON, or lists of stages and edges."""
    return await pipeline_texts.export(scope, asked.pipeline, asked.form)
