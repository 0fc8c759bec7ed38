"""Results and stage runs: list and read them."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from tegu.actions import results
from tegu.actions.action import ActionInput, Effect, action
from tegu.actions.declared.inputs import Name, SortedPageInput
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.page import Page, key_of, page_of, uuid_in
from tegu.domain.run import Result, StageOfRun
from tegu.domain.status import StageStatus

_RESULT_PARTS, _STAGE_PARTS = 5, 3


class ListResults(SortedPageInput):
    """Which results."""

    type: Name | None = None
    run_id: UUID | None = None
    stage: Name | None = None
    pipeline: Name | None = None
    confidence_max: Annotated[
        float | None, Field(ge=0, le=1, description="Only those that are no surer, for review.")
    ] = None


class ResultId(ActionInput):
    """Which result."""

    result_id: Annotated[str, Field(max_length=100, description="`id` of a result that was listed.")]


class ListStageRuns(SortedPageInput):
    """Which stage runs."""

    run_id: UUID | None = None
    stage: Name | None = None
    status: StageStatus | None = None
    pipeline: Name | None = None


@action("results.list", effect=Effect.READ, permission=Permission.RUNS_READ)
async def list_results(scope: Scope, asked: ListResults) -> Page[Result]:
    """List results with their evidence and confidence, those of the newest runs first."""
    key = key_of(asked.cursor, _RESULT_PARTS)
    found = await results.list_results(
        scope,
        type=asked.type,
        run_id=asked.run_id,
        stage=asked.stage,
        pipeline=asked.pipeline,
        confidence_max=asked.confidence_max,
        after=(uuid_in(asked.cursor, key[0]), key[1], key[2], key[3], key[4]) if key else None,
        limit=asked.limit + 1,
        is_oldest_first=asked.is_oldest_first,
    )
    return page_of(
        found, asked.limit, lambda each: (str(each.run_id), each.stage, each.item, each.type, each.key)
    )


@action("results.get", effect=Effect.READ, permission=Permission.RUNS_READ, key="result_id")
async def get_result(scope: Scope, asked: ResultId) -> Result:
    """Read one result."""
    return await results.get_result(scope, asked.result_id)


@action("stage_runs.list", effect=Effect.READ, permission=Permission.RUNS_READ)
async def list_stage_runs(scope: Scope, asked: ListStageRuns) -> Page[StageOfRun]:
    """List stage runs with their outputs and errors, those of the newest runs first."""
    key = key_of(asked.cursor, _STAGE_PARTS)
    found = await results.list_stage_runs(
        scope,
        run_id=asked.run_id,
        stage=asked.stage,
        status=asked.status,
        pipeline=asked.pipeline,
        after=(uuid_in(asked.cursor, key[0]), key[1], key[2]) if key else None,
        limit=asked.limit + 1,
        is_oldest_first=asked.is_oldest_first,
    )
    return page_of(found, asked.limit, lambda each: (str(each.run_id), each.stage_run.stage, each.item))
