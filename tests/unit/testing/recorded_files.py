"""Small recordings in the dialects in which they are published, written by these tests."""

import base64
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"total": {"type": "integer"}},
    "required": ["total"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "Invoice", "schema": SCHEMA, "strict": True}}
TOOL = {"name": "final_result", "parameters": SCHEMA}

CHAT = "https://api.openai.com/v1/chat/completions"
RESPONSES = "https://api.openai.com/v1/responses"
MESSAGES = "https://api.anthropic.com/v1/messages"
GEMINI = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent"
JSON = {"Content-Type": ["application/json"]}
STREAM = {"content-type": ["text/event-stream; charset=utf-8"]}

CHAT_REQUEST: dict[str, Any] = {
    "model": "gpt-5-mini",
    "messages": [{"role": "user", "content": "What is the total?"}],
    "response_format": FORMAT,
}
ANTHROPIC_REQUEST: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 64,
    "messages": [{"role": "user", "content": "What is the total?"}],
    "tools": [
        {"name": "look_up", "input_schema": {"type": "object", "properties": {}}},
        {"name": "final_result", "input_schema": SCHEMA},
    ],
    "tool_choice": {"type": "any"},
}
GEMINI_REQUEST: dict[str, Any] = {
    "contents": [{"role": "user", "parts": [{"text": "What is the total?"}]}],
    "generationConfig": {
        "responseMimeType": "application/json",
        "responseSchema": {
            "type": "OBJECT",
            "properties": {"total": {"type": "INTEGER", "nullable": True}},
            "required": ["total"],
            "propertyOrdering": ["total"],
        },
    },
}


def chat_reply(content: str | None = '{"total": 12}', **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": content, **more.pop("message", {})}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "gpt-5-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": more.pop("finish_reason", "stop")}],
        "usage": {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "total_tokens": 120,
            "prompt_tokens_details": {"cached_tokens": 40},
            "completion_tokens_details": {"reasoning_tokens": 5},
        },
        **more,
    }


def anthropic_reply(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5",
        "content": [{"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 50, "output_tokens": 9},
    }


def gemini_reply(text: str = '{"total": 12}') -> dict[str, Any]:
    return {
        "candidates": [
            {"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": text}]}}
        ],
        "usageMetadata": {"promptTokenCount": 15, "candidatesTokenCount": 8, "totalTokenCount": 23},
        "modelVersion": "gemini-2.5-flash",
    }


def interaction(
    uri: str,
    asked: Any,
    body: Any,
    *,
    status: int = 200,
    headers: Mapping[str, list[str]] = JSON,
    method: str = "POST",
) -> dict[str, Any]:
    """As vcrpy stores it: bodies as text (or as bytes, which YAML marks as binary)."""
    said = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return {
        "request": {"method": method, "uri": uri, "headers": dict(JSON), "body": json.dumps(asked)},
        "response": {
            "status": {"code": status, "message": "as recorded"},
            "headers": dict(headers),
            "body": {"string": said},
        },
    }


def parsed(uri: str, asked: Any, body: Any) -> dict[str, Any]:
    """With the bodies as YAML, so that people can read them."""
    return {
        "request": {"method": "POST", "uri": uri, "headers": JSON, "parsed_body": asked},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": JSON, "parsed_body": body},
    }


def write(path: Path, *interactions: dict[str, Any], **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({"interactions": list(interactions), "version": 1, **more}))
    return path


def betamax(uri: str, asked: Any, body: Any) -> str:
    """As betamax and Ruby's VCR store it, in JSON, with bytes in base64."""
    packed = base64.b64encode(json.dumps(body).encode()).decode()
    return json.dumps(
        {
            "http_interactions": [
                {
                    "request": {"method": "post", "uri": uri, "body": {"string": json.dumps(asked)}},
                    "response": {
                        "status": {"code": "200", "message": "OK"},
                        "headers": {"Content-Type": "application/json"},
                        "body": {"encoding": "utf-8", "base64_string": packed},
                    },
                }
            ],
            "recorded_with": "betamax/0.9",
        }
    )


def side_by_side(uri: str, asked: Any, body: Any) -> str:
    """Requests and responses in two lists."""
    one = interaction(uri, asked, body)
    return yaml.safe_dump({"requests": [one["request"]], "responses": [one["response"]]})


def events(*data: Any, named: bool = False) -> str:
    """A stream of server-sent events."""
    blocks = [
        (f"event: {each['type']}\n" if named else "")
        + f"data: {each if each == '[DONE]' else json.dumps(each)}"
        for each in data
    ]
    return "\n\n".join(blocks) + "\n\n"


def amazon_events(*data: tuple[str, dict[str, Any]]) -> bytes:
    """A stream of events in Amazon's binary form (with check sums of zero, which nobody here checks)."""
    found = b""
    for kind, payload in data:
        name = b":event-type"
        headers = bytes([len(name)]) + name + b"\x07" + struct.pack(">H", len(kind)) + kind.encode()
        body = json.dumps(payload).encode()
        size = 12 + len(headers) + len(body) + 4
        found += struct.pack(">III", size, len(headers), 0) + headers + body + bytes(4)
    return found
