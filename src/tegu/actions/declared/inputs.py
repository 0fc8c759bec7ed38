"""Inputs that several actions share."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from tegu.actions.action import ActionInput
from tegu.domain.page import PAGE_DEFAULT, PAGE_MAX
from tegu.domain.plain_text import checked_line

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
GivenName = Annotated[Name, AfterValidator(checked_line)]
"""What people call something of theirs, which others are shown: one line that hides nothing."""
Limit = Annotated[int, Field(ge=1, le=PAGE_MAX, description="How many at most.")]
Cursor = Annotated[str | None, Field(max_length=2000, description="`next_cursor` of the page before.")]
Sort = Annotated[Literal["-created_at", "created_at"], Field(description="Newest first, or oldest.")]
ModelName = Annotated[str, Field(max_length=500, description="`provider:model`, an alias, or a chain.")]
Stream = Annotated[
    bool,
    Field(description="Let replies be followed from the first call on; who follows asks for the later ones."),
]


class PageInput(ActionInput):
    """Which page of a list."""

    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = None


class SortedPageInput(PageInput):
    """Which page of a list, newest or oldest first."""

    sort: Sort = "-created_at"

    @property
    def is_oldest_first(self) -> bool:
        """Whether the oldest comes first."""
        return self.sort == "created_at"


class RunId(ActionInput):
    """Which run."""

    run_id: UUID
