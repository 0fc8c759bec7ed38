"""What the OpenAPI document says of the live feed, whose answer is no JSON and has no end.

Read by `openapi`.
"""

from typing import Any

Json = dict[str, Any]


def _query(name: str, told: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "required": False, "description": told, "schema": schema}


_EVENTS: Json = {
    "tags": ["runs"],
    "operationId": "events_follow",
    "summary": "Follow what happens in runs, live.",
    "description": (
        "Server-sent events. `ready`: from here on everything is told. `run`: something that happened in a run (a RunEvent; "
        "`seq` counts within the run). `partial`: what a model has said so far (a RunEvent without an id). `resync`: something "
        "was left out, read the present state again (`reason`: too_slow, too_far_behind, unknown_cursor). `end`: the last one "
        "(`reason`: stopping, signed_out). A client that comes again with the last id that it got misses nothing; what it was "
        "told already may be told again, which `run_id` and `seq` say."
    ),
    "parameters": [
        _query(
            "topics",
            "With commas: `runs`, `pipeline:NAME`, `run:ID`, or `run:ID@SEQ` for its events after that number first.",
            {"type": "string", "maxLength": 10_000, "default": "runs"},
        ),
        _query(
            "partials",
            "Also what the models of `run:` topics have said so far.",
            {"type": "boolean", "default": False},
        ),
        _query("cursor", "Where `Last-Event-ID` cannot be sent.", {"type": "string", "maxLength": 2000}),
        {
            "name": "Last-Event-ID",
            "in": "header",
            "required": False,
            "description": "The last id that was got, as browsers send it by themselves.",
            "schema": {"type": "string", "maxLength": 2000},
        },
    ],
    "responses": {
        "200": {
            "description": "The stream.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **{
            str(status): {"$ref": f"#/components/responses/Problem{status}"}
            for status in (401, 403, 404, 422, 429, 503)
        },
    },
    "x-effect": "read",
    "x-permission": "runs:read",
}

EVENT_PATHS: Json = {"/events": {"get": _EVENTS}}
