"""Downloads: the bytes of a content, and all that an organization has, in pieces, as a file that no browser shows.

Made by `api`. Invariants: at most one piece of a download is in memory; no transaction lasts while a client reads slowly; what
was sent by somebody is never shown as a page of ours.
"""

import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from tegu.actions.contents import bytes_of
from tegu.actions.declared.contents import ContentId, get_content
from tegu.actions.declared.organization_data import export_organization
from tegu.actions.organization_export import begin_export
from tegu.actions.scope import Scope
from tegu.domain.content import Content
from tegu.domain.errors import NotFoundError
from tegu.interfaces.http.conditional import is_named
from tegu.interfaces.http.problems import problem, problem_response
from tegu.interfaces.http.reading import CheckedRoute, ScopeOf, check_query

_PIECE_BYTES = 2**20
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_UNSAFE_IN_NAMES = re.compile(r"[^\w.,()+@ -]", re.ASCII)


def downloads(scope_of: ScopeOf) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=CheckedRoute)

    async def contents_data(request: Request, content_id: UUID) -> Response:
        """Download the bytes of a content as they came in: in part where a Range is given, and not at all where
        If-None-Match names them.
        """
        check_query(request, ())
        scope = await scope_of(request)
        content = await get_content(scope, ContentId(content_id=content_id))
        headers = _headers(content)
        known = request.headers.get("if-none-match")
        if known is not None and is_named(headers["etag"], known, is_weak_enough=True):
            return Response(status_code=304, headers=headers)
        start, end = 0, content.size_bytes
        part = _part_of(request, headers["etag"], content.size_bytes)
        if part is not None:
            start, end = part
            if start >= end:
                return _no_such_part(content)
            headers["content-range"] = f"bytes {start}-{end - 1}/{content.size_bytes}"
        headers["content-length"] = str(end - start)
        body = _pieces(scope, content, start, end)
        if request.method == "HEAD":
            return Response(None, 200 if part is None else 206, headers, content.media_type)
        return StreamingResponse(body, 200 if part is None else 206, headers, content.media_type)

    router.add_api_route(
        "/contents/{content_id}/data",
        contents_data,
        methods=["GET", "HEAD"],
        include_in_schema=False,
        response_model=None,
    )

    async def organizations_export_data(request: Request, organization_id: UUID) -> Response:
        """Download all that the organization has, as an archive that is made while it is read."""
        check_query(request, ())
        scope = await scope_of(request)
        scope = replace(scope, rows=export_organization.check(scope.actor))
        if organization_id != scope.organization_id:
            raise NotFoundError(f"there is no organization {organization_id}")
        headers = {
            **_attached(f"organization-{organization_id}.tar.gz"),
            "cache-control": "no-store",
        }
        return StreamingResponse(await begin_export(scope), 200, headers, "application/gzip")

    router.add_api_route(
        "/organizations/{organization_id}/export/data",
        organizations_export_data,
        methods=["GET"],
        include_in_schema=False,
        response_model=None,
    )
    return router


def _headers(content: Content) -> dict[str, str]:
    return {
        **_attached(content.name or str(content.id)),
        "etag": f'"{content.sha256}"',
        "cache-control": "private, no-cache",
        "accept-ranges": "bytes",
    }


def _attached(name: str) -> dict[str, str]:
    return {
        "content-disposition": disposition_of(name),
        "content-security-policy": "default-src 'none'; sandbox",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
    }


def disposition_of(name: str) -> str:
    """As a file of that name: in ASCII for old clients, and as it is. No folder, no quote, no line break gets through."""
    name = name.replace("\\", "/").rpartition("/")[2].strip(". ")[-200:] or "content"
    return (
        f"attachment; filename=\"{_UNSAFE_IN_NAMES.sub('_', name)}\"; filename*=UTF-8''{quote(name, safe='')}"
    )


def _part_of(request: Request, tag: str, size: int) -> tuple[int, int] | None:
    """[start, end) of the one range that is asked for; None for all of it. Empty where there is no such part."""
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip().lower())
    if asked is None or request.headers.get("if-range", tag) != tag:
        return None  # several ranges, or another unit: the whole is a right answer to these
    first, last = asked.groups()
    if not first:
        return (max(0, size - int(last)), size) if last else None
    if last and int(last) < int(first):
        return None
    return int(first), min(size, int(last) + 1) if last else size


def _no_such_part(content: Content) -> Response:
    said = problem(416, "no_such_part", f"the content has {content.size_bytes} bytes")
    return problem_response(said, {"content-range": f"bytes */{content.size_bytes}"})


async def _pieces(scope: Scope, content: Content, start: int, end: int) -> AsyncGenerator[bytes]:
    while start < end:
        piece = await bytes_of(scope, content, start, min(_PIECE_BYTES, end - start))
        yield piece
        start += len(piece)
