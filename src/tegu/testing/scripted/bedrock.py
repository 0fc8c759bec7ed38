"""The Converse wire format of Amazon Bedrock.

Called by `routes`. Invariant: see `wire.Wire`. Bedrock says the kind of an error in a header, and sends no rate-limit
levels. It has no refusals: what it withholds, it calls filtered.
"""

import json
import math
from collections.abc import Mapping

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
    text_at,
)

_FINISH = {
    Finish.STOPPED: "end_turn",
    Finish.CALLED_TOOL: "tool_use",
    Finish.TRUNCATED: "max_tokens",
    Finish.REFUSED: "content_filtered",
    Finish.FILTERED: "content_filtered",
}
_ERRORS = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


class BedrockWire:
    """`POST .../model/{model}/converse`."""

    format = WireFormat.BEDROCK

    def read(self, body: JsonObject, path_model: str | None) -> Asked:
        schema = _schema(at(body, "outputConfig", "textFormat"))
        tools = [
            OfferedTool(
                text_at(tool, "toolSpec", "name") or "",
                object_at(tool, "toolSpec", "inputSchema", "json") or {},
            )
            for tool in objects_at(at(body, "toolConfig"), "tools")
        ]
        choice = object_at(body, "toolConfig", "toolChoice") or {}
        return Asked(
            model=path_model or "",
            prompt=prompt_text(at(body, "system"), at(body, "messages")),
            schema=schema,
            tool=chosen_tool(
                tools,
                forced_name=text_at(choice, "tool", "name"),
                is_forced="any" in choice or "tool" in choice,
                has_schema=schema is not None,
            ),
            problem=None
            if objects_at(body, "messages")
            else "A conversation must start with a user message.",
        )

    def write(self, answer: Answer) -> JsonObject:
        finish, content = _FINISH[answer.finish], _content(answer)
        if answer.call is not None and not content and answer.finish is Finish.CALLED_TOOL:
            finish = "malformed_tool_use"
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": finish,
            "usage": _usage(answer.tokens),
            "metrics": {"latencyMs": 1},
        }

    def write_failure(self, failed: Failed) -> JsonObject:
        return {"message": failed.message or f"Scripted error {failed.status}."}

    def headers(self, key: str, failed: Failed | None) -> Mapping[str, str]:
        found = {"x-amzn-requestid": key}
        if failed is None:
            return found
        fallback = "InternalServerException" if failed.status >= 500 else "ValidationException"
        found["x-amzn-errortype"] = failed.code or _ERRORS.get(failed.status, fallback)
        if failed.retry_after_s is not None:
            found["retry-after"] = str(math.ceil(failed.retry_after_s))
        return found


def _schema(text_format: JsonValue) -> JsonObject | None:
    """The schema of structured output, which travels as text within the JSON."""
    written = text_at(text_format, "structure", "jsonSchema", "schema")
    if written is None:
        return None
    read: JsonValue = json.loads(written)
    return read if isinstance(read, dict) else {}


def _content(answer: Answer) -> list[JsonValue]:
    if answer.finish in {Finish.REFUSED, Finish.FILTERED}:
        return []
    if answer.call is None:
        return [{"text": answer.text}]
    arguments = answer.call.arguments
    if not isinstance(arguments, dict):
        return []
    call: JsonObject = {
        "toolUseId": f"tooluse_{answer.key}",
        "name": answer.call.tool,
        "input": arguments,
    }
    return [{"toolUse": call}]


def _usage(tokens: Tokens) -> JsonObject:
    """Converse counts what was read from or written to the cache apart; ours includes it in the input."""
    cached = tokens.cached_tokens + tokens.cache_write_tokens
    return {
        "inputTokens": max(0, tokens.input_tokens - cached),
        "outputTokens": tokens.output_tokens,
        "totalTokens": tokens.input_tokens + tokens.output_tokens,
        "cacheReadInputTokens": tokens.cached_tokens,
        "cacheWriteInputTokens": tokens.cache_write_tokens,
    }
