"""The OpenAI responses wire format.

Called by `routes`. Invariant: see `wire.Wire`.
"""

import time
from collections.abc import Mapping

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.testing.scripted import openai
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

_INCOMPLETE = {Finish.TRUNCATED: "max_output_tokens", Finish.FILTERED: "content_filter"}


class OpenAIResponsesWire:
    """`POST .../responses`."""

    format = WireFormat.OPENAI_RESPONSES

    def read(self, body: JsonObject, path_model: str | None) -> Asked:  # noqa: ARG002 - the body names the model
        schema = object_at(body, "text", "format", "schema")
        if text_at(body, "text", "format", "type") == "json_object":
            schema = JsonObject(type="object")
        tools = [
            OfferedTool(text_at(tool, "name") or "", object_at(tool, "parameters") or {})
            for tool in objects_at(body, "tools")
            if text_at(tool, "type") == "function"
        ]
        choice = at(body, "tool_choice")
        problem = None
        if not text_at(body, "model"):
            problem = "Missing required parameter: 'model'."
        elif "input" not in body:
            problem = "Missing required parameter: 'input'."
        return Asked(
            model=text_at(body, "model") or "",
            prompt=prompt_text(at(body, "instructions"), at(body, "input")),
            schema=schema,
            tool=None
            if choice == "none"
            else chosen_tool(
                tools,
                forced_name=text_at(choice, "name"),
                is_forced=choice == "required" or isinstance(choice, dict),
                has_schema=schema is not None,
            ),
            problem=problem,
            stream=body.get("stream") is True,
        )

    def write(self, answer: Answer) -> JsonObject:
        reason = _INCOMPLETE.get(answer.finish)
        status = "incomplete" if reason else "completed"
        return {
            "id": f"resp_{answer.key}",
            "object": "response",
            "created_at": int(time.time()),
            "status": status,
            "background": False,
            "error": None,
            "incomplete_details": {"reason": reason} if reason else None,
            "instructions": None,
            "metadata": {},
            "model": answer.model,
            "output": [_item(answer, status)],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "service_tier": "default",
            "store": True,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "truncation": "disabled",
            "usage": _usage(answer.tokens),
            "user": None,
        }

    def write_failure(self, failed: Failed) -> JsonObject:
        return openai.write_failure(failed)

    def headers(self, key: str, failed: Failed | None) -> Mapping[str, str]:
        return openai.headers(key, failed)


def _item(answer: Answer, status: str) -> JsonValue:
    if answer.call is not None:
        return {
            "id": f"fc_{answer.key}",
            "type": "function_call",
            "status": status,
            "call_id": f"call_{answer.key}",
            "name": answer.call.tool,
            "arguments": answer.call.arguments_json,
        }
    content: JsonObject = {"type": "output_text", "annotations": [], "logprobs": [], "text": answer.text}
    if answer.finish is Finish.REFUSED:
        content = {"type": "refusal", "refusal": answer.text}
    return {
        "id": f"msg_{answer.key}",
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [content],
    }


def _usage(tokens: Tokens) -> JsonObject:
    return {
        "input_tokens": tokens.input_tokens,
        "input_tokens_details": {
            "cached_tokens": tokens.cached_tokens,
            "cache_write_tokens": tokens.cache_write_tokens,
        },
        "output_tokens": tokens.output_tokens,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning_tokens},
        "total_tokens": tokens.input_tokens + tokens.output_tokens,
    }
