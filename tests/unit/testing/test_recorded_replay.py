"""Recorded model calls, replayed through the real clients: what Tegu reads in them."""

import gzip
import json
import zlib
from collections.abc import AsyncGenerator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from recorded_files import (
    ANTHROPIC_REQUEST,
    CHAT,
    CHAT_REQUEST,
    GEMINI,
    GEMINI_REQUEST,
    JSON,
    MESSAGES,
    RESPONSES,
    SCHEMA,
    STREAM,
    amazon_events,
    anthropic_reply,
    betamax,
    chat_reply,
    events,
    gemini_reply,
    interaction,
    parsed,
    side_by_side,
    write,
)

from tegu.testing.recorded.exchange import RecordedResponse
from tegu.testing.recorded.gathered import gathered
from tegu.testing.recorded.hosts import Api
from tegu.testing.recorded.replay import ReplayedFile, Replayer


@pytest.fixture
async def replayer() -> AsyncGenerator[Replayer]:
    async with Replayer() as opened:
        yield opened


def _code(report: ReplayedFile) -> str | None:
    return report.last.error.code if report.last.error else None


@pytest.mark.parametrize("dialect", ["vcrpy", "parsed", "betamax", "side by side", "packed", "old"])
async def test_every_dialect_gives_the_same_reading(replayer: Replayer, tmp_path: Path, dialect: str) -> None:
    path = tmp_path / ("a.yaml.gz" if dialect == "packed" else "a.yaml")
    match dialect:
        case "vcrpy":
            write(path, interaction(CHAT, CHAT_REQUEST, chat_reply()))
        case "parsed":
            write(path, parsed(CHAT, CHAT_REQUEST, chat_reply()))
        case "betamax":
            path = tmp_path / "a.json"
            path.write_text(betamax(CHAT, CHAT_REQUEST, chat_reply()))
        case "side by side":
            path.write_text(side_by_side(CHAT, CHAT_REQUEST, chat_reply()))
        case "packed":
            path.write_bytes(gzip.compress(side_by_side(CHAT, CHAT_REQUEST, chat_reply()).encode()))
        case _:
            old = interaction(CHAT, CHAT_REQUEST, "")
            old["response"] = {
                "http_version": "HTTP/1.1",
                "status_code": 200,
                "headers": {"content-type": "application/json"},
                "content": json.dumps(chat_reply()),
            }
            write(path, old)
    report = await replayer.replay(path)
    call = report.last
    assert (call.provider, call.model, call.status) == ("openai", "gpt-5-mini", 200)
    assert call.object == {"total": 12}
    assert (call.usage.input_tokens, call.usage.cached_tokens) == (100, 40)
    assert (call.usage.output_tokens, call.usage.reasoning_tokens) == (20, 5)
    assert call.cost_usd is not None
    assert call.cost_usd > Decimal(0)
    assert (call.finish, call.error, report.is_readable) == ("stop", None, True)


@pytest.mark.parametrize("packing", ["gzip", "deflate", "claimed only"])
async def test_packed_bodies_are_unpacked_whatever_the_headers_claim(
    replayer: Replayer, tmp_path: Path, packing: str
) -> None:
    plain = json.dumps(chat_reply()).encode()
    body = {"gzip": gzip.compress(plain), "deflate": zlib.compress(plain), "claimed only": plain}[packing]
    claimed = {**JSON, "Content-Encoding": ["gzip" if packing == "claimed only" else packing]}
    path = write(tmp_path / "a.yaml", interaction(CHAT, CHAT_REQUEST, body, headers=claimed))
    assert (await replayer.replay(path)).last.object == {"total": 12}


async def test_a_packing_that_cannot_be_undone_is_said(replayer: Replayer, tmp_path: Path) -> None:
    claimed = {**JSON, "content-encoding": ["zstd"]}
    body = b"\x28\xb5\x2f\xfd" + b"no such frame \xff"
    path = write(tmp_path / "a.yaml", interaction(CHAT, CHAT_REQUEST, body, headers=claimed))
    report = await replayer.replay(path)
    assert (_code(report), report.is_readable) == ("unsupported_recording", True)


async def test_a_retry_shows_both_calls_and_the_line_is_that_of_the_last(
    replayer: Replayer, tmp_path: Path
) -> None:
    refused = {"error": {"message": "Slow down.", "type": "requests", "code": "rate_limit_exceeded"}}
    path = write(
        tmp_path / "a.yaml",
        interaction(CHAT, CHAT_REQUEST, refused, status=429, headers={**JSON, "retry-after": ["2"]}),
        interaction(CHAT, CHAT_REQUEST, chat_reply()),
    )
    report = await replayer.replay(path)
    first, last = report.calls
    assert first.error is not None
    assert (first.error.code, first.error.kind, first.error.transient) == (
        "rate_limited",
        "ProviderError",
        True,
    )
    assert (first.usage.input_tokens, first.cost_usd) == (None, None)
    assert last is report.last
    assert last.object == {"total": 12}


async def test_a_loop_of_tools_is_judged_by_the_tool_that_each_reply_calls(
    replayer: Replayer, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "a.yaml",
        parsed(MESSAGES, ANTHROPIC_REQUEST, anthropic_reply("look_up", {})),
        parsed(MESSAGES, ANTHROPIC_REQUEST, anthropic_reply("final_result", {"total": 12})),
    )
    report = await replayer.replay(path)
    assert [call.object for call in report.calls] == [{}, {"total": 12}]
    assert report.last.finish == "tool_call"
    assert report.last.provider == "anthropic"


async def test_googles_own_dialect_of_schemas_is_understood(replayer: Replayer, tmp_path: Path) -> None:
    null = parsed(GEMINI, GEMINI_REQUEST, gemini_reply('{"total": null}'))
    path = write(tmp_path / "a.yaml", parsed(GEMINI, GEMINI_REQUEST, gemini_reply()), null)
    report = await replayer.replay(path)
    assert [call.object for call in report.calls] == [{"total": 12}, {"total": None}]
    assert report.last.provider == "google"


async def test_a_reply_of_the_responses_api_is_read(replayer: Replayer, tmp_path: Path) -> None:
    asked = {
        "model": "gpt-5-mini",
        "input": "What is the total?",
        "text": {"format": {"type": "json_schema", "name": "Invoice", "schema": SCHEMA}},
    }
    path = write(tmp_path / "a.yaml", parsed(RESPONSES, asked, _response()))
    call = (await replayer.replay(path)).last
    assert (call.provider, call.object) == ("openai-responses", {"total": 12})


def _response() -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_760_000_000,
        "status": "completed",
        "model": "gpt-5-mini",
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "output": [
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": '{"total": 12}', "annotations": []}],
            }
        ],
        "usage": {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 13,
        },
    }


STREAMS: dict[str, tuple[str, dict[str, Any], str]] = {
    "chat": (
        CHAT,
        {**CHAT_REQUEST, "stream": True},
        events(
            {"id": "c", "model": "gpt-5-mini", "created": 1, "choices": [{"index": 0, "delta": {"role": "assistant"}}]},
            {"id": "c", "choices": [{"index": 0, "delta": {"content": '{"tot'}}]},
            {"id": "c", "choices": [{"index": 0, "delta": {"content": 'al": 12}'}, "finish_reason": "stop"}]},
            {"id": "c", "choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}},
            "[DONE]",
        ),
    ),
    "chat with a tool": (
        CHAT,
        {**CHAT_REQUEST, "stream": True, "tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]},
        events(
            {
                "id": "c",
                "model": "gpt-5-mini",
                "created": 1,
                "choices": [
                    {
                        "index": 0,
                        "delta": {
                            "role": "assistant",
                            "content": None,
                            "tool_calls": [
                                {"index": 0, "id": "t", "type": "function", "function": {"name": "f", "arguments": ""}}
                            ],
                        },
                    }
                ],
            },
            {"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"total"'}}]}}]},
            {"id": "c", "choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": ":12}"}}]}}]},
            {"id": "c", "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}], "usage": {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}},
        ),
    ),
    "responses": (
        RESPONSES,
        {"model": "gpt-5-mini", "stream": True, "text": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        events(
            {"type": "response.created", "response": {**_response(), "status": "in_progress", "output": []}},
            {"type": "response.output_item.done", "item": _response()["output"][0]},
            {
                "type": "response.completed",
                "response": {**_response(), "output": [], "usage": {**_response()["usage"], "input_tokens": 7, "output_tokens": 5}},
            },
            named=True,
        ),
    ),
    "messages": (
        MESSAGES,
        {**ANTHROPIC_REQUEST, "stream": True},
        events(
            {
                "type": "message_start",
                "message": {**anthropic_reply("x", {}), "content": [], "stop_reason": None, "usage": {"input_tokens": 7, "output_tokens": 1}},
            },
            {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "final_result", "input": {}}},
            {"type": "ping"},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": '{"tot'}},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": 'al": 12}'}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
            {"type": "message_stop"},
            named=True,
        ),
    ),
    "gemini": (
        GEMINI.replace("generateContent", "streamGenerateContent") + "?alt=sse",
        GEMINI_REQUEST,
        events(
            {"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": '{"tot'}]}}]},
            {
                "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": 'al": 12}'}]}}],
                "usageMetadata": {"promptTokenCount": 7, "candidatesTokenCount": 5, "totalTokenCount": 12},
                "modelVersion": "gemini-2.5-flash",
            },
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("stream", STREAMS)
async def test_a_recorded_stream_is_read_as_the_reply_that_it_came_to(
    replayer: Replayer, tmp_path: Path, stream: str
) -> None:
    uri, asked, body = STREAMS[stream]
    path = write(tmp_path / "a.yaml", interaction(uri, asked, body, headers=STREAM))
    call = (await replayer.replay(path)).last
    assert call.error is None
    assert call.object == {"total": 12}
    assert (call.usage.input_tokens, call.usage.output_tokens) == (7, 5)


def test_amazons_binary_stream_is_gathered_into_a_reply() -> None:
    body = amazon_events(
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "The "}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "total."}}),
        (
            "contentBlockStart",
            {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}},
        ),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"total"'}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": ": 12}"}}}),
        ("messageStop", {"stopReason": "tool_use"}),
        ("metadata", {"usage": {"inputTokens": 7, "outputTokens": 5, "totalTokens": 12}}),
    )
    headers = {"content-type": "application/vnd.amazon.eventstream"}
    assert gathered(Api.CONVERSE, RecordedResponse(200, headers, body)) == {
        "stopReason": "tool_use",
        "usage": {"inputTokens": 7, "outputTokens": 5, "totalTokens": 12},
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"text": "The total."},
                    {"toolUse": {"toolUseId": "t", "name": "f", "input": {"total": 12}}},
                ],
            }
        },
    }


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (chat_reply('{"total": "twelve"}'), "malformed"),
        (chat_reply('{"tot', finish_reason="length"), "length"),
        (chat_reply(None, message={"refusal": "I will not."}), "refusal"),
        (chat_reply(None, finish_reason="content_filter"), "content_filter"),
        (chat_reply(""), "empty"),
        ({"unexpected": True}, "server"),
    ],
)
async def test_a_reply_that_is_no_result_says_why_by_our_rules(
    replayer: Replayer, tmp_path: Path, reply: dict[str, Any], code: str
) -> None:
    report = await replayer.replay(write(tmp_path / "a.yaml", interaction(CHAT, CHAT_REQUEST, reply)))
    assert (_code(report), report.last.object, report.is_readable) == (code, None, True)


async def test_a_provider_that_tegu_does_not_know_is_named(replayer: Replayer, tmp_path: Path) -> None:
    uri = "https://models.github.ai/inference/chat/completions"
    report = await replayer.replay(write(tmp_path / "a.yaml", interaction(uri, CHAT_REQUEST, chat_reply())))
    assert (_code(report), report.last.provider) == ("unknown_provider", "github")


async def test_an_unknown_host_is_read_by_the_api_that_its_path_speaks(
    replayer: Replayer, tmp_path: Path
) -> None:
    uri = "http://models.internal:8080/proxy/v1/chat/completions"
    call = (
        await replayer.replay(write(tmp_path / "a.yaml", interaction(uri, CHAT_REQUEST, chat_reply())))
    ).last
    assert (call.provider, call.object, call.cost_usd) == ("openai-compatible", {"total": 12}, None)


@pytest.mark.parametrize(
    "path", ["/v1/embeddings", "/v1/audio/speech", "/v1/files", "/v1/messages/count_tokens"]
)
async def test_what_is_no_model_call_is_said_to_be_none(
    replayer: Replayer, tmp_path: Path, path: str
) -> None:
    file = write(tmp_path / "a.yaml", interaction(f"https://api.openai.com{path}", {}, {"data": []}))
    report = await replayer.replay(file)
    assert (_code(report), report.calls, report.is_readable) == ("no_model_call", (), True)
