"""What the OpenAPI document says of files: the addresses that no action has, and the bodies that no JSON is.

Read by `openapi`.
"""

from typing import Any

Json = dict[str, Any]


def _problem(*statuses: int) -> Json:
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in statuses}


def _text(name: str, told: str, *, place: str = "header", is_required: bool = False) -> Json:
    schema: Json = {"type": "string"}
    return {"name": name, "in": place, "required": is_required, "description": told, "schema": schema}


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

FILE_PATHS: Json = {"/contents/{content_id}/data": {"get": _DOWNLOAD}}
