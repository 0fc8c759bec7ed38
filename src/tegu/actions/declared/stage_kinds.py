"""What pipelines are made of: the kinds of stages, and the schema of documents."""

from tegu.actions import stage_kinds
from tegu.actions.action import Effect, NoInput, action
from tegu.actions.declared.inputs import PageInput
from tegu.actions.scope import Scope
from tegu.actions.stage_kinds import StageKindInfo
from tegu.domain.actor import Permission
from tegu.domain.json import JsonObject
from tegu.domain.page import Page, key_of, page_of
from tegu.pipeline.document_schema import document_schema


@action("stage_kinds.list", effect=Effect.READ, permission=Permission.PIPELINES_READ)
async def list_stage_kinds(scope: Scope, asked: PageInput) -> Page[StageKindInfo]:
    """List the kinds of stages by name: what each is for, the JSON Schema of its options, and what it puts out."""
    key = key_of(asked.cursor, 1)
    found = [each for each in stage_kinds.stage_kinds(scope.catalog) if key is None or each.name > key[0]]
    return page_of(found[: asked.limit + 1], asked.limit, lambda kind: (kind.name,))


@action("stage_kinds.schema", effect=Effect.READ, permission=Permission.PIPELINES_READ)
async def read_schema(scope: Scope, asked: NoInput) -> JsonObject:
    """Read the JSON Schema of pipeline documents, with the kinds and Python stages that there are here: for editors."""
    del asked
    return document_schema(scope.catalog)
