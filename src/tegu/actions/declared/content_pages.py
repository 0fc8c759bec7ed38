"""Pages of contents, as they are printed."""

from typing import Annotated

from pydantic import Field

from tegu.actions import content_pages
from tegu.actions.action import Effect, action
from tegu.actions.content_pages import PrintedPage
from tegu.actions.declared.contents import ContentId
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission

PAGE_NUMBER_MAX = 5_000


class ReadPage(ContentId):
    """Which page of a content."""

    page: Annotated[int, Field(ge=1, le=PAGE_NUMBER_MAX, description="Counted from 1.")] = 1


@action("contents.page", effect=Effect.READ, permission=Permission.CONTENTS_READ, key="content_id")
async def read_page(scope: Scope, asked: ReadPage) -> PrintedPage:
    """Read where the text of a page of a PDF stands on that page, in points; a picture of the page is downloaded."""
    return await content_pages.page_of(scope, asked.content_id, asked.page)
