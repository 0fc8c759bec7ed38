"""Faults, seen as the errors that the real clients make of them."""

import asyncio
import time

import httpx2
import pytest
from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
)
from sdk_clients import SDK_WIRES, ask, said, until

from tegu.testing.scripted import (
    Failed,
    ProviderRequest,
    Raw,
    Reply,
    Rule,
    ScriptedProvider,
    Text,
    WireFormat,
)

every_wire = pytest.mark.parametrize("wire", SDK_WIRES)


@every_wire
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ModelRequestRejectedError),
        (401, ModelAuthenticationError),
        (404, ModelNotFoundError),
        (429, ModelRateLimitError),
        (500, ModelServerError),
        (503, ModelUnavailableError),
    ],
)
async def test_an_error_status_is_the_clients_own_error(
    wire: WireFormat, status: int, error: type[ModelAPIError]
) -> None:
    async with ScriptedProvider([Rule(Reply(Failed(status)))]) as server:
        with pytest.raises(error) as caught:
            await ask(server, wire)
    assert isinstance(caught.value, ModelHTTPError)
    assert caught.value.status_code == server.ledger[0].status == status
    assert server.ledger[0].output_tokens is None


@every_wire
async def test_the_wait_of_a_429_arrives_where_the_provider_puts_it(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Failed(429, retry_after_s=1.5)))]) as server:
        with pytest.raises(ModelRateLimitError) as caught:
            await ask(server, wire)
    assert caught.value.retry_after == 1.5


async def test_529_is_anthropic_being_overloaded() -> None:
    async with ScriptedProvider([Rule(Reply(Failed(529)))]) as server:
        with pytest.raises(ModelOverloadedError, match="overloaded_error"):
            await ask(server, WireFormat.ANTHROPIC)


async def test_a_code_tells_an_empty_quota_from_a_rate_limit() -> None:
    async with ScriptedProvider([Rule(Reply(Failed(429, code="insufficient_quota")))]) as server:
        with pytest.raises(ModelQuotaExceededError):
            await ask(server, WireFormat.OPENAI_CHAT)


@every_wire
async def test_a_reset_before_the_reply_is_a_connection_error(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Text("x"), reset="before"))]) as server:
        with pytest.raises(ModelConnectionError):
            await ask(server, wire)
    [entry] = server.ledger
    assert (entry.status, entry.is_complete) == (None, False)


@every_wire
async def test_a_reset_during_the_reply_is_a_connection_error(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Text("x" * 1000), reset="during"))]) as server:
        with pytest.raises(ModelConnectionError):
            await ask(server, wire)
    [entry] = server.ledger
    assert (entry.status, entry.is_complete) == (200, False)
    assert entry.output_tokens == 250


@every_wire
async def test_a_late_reply_is_a_timeout_and_the_ledger_knows_the_request_at_once(wire: WireFormat) -> None:
    async with ScriptedProvider([Rule(Reply(Text("x"), delay_s=600))]) as server:
        # The first call of a process lets some SDKs build their types: a short timeout may end before anything is sent.
        for timeout_s in (0.2, 2, 20):
            with pytest.raises(ModelTimeoutError):
                await ask(server, wire, timeout_s=timeout_s)
            if server.ledger:
                break
        assert [entry.status for entry in server.ledger] == [None]


async def test_a_dripped_reply_takes_its_time_and_is_whole() -> None:
    started_at = time.monotonic()
    async with ScriptedProvider([Rule(Reply(Text("x" * 500), bytes_per_s=4000))]) as server:
        response = await ask(server, WireFormat.OPENAI_CHAT)
    assert said(response) == "x" * 500
    assert time.monotonic() - started_at > 0.2
    assert server.ledger[0].is_complete


@pytest.mark.parametrize("is_packed", [False, True])
async def test_an_endless_reply_goes_on_until_the_client_leaves(is_packed: bool) -> None:
    reply = Reply(Text("x"), endless=True, gzip=is_packed)
    size_bytes = 0
    async with ScriptedProvider([Rule(reply)]) as server, httpx2.AsyncClient() as client:
        url = server.base_url("openai") + "/chat/completions"
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        async with client.stream("POST", url, json=body) as response:
            async for piece in response.aiter_bytes():
                size_bytes += len(piece)
                if size_bytes > 4_000_000:
                    break
    assert size_bytes > 4_000_000
    assert not server.ledger[0].is_complete


async def test_a_body_that_is_no_json_is_an_api_error() -> None:
    async with ScriptedProvider([Rule(Reply(Raw("<html>502</html>", "text/html")))]) as server:
        with pytest.raises(Exception, match="JSON"):
            await ask(server, WireFormat.OPENAI_CHAT)


async def test_headers_of_a_reply_replace_the_providers_own() -> None:
    headers = {"X-RateLimit-Remaining-Requests": "3"}
    async with (
        ScriptedProvider([Rule(Reply(Text("x"), headers=headers))]) as server,
        httpx2.AsyncClient() as client,
    ):
        url = server.base_url("openai") + "/chat/completions"
        response = await client.post(
            url, json={"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
        )
    assert response.headers.get_list("x-ratelimit-remaining-requests") == ["3"]


async def test_a_client_that_left_before_the_reply_did_not_get_it() -> None:
    gate = asyncio.Event()

    async def hold(request: ProviderRequest) -> Reply:
        await gate.wait()
        return Reply(Text(request.prompt))

    async with ScriptedProvider(hold) as server:
        with pytest.raises(ModelTimeoutError):
            await ask(server, WireFormat.OPENAI_CHAT, timeout_s=0.2)
        gate.set()
        await until(lambda: server.ledger[0].answered_at_s is not None)
    assert (server.ledger[0].status, server.ledger[0].is_complete) == (200, False)


async def test_a_mistake_in_a_reply_function_is_shown_to_the_client() -> None:
    def wrong(request: ProviderRequest) -> Reply:
        raise KeyError(request.model)

    async with ScriptedProvider(wrong) as server:
        with pytest.raises(ModelServerError, match="The reply function raised KeyError"):
            await ask(server, WireFormat.OPENAI_CHAT)
