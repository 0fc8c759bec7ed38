"""What runs read, as their evidence points into it."""

from typing import Annotated

from pydantic import Field

from tegu.actions.action import Effect, action
from tegu.actions.declared.inputs import RunId
from tegu.actions.run_sources import LENGTH_DEFAULT, LENGTH_MAX, RunSource, source_of
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission


class ReadSource(RunId):
    """Which stretch of what a run reads."""

    start: Annotated[int, Field(ge=0, description="The first character, counted from 0.")] = 0
    length: Annotated[int, Field(ge=1, le=LENGTH_MAX, description="How many characters.")] = LENGTH_DEFAULT


@action("runs.source", effect=Effect.READ, permission=Permission.CONTENTS_READ, key="run_id")
async def read_source(scope: Scope, asked: ReadSource) -> RunSource:
    """Read the text that a run reads, which its evidence points into: all of it, or a stretch of a long one."""
    return await source_of(scope, asked.run_id, start=asked.start, length=asked.length)
