"""Pipelines and their versions: list, read, check and publish them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, model_validator

from tegu.actions import pipeline_standing, pipelines
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import Name, PageInput, SortedPageInput
from tegu.actions.pipeline_standing import PipelineStanding
from tegu.actions.pipelines import CheckedDocument
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.json import JsonObject
from tegu.domain.page import Page, id_of, key_of, page_of
from tegu.pipeline.yaml_source import TEXT_LENGTH_MAX
from tegu.storage.pipelines import PipelineVersion


class WhichPipeline(ActionInput):
    """Which pipeline."""

    pipeline: Annotated[
        Name, Field(description="`invoices`, or one version: `invoices@2`; of a draft `invoices@-1`.")
    ]


class WholePipeline(ActionInput):
    """Which pipeline, with all its versions."""

    pipeline: Name


class PipelineText(ActionInput):
    """A pipeline document: YAML or JSON as text, or as data."""

    text: Annotated[str | None, Field(max_length=TEXT_LENGTH_MAX)] = None
    document: JsonObject | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> "PipelineText":
        if (self.text is None) == (self.document is None):
            raise ValueError("give either `text` or `document`")
        return self

    @property
    def given(self) -> str | JsonObject:
        """What was given."""
        return self.text if self.text is not None else self.document or {}


class ListPipelines(PageInput):
    """Which pipelines."""

    include_archived: Annotated[bool, Field(description="Also those that are archived.")] = False


class RollBack(ActionInput):
    """Which pipeline, and where to."""

    pipeline: Name
    to: Annotated[int, Field(ge=1, description="The number of the version that its name shall mean.")]


class ListVersions(SortedPageInput):
    """Which versions."""

    pipeline: Name | None = None
    include_drafts: Annotated[bool, Field(description="Also those that nobody has published.")] = False


class VersionId(ActionInput):
    """Which version."""

    version_id: UUID


@action("pipelines.list", effect=Effect.READ, permission=Permission.PIPELINES_READ)
async def list_pipelines(scope: Scope, asked: ListPipelines) -> Page[PipelineVersion]:
    """List pipelines that are not archived by name, each with its current version."""
    key = key_of(asked.cursor, 1)
    await pipelines.publish_builtins(scope)
    found = await pipelines.list_pipelines(
        scope,
        after=key[0] if key else None,
        limit=asked.limit + 1,
        includes_archived=asked.include_archived,
    )
    return page_of(found, asked.limit, lambda version: (version.name,))


@action("pipelines.get", effect=Effect.READ, permission=Permission.PIPELINES_READ, key="pipeline")
async def get_pipeline(scope: Scope, asked: WhichPipeline) -> PipelineVersion:
    """Read the current version of a pipeline, or one version by its number."""
    return await pipelines.resolve(scope, asked.pipeline)


@action(
    "pipelines.create",
    effect=Effect.WRITE,
    permission=Permission.PIPELINES_WRITE,
    is_idempotent=True,
)
async def publish_pipeline(scope: Scope, asked: PipelineText) -> PipelineVersion:
    """Publish a document as a version of the pipeline that it names, which the name means from then on. Where an equal
    version is stored, that one is made current again, with the text as it is written now. Every problem of the document is reported at once.
    """
    found = await pipelines.defined(scope, asked.given)
    return await pipelines.publish(scope, found.definition, text=found.text)


@action("pipelines.check", effect=Effect.READ, permission=Permission.PIPELINES_READ)
async def check_pipeline(scope: Scope, asked: PipelineText) -> CheckedDocument:
    """Check a document, of which nothing is stored: every problem with its place, its line and what to do."""
    return await pipelines.check(scope, asked.given)


@action(
    "pipelines.rollback",
    effect=Effect.WRITE,
    permission=Permission.PIPELINES_WRITE,
    key="pipeline",
    audited=("pipeline", "to"),
    is_idempotent=True,
)
async def roll_back(scope: Scope, asked: RollBack) -> PipelineVersion:
    """Let the name of a pipeline mean an older version, or a newer one again: runs that are started by name take it, runs
    that began stay on theirs.
    """
    return await pipeline_standing.roll_back(scope, asked.pipeline, asked.to)


@action(
    "pipelines.archive",
    effect=Effect.WRITE,
    permission=Permission.PIPELINES_WRITE,
    key="pipeline",
    audited=("pipeline",),
    is_idempotent=True,
)
async def archive_pipeline(scope: Scope, asked: WholePipeline) -> PipelineStanding:
    """Begin no more runs of a pipeline, and pause its schedules. Runs that began go on, and nothing is lost."""
    return await pipeline_standing.archive(scope, asked.pipeline)


@action(
    "pipelines.restore",
    effect=Effect.WRITE,
    permission=Permission.PIPELINES_WRITE,
    key="pipeline",
    audited=("pipeline",),
    is_idempotent=True,
)
async def restore_pipeline(scope: Scope, asked: WholePipeline) -> PipelineStanding:
    """Take a pipeline back from the archive. Its schedules stay paused: resume those that are wanted."""
    return await pipeline_standing.restore(scope, asked.pipeline)


@action("pipeline_versions.list", effect=Effect.READ, permission=Permission.PIPELINES_READ)
async def list_versions(scope: Scope, asked: ListVersions) -> Page[PipelineVersion]:
    """List the versions of all pipelines, or of one, the newest first."""
    found = await pipelines.list_versions(
        scope,
        pipeline=asked.pipeline,
        after=id_of(asked.cursor),
        limit=asked.limit + 1,
        is_oldest_first=asked.is_oldest_first,
        includes_drafts=asked.include_drafts,
    )
    return page_of(found, asked.limit, lambda version: version.id)


@action("pipeline_versions.get", effect=Effect.READ, permission=Permission.PIPELINES_READ, key="version_id")
async def get_version(scope: Scope, asked: VersionId) -> PipelineVersion:
    """Read one version of a pipeline."""
    return await pipelines.get_version(scope, asked.version_id)
