"""Resumable uploads: the tus protocol, version 1.0, with creation, termination, expiration and checksums.

    POST   /api/uploads         Upload-Length, Upload-Metadata: filename, source_type, external_id, metadata     201 Location
    HEAD   /api/uploads/{id}    how far it is: Upload-Offset
    PATCH  /api/uploads/{id}    Upload-Offset, the bytes that follow it                                          204
    DELETE /api/uploads/{id}    end it

Made by `api`. What has come is in the database, so that any process goes on with it; when all of it is there it is a content,
at the address that `Content-Location` gives. Invariant: an offset that was told is on disk.
"""

import binascii
import hashlib
import tempfile
from base64 import b64decode
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from tegu.actions.declared.contents import FileContent
from tegu.actions.scope import Scope
from tegu.actions.uploads import PART_BYTES, add_parts, create_upload, get_upload, remove_upload
from tegu.domain.errors import IntakeError, UsageError
from tegu.domain.upload import Upload
from tegu.intake.sniff import SIZE_LIMIT_BYTES
from tegu.interfaces.http.problems import problem, problem_response
from tegu.interfaces.http.reading import (
    CheckedRoute,
    Handler,
    ScopeOf,
    check_query,
    check_texts,
    limited,
    pieces_of,
)
from tegu.interfaces.http.uploads import content_said

VERSION = "1.0.0"
_EXTENSIONS = "creation,expiration,checksum,termination"
_ALGORITHMS = {"sha1": hashlib.sha1, "sha256": hashlib.sha256}
_PART_TYPE = "application/offset+octet-stream"
_FIELDS = {"filename": "name", "name": "name"} | {
    name: name for name in ("source_type", "external_id", "metadata")
}
_METADATA_BYTES_MAX = 16_384


class TusRoute(CheckedRoute):
    """A route of the protocol: it says which version it speaks, and answers nothing that asks in another."""

    def get_route_handler(self) -> Handler:
        """See FastAPI."""
        handle = super().get_route_handler()

        async def spoken(request: Request) -> Response:
            asked = request.headers.get("tus-resumable")
            if request.method != "OPTIONS" and asked != VERSION:
                said = problem(412, "invalid_input", f"Tus-Resumable is {asked!r} and not {VERSION}")
                answered = problem_response(said, {"tus-version": VERSION})
            else:
                answered = await handle(request)
            answered.headers["tus-resumable"] = VERSION
            return answered

        return spoken


def resumable_uploads(scope_of: ScopeOf) -> APIRouter:
    """The routes."""
    router = APIRouter(route_class=TusRoute)
    answers = _Answers(scope_of)
    for path, method, endpoint in (
        ("/uploads", "OPTIONS", _capabilities),
        ("/uploads", "POST", answers.create),
        ("/uploads/{upload_id}", "HEAD", answers.look),
        ("/uploads/{upload_id}", "PATCH", answers.add),
        ("/uploads/{upload_id}", "DELETE", answers.end),
    ):
        router.add_api_route(path, endpoint, methods=[method], include_in_schema=False, response_model=None)
    return router


async def _capabilities() -> Response:
    return Response(
        status_code=204,
        headers={
            "tus-version": VERSION,
            "tus-extension": _EXTENSIONS,
            "tus-max-size": str(SIZE_LIMIT_BYTES),
            "tus-checksum-algorithm": ",".join(_ALGORITHMS),
        },
    )


class _Answers:
    def __init__(self, scope_of: ScopeOf) -> None:
        self._scope_of = scope_of

    async def create(self, request: Request) -> Response:
        """Announce a file."""
        check_query(request, ())
        scope = await self._scope_of(request)
        length = _number(request, "upload-length")
        made = await create_upload(scope, length, _metadata(request.headers.get("upload-metadata", "")))
        location = f"{request.scope.get('root_path', '')}/uploads/{made.id}"
        return Response(status_code=201, headers=_headers(request, made) | {"location": location})

    async def look(self, request: Request, upload_id: UUID) -> Response:
        """Say how far one is."""
        check_query(request, ())
        found = await get_upload(await self._scope_of(request), upload_id)
        headers = {"upload-length": str(found.length_bytes), "cache-control": "no-store"}
        return Response(status_code=200, headers=_headers(request, found) | headers)

    async def add(self, request: Request, upload_id: UUID) -> Response:
        """Take what follows the offset."""
        check_query(request, ())
        scope = await self._scope_of(request)
        if request.headers.get("content-type", "").partition(";")[0].strip() != _PART_TYPE:
            raise IntakeError("a part of an upload is of another type", hint=_PART_TYPE, code="unknown_type")
        start = _number(request, "upload-offset")
        checksum = request.headers.get("upload-checksum")
        if checksum is not None:
            return await _add_checked(request, scope, upload_id, start, checksum)
        found = await get_upload(scope, upload_id)
        async for piece in pieces_of(limited(request, SIZE_LIMIT_BYTES), PART_BYTES):
            found = await add_parts(scope, upload_id, start, [piece])
            start += len(piece)
        if found.offset_bytes != start:
            found = await add_parts(scope, upload_id, start, [])
        return Response(status_code=204, headers=_headers(request, found))

    async def end(self, request: Request, upload_id: UUID) -> Response:
        """End one."""
        check_query(request, ())
        await remove_upload(await self._scope_of(request), upload_id)
        return Response(status_code=204)


async def _add_checked(
    request: Request, scope: Scope, upload_id: UUID, start: int, checksum: str
) -> Response:
    """A part that is kept only if it is what its checksum says."""
    algorithm, _, expected = checksum.partition(" ")
    if algorithm not in _ALGORITHMS:
        said = problem(400, "bad_request", f"there is no checksum {algorithm[:50]!r} here")
        return problem_response(said, {"tus-checksum-algorithm": ",".join(_ALGORITHMS)})
    await get_upload(scope, upload_id)
    found = _ALGORITHMS[algorithm](usedforsecurity=False)
    with tempfile.TemporaryFile(prefix="tegu-upload-") as file:
        async for piece in pieces_of(limited(request, SIZE_LIMIT_BYTES), PART_BYTES):
            found.update(piece)
            await run_in_threadpool(file.write, piece)
        if _decoded(expected, "Upload-Checksum") != found.digest():
            return problem_response(problem(460, "checksum", "what came is not what its checksum says"))
        file.seek(0)
        stored = await add_parts(scope, upload_id, start, _parts_of(file))
    return Response(status_code=204, headers=_headers(request, stored))


def _parts_of(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PART_BYTES):
        yield piece


def _headers(request: Request, found: Upload) -> dict[str, str]:
    said = {
        "upload-offset": str(found.offset_bytes),
        "upload-expires": format_datetime(found.expires_at, usegmt=True),
    }
    if found.content_id is not None:
        said["content-location"] = f"{request.scope.get('root_path', '')}/contents/{found.content_id}"
    return said


def _number(request: Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise UsageError(f"{name} is {text[:30]!r}", hint="a number of bytes", code="invalid_input")
    return int(text)


def _metadata(header: str) -> FileContent:
    """What an Upload-Metadata says of the file; keys that other servers know are passed over."""
    if len(header) > _METADATA_BYTES_MAX:
        raise UsageError("Upload-Metadata is too long", hint="16 KiB at most", code="invalid_input")
    said: dict[str, Any] = {}
    for pair in header.split(",") if header.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        if key in _FIELDS:
            said[_FIELDS[key]] = _decoded(encoded, f"Upload-Metadata {key}").decode("utf-8", "replace")
    check_texts(said.items(), "upload-metadata")
    return content_said(Path(), said)


def _decoded(text: str, place: str) -> bytes:
    try:
        return b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise UsageError(f"{place} is no base64", hint="as RFC 4648 has it", code="invalid_input") from error
