"""Pictures of pipelines: of what is stored, of a document that is not, of where a run of one stands.

Called by `declared`. Invariant: a picture shows nothing that the actor may not read otherwise: of a run only to who may read
runs.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from tegu.actions.apart import apart
from tegu.actions.pipelines import define, resolve
from tegu.actions.policy import enforce
from tegu.actions.runs import get_run
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.json import JsonObject
from tegu.domain.status import StageStatus
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.drawing.mermaid import to_mermaid
from tegu.pipeline.drawing.picture import picture_of
from tegu.pipeline.drawing.svg import to_svg


class PictureFormat(StrEnum):
    """In which language a picture is written."""

    MERMAID = "mermaid"
    SVG = "svg"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture: `text` is the Mermaid or the SVG. `number` is None for a document that was given."""

    pipeline: str
    number: int | None
    format: PictureFormat
    text: str


async def draw(scope: Scope, pipeline: str, written_in: PictureFormat) -> Drawing:
    """A stored version. Raises NotFoundError, UsageError."""
    version = await resolve(scope, pipeline)
    return await _drawn(version.definition, version.number, written_in)


async def draw_document(scope: Scope, document: str | JsonObject, written_in: PictureFormat) -> Drawing:
    """A document, of which nothing is stored. Raises DefinitionError with every problem."""
    return await _drawn(await apart(define, scope, document), None, written_in)


async def draw_run(scope: Scope, run_id: UUID, written_in: PictureFormat) -> Drawing:
    """The version that a run is of, with where its stages stand. Raises NotFoundError, ForbiddenError."""
    enforce(scope.actor, "pipelines.draw of a run", Permission.RUNS_READ)
    run = await get_run(scope, run_id)
    version = await resolve(scope, f"{run.pipeline}@{run.version}")
    statuses = {each.stage: each.status for each in run.stages}
    return await _drawn(version.definition, version.number, written_in, statuses)


async def _drawn(
    definition: PipelineDefinition,
    number: int | None,
    written_in: PictureFormat,
    statuses: dict[str, StageStatus] | None = None,
) -> Drawing:
    """Apart: a thousand stages take a second."""
    return await apart(_drawing, definition, number, written_in, statuses)


def _drawing(
    definition: PipelineDefinition,
    number: int | None,
    written_in: PictureFormat,
    statuses: dict[str, StageStatus] | None,
) -> Drawing:
    picture = picture_of(definition, statuses)
    match written_in:
        case PictureFormat.MERMAID:
            text = to_mermaid(picture)
        case PictureFormat.SVG:
            text = to_svg(picture)
        case _:
            assert_never(written_in)
    return Drawing(definition.name, number, written_in, text)
