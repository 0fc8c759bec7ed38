"""The Anthropic messages wire format.

Called by `routes`. Invariant: see `wire.Wire`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from tegu.domain.json import JsonObject
from tegu.testing.scripted.script import Failed, Tokens, WireFormat
from tegu.testing.scripted.wire import (
    RATE_LIMIT_REQUESTS,
    RATE_LIMIT_TOKENS,
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
    Finish.STOPPED: "end_turn",
    Finish.CALLED_TOOL: "tool_use",
    Finish.TRUNCATED: "max_tokens",
    Finish.REFUSED: "refusal",
    Finish.FILTERED: "refusal",
}
_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class AnthropicWire:
    """`POST .../messages`."""

    format = WireFormat.ANTHROPIC

    def read(self, body: JsonObject, path_model: str | None) -> Asked:  # noqa: ARG002 - the body names the model
        schema = object_at(body, "output_config", "format", "schema") or object_at(
            body, "output_format", "schema"
        )
        tools = [
            OfferedTool(text_at(tool, "name") or "", object_at(tool, "input_schema") or {})
            for tool in objects_at(body, "tools")
            if "input_schema" in tool
        ]
        choice = text_at(body, "tool_choice", "type")
        problem = None
        for name in ("model", "messages", "max_tokens"):
            if not body.get(name):
                problem = f"{name}: Field required"
                break
        return Asked(
            model=text_at(body, "model") or "",
            prompt=prompt_text(at(body, "system"), at(body, "messages")),
            schema=schema,
            tool=None
            if choice == "none"
            else chosen_tool(
                tools,
                forced_name=text_at(body, "tool_choice", "name"),
                is_forced=choice in {"any", "tool"},
                has_schema=schema is not None,
            ),
            problem=problem,
            stream=body.get("stream") is True,
        )

    def write(self, answer: Answer) -> JsonObject:
        return {
            "id": f"msg_{answer.key}",
            "type": "message",
            "role": "assistant",
            "model": answer.model,
            "content": _content(answer),
            "stop_reason": _FINISH[answer.finish],
            "stop_sequence": None,
            "stop_details": _stop_details(answer),
            "usage": _usage(answer.tokens),
        }

    def write_failure(self, failed: Failed) -> JsonObject:
        kind = failed.code or _ERRORS.get(
            failed.status, "api_error" if failed.status >= 500 else "invalid_request_error"
        )
        message = failed.message or (
            "Overloaded" if failed.status == 529 else f"Scripted error {failed.status}."
        )
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": None}

    def headers(self, key: str, failed: Failed | None) -> Mapping[str, str]:
        is_limited = failed is not None and failed.status == 429
        wait_s = failed.retry_after_s if failed is not None else None
        reset = (datetime.now(UTC) + timedelta(seconds=wait_s or 0)).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = {
            "request-id": f"req_{key}",
            "anthropic-organization-id": "scripted",
            "anthropic-ratelimit-requests-limit": str(RATE_LIMIT_REQUESTS),
            "anthropic-ratelimit-requests-remaining": "0" if is_limited else str(RATE_LIMIT_REQUESTS - 1),
            "anthropic-ratelimit-requests-reset": reset,
        }
        for kind in ("tokens", "input-tokens", "output-tokens"):
            found[f"anthropic-ratelimit-{kind}-limit"] = str(RATE_LIMIT_TOKENS)
            found[f"anthropic-ratelimit-{kind}-remaining"] = str(RATE_LIMIT_TOKENS)
            found[f"anthropic-ratelimit-{kind}-reset"] = reset
        if wait_s is not None:
            found |= retry_after(wait_s)
        return found


def _content(answer: Answer) -> list[JsonValue]:
    if answer.finish in {Finish.REFUSED, Finish.FILTERED}:
        return []
    if answer.call is None:
        return [{"type": "text", "text": answer.text}]
    arguments: JsonValue = answer.call.arguments
    if arguments is None and answer.finish is Finish.TRUNCATED:
        arguments = JsonObject()
    elif arguments is None:
        # Cut off by the token limit, the API sends what it has as an object; malformed JSON can only be a string.
        arguments = answer.call.arguments_json
    return [{"type": "tool_use", "id": f"toolu_{answer.key}", "name": answer.call.tool, "input": arguments}]


def _stop_details(answer: Answer) -> JsonValue:
    match answer.finish:
        case Finish.REFUSED:
            return {"type": "refusal", "category": None, "explanation": answer.text}
        case Finish.FILTERED:
            return {"type": "refusal", "category": "general_harms", "explanation": None}
        case _:
            return None


def _usage(tokens: Tokens) -> JsonObject:
    """Anthropic's `input_tokens` excludes what was read from or written to the cache; ours includes it."""
    cached = tokens.cached_tokens + tokens.cache_write_tokens
    usage: JsonObject = {
        "input_tokens": max(0, tokens.input_tokens - cached),
        "cache_creation_input_tokens": tokens.cache_write_tokens,
        "cache_read_input_tokens": tokens.cached_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write_tokens,
            "ephemeral_1h_input_tokens": 0,
        },
        "output_tokens": tokens.output_tokens,
        "service_tier": "standard",
    }
    if tokens.reasoning_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": tokens.reasoning_tokens}
    return usage
