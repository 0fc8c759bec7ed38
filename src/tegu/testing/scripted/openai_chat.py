"""The OpenAI chat completions wire format, which most other servers speak too.

Called by `routes`. Invariant: see `wire.Wire`.
"""

import time
from collections.abc import Mapping

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

_FINISH = {
    Finish.STOPPED: "stop",
    Finish.CALLED_TOOL: "tool_calls",
    Finish.TRUNCATED: "length",
    Finish.REFUSED: "stop",
    Finish.FILTERED: "content_filter",
}


class OpenAIChatWire:
    """`POST .../chat/completions`."""

    format = WireFormat.OPENAI_CHAT

    def read(self, body: JsonObject, path_model: str | None) -> Asked:  # noqa: ARG002 - the body names the model
        schema = object_at(body, "response_format", "json_schema", "schema")
        if text_at(body, "response_format", "type") == "json_object":
            schema = JsonObject(type="object")
        tools = [
            OfferedTool(
                text_at(tool, "function", "name") or "", object_at(tool, "function", "parameters") or {}
            )
            for tool in objects_at(body, "tools")
        ]
        choice = at(body, "tool_choice")
        forced = text_at(choice, "function", "name")
        problem = None
        if not text_at(body, "model"):
            problem = "you must provide a model parameter"
        elif not objects_at(body, "messages"):
            problem = "Missing required parameter: 'messages'."
        return Asked(
            model=text_at(body, "model") or "",
            prompt=prompt_text(at(body, "messages")),
            schema=schema,
            tool=None
            if choice == "none"
            else chosen_tool(
                tools,
                forced_name=forced,
                is_forced=choice == "required" or isinstance(choice, dict),
                has_schema=schema is not None,
            ),
            problem=problem,
            stream=body.get("stream") is True,
        )

    def write(self, answer: Answer) -> JsonObject:
        is_refused = answer.finish is Finish.REFUSED
        message: JsonObject = {
            "role": "assistant",
            "content": None if is_refused or answer.call is not None else answer.text,
            "refusal": answer.text if is_refused else None,
            "annotations": [],
        }
        if answer.call is not None:
            message["tool_calls"] = [
                {
                    "id": f"call_{answer.key}",
                    "type": "function",
                    "function": {"name": answer.call.tool, "arguments": answer.call.arguments_json},
                }
            ]
        return {
            "id": f"chatcmpl-{answer.key}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": answer.model,
            "choices": [
                {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH[answer.finish]}
            ],
            "usage": _usage(answer.tokens),
            "service_tier": "default",
            "system_fingerprint": "fp_scripted",
        }

    def write_failure(self, failed: Failed) -> JsonObject:
        return openai.write_failure(failed)

    def headers(self, key: str, failed: Failed | None) -> Mapping[str, str]:
        return openai.headers(key, failed)


def _usage(tokens: Tokens) -> JsonObject:
    prompt: JsonObject = {"cached_tokens": tokens.cached_tokens, "audio_tokens": 0}
    if tokens.cache_write_tokens:
        prompt["cache_write_tokens"] = tokens.cache_write_tokens
    return {
        "prompt_tokens": tokens.input_tokens,
        "completion_tokens": tokens.output_tokens,
        "total_tokens": tokens.input_tokens + tokens.output_tokens,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
