"""Inputs that several actions share."""

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from tegu.actions.action import ActionInput
from tegu.domain.page import PAGE_DEFAULT, PAGE_MAX

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Limit = Annotated[int, Field(ge=1, le=PAGE_MAX, description="How many at most.")]
Cursor = Annotated[str | None, Field(max_length=100, description="`next_cursor` of the page before.")]


class PageInput(ActionInput):
    """Which page of a list."""

    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = None


class RunId(ActionInput):
    """Which run."""

    run_id: UUID
