"""Pictures of pipelines: draw them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from tegu.actions import pipeline_pictures
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import Name
from tegu.actions.pipeline_pictures import Drawing, PictureFormat
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.json import JsonObject
from tegu.pipeline.yaml_source import TEXT_LENGTH_MAX


class DrawPipeline(ActionInput):
    """What is drawn: a pipeline, a document, or where a run stands."""

    pipeline: Annotated[Name | None, Field(description="`invoices`, or one version: `invoices@2`.")] = None
    text: Annotated[
        str | None, Field(max_length=TEXT_LENGTH_MAX, description="A document that is not stored.")
    ] = None
    document: JsonObject | None = None
    run_id: Annotated[
        UUID | None, Field(description="A run: its stages have the colors of their statuses.")
    ] = None
    format: PictureFormat = PictureFormat.MERMAID

    @model_validator(mode="after")
    def _one(self) -> "DrawPipeline":
        given = (self.pipeline, self.text, self.document, self.run_id)
        if sum(each is not None for each in given) != 1:
            raise ValueError("give one of `pipeline`, `text`, `document` and `run_id`")
        return self


@action("pipelines.draw", effect=Effect.READ, permission=Permission.PIPELINES_READ)
async def draw_pipeline(scope: Scope, asked: DrawPipeline) -> Drawing:
    """Draw a pipeline as Mermaid, for Markdown pages, or as SVG; a run of one with the statuses of its stages."""
    if asked.run_id is not None:
        return await pipeline_pictures.draw_run(scope, asked.run_id, asked.format)
    if asked.pipeline is not None:
        return await pipeline_pictures.draw(scope, asked.pipeline, asked.format)
    given = asked.text if asked.text is not None else asked.document or {}
    return await pipeline_pictures.draw_document(scope, given, asked.format)
