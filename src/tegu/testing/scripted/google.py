"""The Gemini generateContent wire format.

Called by `routes`. Invariant: see `wire.Wire`. Gemini sends no rate-limit headers, and its wait after a 429 is in
the error body.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.testing.scripted.script import Failed, Tokens, WireFormat
from tegu.testing.scripted.wire import (
    Answer,
    Asked,
    Finish,
    OfferedTool,
    at,
    chosen_tool,
    object_at,
    objects_at,
    prompt_text,
    seconds_text,
    text_at,
)

_FINISH = {
    Finish.STOPPED: "STOP",
    Finish.CALLED_TOOL: "STOP",
    Finish.TRUNCATED: "MAX_TOKENS",
    Finish.REFUSED: "SAFETY",
    Finish.FILTERED: "SAFETY",
}
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_CAPITALS = re.compile(r"_([a-z])")


class GoogleWire:
    """`POST .../models/{model}:generateContent`."""

    format = WireFormat.GOOGLE

    def read(self, body: JsonObject, path_model: str | None) -> Asked:
        config = _field(body, "generation_config")
        schema = object_at(_field(config, "response_json_schema")) or object_at(
            _field(config, "response_schema")
        )
        mime_type = _field(config, "response_mime_type")
        if schema is None and mime_type == "application/json":
            schema = {}
        tools = [
            OfferedTool(text_at(declaration, "name") or "", _parameters(declaration))
            for tool in objects_at(body, "tools")
            for declaration in objects_at(_field(tool, "function_declarations"))
        ]
        calling = _field(_field(body, "tool_config"), "function_calling_config")
        mode = text_at(calling, "mode")
        allowed = at(_field(calling, "allowed_function_names"), 0)
        return Asked(
            model=path_model or "",
            prompt=prompt_text(_field(body, "system_instruction"), at(body, "contents")),
            schema=schema,
            tool=None
            if mode == "NONE"
            else chosen_tool(
                tools,
                forced_name=allowed if isinstance(allowed, str) else None,
                is_forced=mode == "ANY",
                has_schema=schema is not None,
            ),
            problem=None
            if objects_at(body, "contents")
            else "* GenerateContentRequest.contents: contents is not specified",
        )

    def write(self, answer: Answer) -> JsonObject:
        body: JsonObject = {}
        if answer.finish is Finish.FILTERED:
            body["promptFeedback"] = {"blockReason": "SAFETY", "safetyRatings": []}
        else:
            body["candidates"] = [_candidate(answer)]
        return {
            **body,
            "usageMetadata": _usage(answer.tokens),
            "modelVersion": answer.model,
            "createTime": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "responseId": answer.key,
        }

    def write_failure(self, failed: Failed) -> JsonObject:
        status = failed.code or _STATUSES.get(
            failed.status, "INTERNAL" if failed.status >= 500 else "FAILED_PRECONDITION"
        )
        error: JsonObject = {
            "code": failed.status,
            "message": failed.message or f"Scripted error {failed.status}.",
            "status": status,
        }
        if failed.retry_after_s is not None:
            delay = f"{seconds_text(failed.retry_after_s)}s"
            error["details"] = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
        return {"error": error}

    def headers(self, key: str, failed: Failed | None) -> Mapping[str, str]:  # noqa: ARG002 - the body tells the wait
        return {"x-request-id": key, "vary": "Origin", "server-timing": "gfet4t7; dur=1"}


def _field(value: JsonValue, name: str) -> JsonValue:
    """A field by its protobuf name or by its JSON name: the API takes both, and SDKs send both."""
    found = at(value, name)
    return found if found is not None else at(value, _CAPITALS.sub(lambda m: m[1].upper(), name))


def _parameters(declaration: JsonObject) -> JsonObject:
    found = _field(declaration, "parameters_json_schema") or at(declaration, "parameters")
    return found if isinstance(found, dict) else {}


def _candidate(answer: Answer) -> JsonObject:
    finish = _FINISH[answer.finish]
    parts: list[JsonValue] = []
    call = answer.call
    if call is not None and isinstance(call.arguments, dict):
        parts = [{"functionCall": {"id": answer.key, "name": call.tool, "args": call.arguments}}]
    elif call is not None and answer.finish is not Finish.TRUNCATED:
        finish = "MALFORMED_FUNCTION_CALL"
    elif call is None and answer.finish is not Finish.REFUSED:
        parts = [{"text": answer.text}]
    candidate: JsonObject = {"finishReason": finish, "index": 0}
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    if finish == "SAFETY":
        candidate["safetyRatings"] = [
            {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH", "blocked": True}
        ]
    return candidate


def _usage(tokens: Tokens) -> JsonObject:
    """Gemini counts thoughts beside the candidates' tokens; ours includes them in the output."""
    usage: JsonObject = {
        "promptTokenCount": tokens.input_tokens,
        "candidatesTokenCount": max(0, tokens.output_tokens - tokens.reasoning_tokens),
        "totalTokenCount": tokens.input_tokens + tokens.output_tokens,
    }
    if tokens.cached_tokens:
        usage["cachedContentTokenCount"] = tokens.cached_tokens
    if tokens.reasoning_tokens:
        usage["thoughtsTokenCount"] = tokens.reasoning_tokens
    return usage
