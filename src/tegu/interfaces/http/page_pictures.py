"""Pictures of pages: made when they are asked for, and kept by whoever asked.

Made by `api`. Invariants: who asks is found out before anything is drawn; a picture that the client has is not drawn again; it is a
picture to every browser, whatever stands in the file.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from tegu.actions.content_pages import (
    WIDTH_PX_DEFAULT,
    WIDTH_PX_MAX,
    WIDTH_PX_MIN,
    picture_of,
    picture_tag,
)
from tegu.actions.declared.content_pages import PAGE_NUMBER_MAX, ReadPage, read_page
from tegu.interfaces.http.conditional import is_named
from tegu.interfaces.http.reading import CheckedRoute, ScopeOf, check_query


def page_pictures(scope_of: ScopeOf) -> APIRouter:
    """The route."""
    router = APIRouter(route_class=CheckedRoute)

    async def contents_page_picture(
        request: Request,
        content_id: UUID,
        page: Annotated[int, Query(ge=1, le=PAGE_NUMBER_MAX)] = 1,
        width: Annotated[int, Query(ge=WIDTH_PX_MIN, le=WIDTH_PX_MAX)] = WIDTH_PX_DEFAULT,
    ) -> Response:
        """A page of a PDF as PNG, so many pixels wide; not at all where If-None-Match names it."""
        check_query(request, ("page", "width"))
        scope = read_page.narrowed(await scope_of(request), ReadPage(content_id=content_id, page=page))
        tag = f'"{await picture_tag(scope, content_id, page, width)}"'
        headers = {
            "etag": tag,
            "cache-control": "private, no-cache",
            "x-content-type-options": "nosniff",
            "cross-origin-resource-policy": "same-origin",
        }
        known = request.headers.get("if-none-match")
        if known is not None and is_named(tag, known, is_weak_enough=True):
            return Response(status_code=304, headers=headers)
        picture = await picture_of(scope, content_id, page, width)
        return Response(picture, 200, headers, media_type="image/png")

    router.add_api_route(
        "/contents/{content_id}/page/picture",
        contents_page_picture,
        methods=["GET"],
        include_in_schema=False,
        response_model=None,
    )
    return router
