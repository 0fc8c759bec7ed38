"""What the OpenAPI document says of files: the addresses that no action has, and the bodies that no JSON is.

Read by `openapi`.
"""

from typing import Any

from tegu.actions.content_pages import WIDTH_PX_DEFAULT, WIDTH_PX_MAX, WIDTH_PX_MIN
from tegu.actions.declared.content_pages import PAGE_NUMBER_MAX

Json = dict[str, Any]


def _problem(*statuses: int) -> Json:
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}


def _text(name: str, told: str, *, place: str = "header", is_required: bool = False) -> Json:
    schema: Json = {"type": "string"}
    return {"name": name, "in": place, "required": is_required, "description": told, "schema": schema}


def _number(name: str, told: str, least: int, most: int, default: int) -> Json:
    schema: Json = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return {"name": name, "in": "query", "description": told, "required": False, "schema": schema}


_CONTENT_ID: Json = {
    "name": "content_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
_BYTES: Json = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}
_FILE_HEADERS: Json = {
    "ETag": {"description": "The sha256 of the bytes.", "schema": {"type": "string"}},
    "Content-Disposition": {
        "description": "An attachment, and its name.",
        "schema": {"type": "string"},
    },
}

UPLOAD_BODIES: Json = {
    "multipart/form-data": {"schema": {"$ref": "#/components/schemas/UploadForm"}},
    "application/octet-stream": _BYTES,
}
"""Beside JSON. As a body of any other type than JSON, the fields stand in the query."""

_WITH_FILE = "Only where the body is a file as it is."
UPLOAD_QUERY: list[Json] = [
    _text("name", f"What the file is called. {_WITH_FILE}", place="query"),
    {
        "name": "source_type",
        "in": "query",
        "description": _WITH_FILE,
        "schema": {"$ref": "#/components/schemas/SourceType"},
    },
    _text("external_id", f"Your own id for it. {_WITH_FILE}", place="query"),
    _text("metadata", f"A JSON object. {_WITH_FILE}", place="query"),
]

FILE_SCHEMAS: Json = {
    "UploadForm": {
        "type": "object",
        "description": "A file, and what is known of it.",
        "required": ["file"],
        "additionalProperties": False,
        "properties": {
            "file": {"type": "string", "contentMediaType": "application/octet-stream"},
            "name": {"type": "string", "maxLength": 500},
            "source_type": {"$ref": "#/components/schemas/SourceType"},
            "external_id": {"type": "string", "maxLength": 1000},
            "metadata": {"type": "string", "description": "A JSON object."},
        },
    }
}

_DOWNLOAD: Json = {
    "tags": ["contents"],
    "operationId": "contents_data",
    "summary": "Download the bytes of a content as they came in.",
    "description": "As an attachment, in part where a `Range` of bytes is given.",
    "parameters": [
        _CONTENT_ID,
        _text("Range", "`bytes=0-1023`"),
        _text("If-Range", "The ETag of what the part belongs to: all of it comes where it is another."),
        {"$ref": "#/components/parameters/IfNoneMatch"},
    ],
    "responses": {
        "200": {
            "description": "All of it.",
            "headers": _FILE_HEADERS,
            "content": {"*/*": _BYTES},
        },
        "206": {
            "description": "The part that was asked for.",
            "headers": _FILE_HEADERS,
            "content": {"*/*": _BYTES},
        },
        "304": {"description": "It is as you have it."},
        **_problem(401, 403, 404, 416, 422, 429, 503),
    },
    "x-effect": "read",
    "x-permission": "contents:read",
}

_PICTURE: Json = {
    "tags": ["contents"],
    "operationId": "contents_page_picture",
    "summary": "Draw a page of a PDF.",
    "description": "As PNG. Where the text stands on the page is `contents.page`.",
    "parameters": [
        _CONTENT_ID,
        _number("page", "Which page, counted from 1.", 1, PAGE_NUMBER_MAX, 1),
        _number("width", "How many pixels wide.", WIDTH_PX_MIN, WIDTH_PX_MAX, WIDTH_PX_DEFAULT),
        {"$ref": "#/components/parameters/IfNoneMatch"},
    ],
    "responses": {
        "200": {
            "description": "The picture.",
            "headers": {"ETag": {"description": "What names it.", "schema": {"type": "string"}}},
            "content": {"image/png": {"schema": {"type": "string", "contentMediaType": "image/png"}}},
        },
        "304": {"description": "It is as you have it."},
        **_problem(401, 403, 404, 422, 429, 503),
    },
    "x-effect": "read",
    "x-permission": "contents:read",
}

_EXPORT: Json = {
    "tags": ["organizations"],
    "operationId": "organizations_export_data",
    "summary": "Download all that the organization has.",
    "description": "A tar archive, compressed by gzip, that is made while it is read: rows as lines of JSON, bytes by their sha256, "
    "and at its end `manifest.json`; without that it is not whole.",
    "parameters": [_CONTENT_ID | {"name": "organization_id"}],
    "responses": {
        "200": {
            "description": "The archive.",
            "headers": {"Content-Disposition": _FILE_HEADERS["Content-Disposition"]},
            "content": {"application/gzip": _BYTES},
        },
        **_problem(401, 403, 404, 422, 429, 503),
    },
    "x-effect": "read",
    "x-permission": "organization:export",
}

_TUS: Json = {
    "name": "Tus-Resumable",
    "in": "header",
    "required": True,
    "description": "The version of the protocol.",
    "schema": {"type": "string", "const": "1.0.0"},
}
_UPLOAD_ID: Json = _CONTENT_ID | {"name": "upload_id"}
_OFFSET: Json = {
    "Upload-Offset": {
        "description": "How many bytes are there.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Upload-Expires": {
        "description": "When it is forgotten unless it is finished.",
        "schema": {"type": "string"},
    },
    "Content-Location": {
        "description": "The content that it became; only then.",
        "schema": {"type": "string"},
    },
}


def _bytes(name: str, told: str) -> Json:
    schema: Json = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}
    return {"name": name, "in": "header", "required": True, "description": told, "schema": schema}


def _of_upload(verb: str, summary: str, parameters: list[Json], responses: Json, *statuses: int) -> Json:
    return {
        "tags": ["uploads"],
        "operationId": f"uploads_{verb}",
        "summary": summary,
        "description": f"{summary} Part of the resumable upload protocol tus, 1.0.",
        "parameters": [_TUS, *parameters],
        "responses": responses | _problem(401, 403, 412, 422, 429, 503, *statuses),
        "x-effect": "read" if verb == "get" else "write",
        "x-permission": "contents:write",
    }


_UPLOADS: Json = {
    "/uploads": {
        "post": _of_upload(
            "create",
            "Announce a file that comes in parts.",
            [
                _bytes("Upload-Length", "The length of the file."),
                _text(
                    "Upload-Metadata",
                    "Pairs of a key and a value in base64, with commas between: `filename`, `source_type`, `external_id`, `metadata`.",
                ),
            ],
            {
                "201": {
                    "description": "It was made.",
                    "headers": _OFFSET
                    | {"Location": {"description": "Its address.", "schema": {"type": "string"}}},
                }
            },
            413,
        ),
    },
    "/uploads/{upload_id}": {
        "head": _of_upload(
            "get",
            "Say how far an upload is.",
            [_UPLOAD_ID],
            {"200": {"description": "How far it is.", "headers": _OFFSET}},
            404,
            409,
            413,
            415,
        ),
        "patch": _of_upload(
            "add",
            "Send what follows the offset; with the last of it the file becomes a content.",
            [
                _UPLOAD_ID,
                _bytes("Upload-Offset", "Where it begins."),
                _text("Upload-Checksum", "`sha256` or `sha1`, and the digest of this part in base64."),
            ],
            {"204": {"description": "It is there.", "headers": _OFFSET}},
            400,
            404,
            409,
            413,
            415,
            460,
        )
        | {"requestBody": {"required": True, "content": {"application/offset+octet-stream": _BYTES}}},
        "delete": _of_upload(
            "remove",
            "End an upload, with all that came of it.",
            [_UPLOAD_ID],
            {"204": {"description": "It is gone."}},
            404,
        ),
    },
}
UPLOADS_TAG: Json = {"name": "uploads", "description": "Files that come in parts, by the protocol tus."}

FILE_PATHS: Json = {
    "/contents/{content_id}/data": {"get": _DOWNLOAD},
    "/contents/{content_id}/page/picture": {"get": _PICTURE},
    "/organizations/{organization_id}/export/data": {"get": _EXPORT},
    **_UPLOADS,
}
