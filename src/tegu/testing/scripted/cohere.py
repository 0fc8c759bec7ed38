"""Cohere's chat wire format (v2), in which requests look like OpenAI's and replies do not.

Called by `routes`. Invariant: see `wire.Wire`. Cohere has neither refusals nor an ending by a filter in this API.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.testing.scripted.script import Failed, WireFormat
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
    retry_after,
    text_at,
)

_FINISH = {
    Finish.STOPPED: "COMPLETE",
    Finish.CALLED_TOOL: "TOOL_CALL",
    Finish.TRUNCATED: "MAX_TOKENS",
    Finish.REFUSED: "COMPLETE",
    Finish.FILTERED: "ERROR",
}


class CohereWire:
    """`POST .../v2/chat`."""

    format = WireFormat.COHERE

    def read(self, body: JsonObject, path_model: str | None) -> Asked:  # noqa: ARG002 - the body names the model
        schema = object_at(body, "response_format", "json_schema")
        tools = [
            OfferedTool(
                text_at(tool, "function", "name") or "", object_at(tool, "function", "parameters") or {}
            )
            for tool in objects_at(body, "tools")
        ]
        is_forced = text_at(body, "tool_choice") == "REQUIRED"
        return Asked(
            model=text_at(body, "model") or "",
            prompt=prompt_text(at(body, "messages")),
            schema=schema,
            tool=chosen_tool(tools, forced_name=None, is_forced=is_forced, has_schema=schema is not None),
            problem=None if objects_at(body, "messages") else "invalid request: messages is required",
        )

    def write(self, answer: Answer) -> JsonObject:
        tokens = answer.tokens
        counted: JsonObject = {"input_tokens": tokens.input_tokens, "output_tokens": tokens.output_tokens}
        return {
            "id": answer.key,
            "finish_reason": _FINISH[answer.finish],
            "message": _message(answer),
            "usage": {"billed_units": counted, "tokens": counted, "cached_tokens": tokens.cached_tokens},
        }

    def write_failure(self, failed: Failed) -> JsonObject:
        return {"message": failed.message or f"Scripted error {failed.status}."}

    def headers(self, key: str, failed: Failed | None) -> Mapping[str, str]:
        found = {"x-debug-trace-id": key}
        if failed is not None and failed.retry_after_s is not None:
            found |= retry_after(failed.retry_after_s)
        return found


def _message(answer: Answer) -> JsonObject:
    if answer.call is None:
        text: list[JsonValue] = [{"type": "text", "text": answer.text}]
        return {"role": "assistant", "content": text}
    call: JsonObject = {
        "id": f"call_{answer.key}",
        "type": "function",
        "function": {"name": answer.call.tool, "arguments": answer.call.arguments_json},
    }
    return {"role": "assistant", "tool_calls": [call]}
