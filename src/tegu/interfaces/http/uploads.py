"""Uploads in one request: a file as the body of `POST /api/contents`, or as a part of a form.

    curl -T order.eml -X POST -H 'Content-Type: message/rfc822' .../api/contents?name=order.eml
    curl -F file=@order.eml -F 'metadata={"customer": 7}' .../api/contents

Made by `api`, beside the derived route, which takes JSON. Invariants: a body goes to a file as it comes and ends at intake's
limit; what becomes of it is what the action `contents.create` does.
"""

import os
import re
import tempfile
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Scope as AsgiScope

from tegu.actions.contents import Ingested
from tegu.actions.declared.contents import FileContent, create_content
from tegu.domain.errors import IntakeError, UsageError
from tegu.domain.json import JsonObject
from tegu.intake.sniff import SIZE_LIMIT_BYTES
from tegu.interfaces.http.heard import GONE, while_heard
from tegu.interfaces.http.reading import (
    CheckedRoute,
    ScopeOf,
    check_query,
    check_texts,
    checked_json,
    is_json,
    limited,
    pieces_of,
)

FORM = "multipart/form-data"
_FORM_FIELDS_BYTES = 2**20
"""Room for the fields beside the file, and for what stands between them."""
_PIECE_BYTES = 2**18
_FIELDS = ("name", "source_type", "external_id", "metadata")
_FILENAME = re.compile(r"""filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))""")
_FILENAME_ENCODED = re.compile(r"filename\*=utf-8'[^']*'([^;\s]+)", re.IGNORECASE)


class BodyRoute(CheckedRoute):
    """Takes the requests whose body is no JSON; the others go to the derived route."""

    def matches(self, scope: AsgiScope) -> tuple[Match, AsgiScope]:
        """See Starlette."""
        headers: Iterable[tuple[bytes, bytes]] = scope.get("headers", ())
        given = next((value for name, value in headers if name == b"content-type"), None)
        if given is None or is_json(given.decode("latin-1")):
            return Match.NONE, {}
        return super().matches(scope)


def uploads(scope_of: ScopeOf) -> APIRouter:
    """The route."""
    router = APIRouter(route_class=BodyRoute)

    async def upload_content(request: Request) -> Response:
        scope = await scope_of(request)
        create_content.check(scope.actor)
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type == "application/x-www-form-urlencoded":
            raise IntakeError(
                "a form that is not multipart holds no file",
                hint="curl -F file=@FILE, or -H 'Content-Type: application/octet-stream' for a file as it is",
                code="unknown_type",
            )
        opened = _of_form(request) if content_type == FORM else _of_body(request)
        async with opened as asked:
            done = await while_heard(request, create_content(scope, asked))
        return GONE if done is None else ingested(done)

    router.add_api_route(
        "/contents", upload_content, methods=["POST"], include_in_schema=False, response_model=None
    )
    return router


def ingested(done: Ingested) -> Response:
    """The answer to whoever gave a content: 201 where it is new, 200 where it was there."""
    return Response(
        create_content.output.dump_json(done), 201 if done.is_new else 200, media_type="application/json"
    )


@asynccontextmanager
async def _of_body(request: Request) -> AsyncGenerator[FileContent]:
    check_query(request, _FIELDS)
    said: dict[str, Any] = dict(request.query_params)
    said.setdefault("name", _name_in(request.headers.get("content-disposition", "")))
    with tempfile.TemporaryDirectory(prefix="tegu-upload-") as folder:
        path = Path(folder) / "content"
        with path.open("wb") as file:
            async for piece in pieces_of(limited(request, SIZE_LIMIT_BYTES), _PIECE_BYTES):
                await run_in_threadpool(file.write, piece)
        yield content_said(path, said)


@asynccontextmanager
async def _of_form(request: Request) -> AsyncGenerator[FileContent]:
    check_query(request, ())
    bounded = limited(request, SIZE_LIMIT_BYTES + _FORM_FIELDS_BYTES)
    try:
        form = await bounded.form(max_files=1, max_fields=len(_FIELDS), max_part_size=_FORM_FIELDS_BYTES)
    except HTTPException as error:  # Starlette's word for a form that is none
        raise UsageError(
            f"the form cannot be read: {error.detail}", hint="send one file, as `file`", code="invalid_input"
        ) from error
    try:
        said: dict[str, Any] = dict(form.multi_items())
        file = said.pop("file", None)
        if not isinstance(file, UploadFile) or not all(isinstance(value, str) for value in said.values()):
            raise UsageError(
                "the form has no file named `file`", hint="curl -F file=@FILE", code="invalid_input"
            )
        if unknown := sorted(said.keys() - set(_FIELDS)):
            raise UsageError(
                f"there is no field {unknown[0]!r}",
                hint=f"there are file, {', '.join(_FIELDS)}",
                code="invalid_input",
            )
        check_texts(said.items(), "form")
        said.setdefault("name", file.filename)
        with tempfile.TemporaryDirectory(prefix="tegu-upload-") as folder:
            path = Path(folder) / "content"
            await run_in_threadpool(_copy, file, path)
            yield content_said(path, said)
    finally:
        await form.close()


def content_said(path: Path, said: dict[str, Any]) -> FileContent:
    """What the action is asked with; raises what pydantic says of the fields."""
    if said.get("name"):
        said["name"] = str(said["name"]).replace("\\", "/").rpartition("/")[2][-500:] or None
    if "metadata" in said:
        said["metadata"] = metadata_of(str(said["metadata"]).encode())
    return FileContent.model_validate({"path": path, **said})


def metadata_of(text: bytes) -> JsonObject:
    """A JSON object that was sent as text. Raises UsageError."""
    value = checked_json(text, "metadata")
    if not isinstance(value, dict):
        raise UsageError("metadata is no JSON object", hint='as {"customer": 7}', code="invalid_input")
    return value


def _copy(file: UploadFile, path: Path) -> None:
    """The file of a form, which Starlette keeps in memory while it is small."""
    file.file.seek(0, os.SEEK_END)
    if file.file.tell() > SIZE_LIMIT_BYTES:
        raise IntakeError(
            f"the file is larger than {SIZE_LIMIT_BYTES // 2**20} MiB",
            hint="split it, or leave out what nobody reads",
            code="too_large",
        )
    file.file.seek(0)
    with path.open("wb") as copied:
        while piece := file.file.read(_PIECE_BYTES):
            copied.write(piece)


def _name_in(disposition: str) -> str | None:
    """The name that a Content-Disposition gives; headers are latin-1 unless they say otherwise."""
    if encoded := _FILENAME_ENCODED.search(disposition):
        return unquote(encoded[1], errors="replace")
    if plain := _FILENAME.search(disposition):
        return re.sub(r"\\(.)", r"\1", plain[1]) if plain[1] is not None else plain[2]
    return None
