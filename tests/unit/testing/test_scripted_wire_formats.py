"""Replies of every kind, seen through the real SDKs."""

import json

import httpx2
import pytest
from jsonschema import Draft202012Validator
from pydantic_ai.messages import ToolCallPart
from sdk_clients import KEY, SCHEMA, SDK_WIRES, Mode, ask, said

from tegu.domain.json import JsonObject
from tegu.testing.scripted import (
    Call,
    Filtered,
    Invalid,
    Json,
    Malformed,
    Refused,
    Reply,
    Rule,
    ScriptedProvider,
    Text,
    Tokens,
    WireFormat,
)

every_wire = pytest.mark.parametrize("wire", SDK_WIRES)
PLACE: JsonObject = {
    "city": "Rome",
    "kind": "town",
    "people": 3,
    "mayor": None,
    "streets": [{"name": "Via Appia"}],
}


@every_wire
async def test_a_text_reply_arrives_as_text(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Text("In Rome, naturally: è così.")))]) as server:
        response = await ask(server, wire)
    assert said(response) == "In Rome, naturally: è così."
    assert response.finish_reason == "stop"


@every_wire
async def test_a_json_reply_to_a_native_request_arrives_as_json_text(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Json(PLACE)))]) as server:
        response = await ask(server, wire, "native")
    assert json.loads(said(response)) == PLACE
    assert not any(isinstance(part, ToolCallPart) for part in response.parts)


@every_wire
async def test_a_json_reply_to_a_tool_request_arrives_as_the_arguments_of_that_tool(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Json(PLACE)))]) as server:
        response = await ask(server, wire, "tool")
    [call] = response.parts
    assert isinstance(call, ToolCallPart)
    assert (call.tool_name, call.args_as_dict()) == ("Place", PLACE)


@every_wire
@pytest.mark.parametrize("mode", ["native", "tool"])
async def test_without_a_script_the_reply_is_valid_and_the_same_every_time(
    wire: WireFormat, mode: Mode
) -> None:
    async with ScriptedProvider() as server:
        replies = [json.loads(said(await ask(server, wire, mode))) for _ in range(2)]
    Draft202012Validator(SCHEMA).validate(replies[0])  # pyright: ignore[reportUnknownMemberType] - its stubs
    assert replies[0] == replies[1]
    assert server.ledger[0].prompt_hash == server.ledger[1].prompt_hash


@every_wire
@pytest.mark.parametrize("mode", ["native", "tool"])
async def test_an_invalid_reply_is_json_that_the_schema_does_not_allow(wire: WireFormat, mode: Mode) -> None:
    async with ScriptedProvider([Rule(Reply(Invalid()))]) as server:
        reply = json.loads(said(await ask(server, wire, mode)))
    validator = Draft202012Validator(SCHEMA)
    assert not validator.is_valid(reply)  # pyright: ignore[reportUnknownMemberType] - its stubs


@every_wire
async def test_malformed_arguments_arrive_as_the_client_sees_them_from_this_provider(
    wire: WireFormat,
) -> None:
    async with ScriptedProvider([Rule(Reply(Malformed('{"city": ')))]) as server:
        response = await ask(server, wire, "tool")
    if wire is WireFormat.GOOGLE:
        assert (response.parts, response.finish_reason) == ([], "error")
    else:
        [call] = response.parts
        assert isinstance(call, ToolCallPart)
        assert call.args == '{"city": '


@every_wire
async def test_malformed_native_json_arrives_as_text(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Malformed('{"city": ')))]) as server:
        assert said(await ask(server, wire, "native")) == '{"city": '


@every_wire
@pytest.mark.parametrize("mode", ["text", "tool"])
async def test_a_truncated_reply_ends_for_length_and_is_cut(wire: WireFormat, mode: Mode) -> None:
    body = Text("one two three") if mode == "text" else Json(PLACE)
    async with ScriptedProvider([Rule(Reply(body, truncated=True))]) as server:
        response = await ask(server, wire, mode)
    assert response.finish_reason == "length"
    assert said(response) == "one tw" if mode == "text" else not said(response).endswith('"}]}')


@every_wire
@pytest.mark.parametrize("body", [Refused("No."), Filtered()])
async def test_a_refusal_and_a_filtered_reply_end_for_content(
    wire: WireFormat, body: Refused | Filtered
) -> None:
    async with ScriptedProvider([Rule(Reply(body))]) as server:
        response = await ask(server, wire, "native")
    assert response.finish_reason == "content_filter"
    assert said(response) == ""


@every_wire
async def test_a_named_call_is_made_whatever_was_asked(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Call("lookup", {"id": 7})))]) as server:
        response = await ask(server, wire)
    [call] = response.parts
    assert isinstance(call, ToolCallPart)
    assert (call.tool_name, call.args_as_dict()) == ("lookup", {"id": 7})


@every_wire
async def test_scripted_usage_is_read_back_with_cached_and_reasoning_tokens(wire: WireFormat) -> None:
    tokens = Tokens(input_tokens=1000, output_tokens=90, cached_tokens=600, reasoning_tokens=40)
    async with ScriptedProvider([Rule(Reply(Text("x"), tokens=tokens))]) as server:
        usage = (await ask(server, wire)).usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (1000, 90, 600)
    names = ("reasoning_tokens", "thinking_tokens", "thoughts_tokens")
    assert [usage.details[n] for n in names if n in usage.details] == [40]
    assert (server.ledger[0].input_tokens, server.ledger[0].output_tokens) == (1000, 90)


@every_wire
async def test_usage_may_be_all_zero(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Text("x"), tokens=Tokens()))]) as server:
        usage = (await ask(server, wire)).usage
    assert (usage.input_tokens, usage.output_tokens) == (0, 0)


@every_wire
async def test_tokens_are_counted_the_same_way_every_time(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Text("x" * 40)))]) as server:
        first, second = (await ask(server, wire)).usage, (await ask(server, wire)).usage
    assert first.output_tokens == 10
    assert first.input_tokens == second.input_tokens > 0


@every_wire
async def test_the_ledger_masks_the_key_and_keeps_the_prompt(wire: WireFormat) -> None:
    async with ScriptedProvider() as server:
        await ask(server, wire, prompt="Where is Rome?")
        [entry] = server.ledger
    assert KEY not in str(entry)
    assert "***" in entry.headers.values()
    assert "Where is Rome?" in json.dumps(entry.body)
    assert (entry.wire, entry.status, entry.is_complete, entry.rule) == (wire, 200, True, None)


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/v1/chat/completions", "x-ratelimit-remaining-requests"),
        ("/openai/deployments/x/chat/completions", "x-ratelimit-reset-tokens"),
        ("/v1/responses", "x-request-id"),
        ("/anthropic/v1/messages?beta=true", "anthropic-ratelimit-input-tokens-remaining"),
        ("/v1beta/models/gemini-2.5-flash:generateContent", "server-timing"),
    ],
)
async def test_any_base_path_works_and_headers_are_the_providers_own(path: str, header: str) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    body = {
        "model": "m",
        "max_tokens": 5,
        "messages": messages,
        "input": "Hi",
        "contents": [{"parts": [{"text": "Hi"}]}],
    }
    async with ScriptedProvider() as server, httpx2.AsyncClient() as client:
        response = await client.post(server.url + path, json=body)
    assert response.status_code == 200
    assert header in response.headers
    assert server.ledger[0].path == path.partition("?")[0]


TOOLS: list[object] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in ("a", "b")
]
FORMAT: dict[str, object] = {
    "type": "json_schema",
    "json_schema": {"name": "n", "schema": {"type": "object"}},
}


@pytest.mark.parametrize(
    ("asked", "tool"),
    [
        ({"tools": TOOLS}, "a"),
        ({"tools": TOOLS, "tool_choice": "required"}, "a"),
        ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "b"}}}, "b"),
        ({"tools": TOOLS, "tool_choice": "none"}, None),
        ({"tools": TOOLS, "response_format": FORMAT}, None),
        ({"tools": TOOLS, "response_format": FORMAT, "tool_choice": "required"}, "a"),
        ({"response_format": FORMAT}, None),
    ],
)
async def test_json_goes_through_the_tool_that_the_request_asks_for(
    asked: dict[str, object], tool: str | None
) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **asked}
    async with ScriptedProvider([Rule(Reply(Json({})))]) as server, httpx2.AsyncClient() as client:
        reply = (await client.post(f"{server.url}/v1/chat/completions", json=body)).json()
    message = reply["choices"][0]["message"]
    if tool is None:
        assert message["content"] == "{}"
    else:
        assert [call["function"]["name"] for call in message["tool_calls"]] == [tool]


async def test_the_base_url_is_what_each_sdk_wants() -> None:
    async with ScriptedProvider() as server:
        assert server.base_url("openai") == server.base_url("vllm") == f"{server.url}/v1"
        assert server.base_url("anthropic") == server.base_url("google") == server.url
