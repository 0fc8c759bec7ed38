"""Every provider through its real client code, against the scripted server; its ledger agrees with ours each time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from traceback import format_exception

import pytest
from memory_ledger import MemoryLedger
from provider_lab import (
    ASKED_BY_TOOL,
    EVERY_MODEL,
    EVERY_WIRE,
    GOOD,
    HAVE_NO_PRICE,
    KEY,
    SAID_ANOTHER_WAY,
    Pauses,
    ask,
    request_to,
    wire_text,
)

from tegu.domain.errors import ProviderError
from tegu.domain.json import JsonObject
from tegu.llm.protocol import (
    Credential,
    ModelRef,
    ModelRequest,
    OutputMode,
    OutputSpec,
    Provider,
)
from tegu.llm.providers.clients import ClientCache, ModelMaker
from tegu.llm.providers.http import BoundedClient
from tegu.llm.providers.registry import Providers, provider_for
from tegu.llm.structured import CallLimits
from tegu.testing.scripted import (
    Body,
    Failed,
    Filtered,
    Invalid,
    Malformed,
    Raw,
    Refused,
    Reply,
    Rule,
    ScriptedProvider,
    Text,
    Tokens,
)

every_provider = pytest.mark.parametrize("name", EVERY_MODEL)
every_wire = pytest.mark.parametrize("name", EVERY_WIRE)
every_mode = pytest.mark.parametrize("mode", OutputMode)


@pytest.fixture
async def provider(name: str) -> AsyncGenerator[Provider]:
    providers = Providers()
    yield await providers.ready(name)
    await providers.close()


@every_provider
@every_mode
async def test_a_value_comes_back_with_its_tokens_and_cost(
    name: str, provider: Provider, mode: OutputMode
) -> None:
    ledger = MemoryLedger()
    async with ScriptedProvider([Rule(GOOD)]) as server:
        done = await ask(server, provider, request_to(name, mode), ledger)
        (entry,) = server.ledger
    assert done.value == {"total": 12.5}
    usage = done.reply.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (100, 40, 20)
    assert usage.raw != {}
    assert done.reply.metadata["output_mode"] == ("tool" if name in ASKED_BY_TOOL else mode.value)
    if name not in HAVE_NO_PRICE:
        assert done.reply.cost_usd is not None
        assert Decimal(0) < done.reply.cost_usd < Decimal("0.01")
        assert done.reply.price_version is not None
    else:
        assert done.reply.cost_usd is None
        assert done.reply.price_version is None
    assert "777" in wire_text(entry)


@every_provider
@every_mode
async def test_the_schema_is_sent_strict_and_nullable(
    name: str, provider: Provider, mode: OutputMode
) -> None:
    async with ScriptedProvider([Rule(GOOD)]) as server:
        await ask(server, provider, request_to(name, mode), MemoryLedger())
        sent = wire_text(server.ledger[0]).replace('\\"', '"')  # Converse wants the schema as text
    assert '"required":["total","note"]' in sent or '"required":["note","total"]' in sent
    assert "null" in sent


@every_wire
async def test_data_is_delimited_and_apart_from_the_instructions(name: str, provider: Provider) -> None:
    async with ScriptedProvider([Rule(GOOD)]) as server:
        await ask(server, provider, request_to(name), MemoryLedger())
        sent = wire_text(server.ledger[0])
    assert sent.count("Read the total.") == 1
    assert sent.count("Total: 12.50") == 1
    data = sent.index("Total: 12.50")
    assert 'name=\\"source\\"' in sent[data - 60 : data]
    assert "Read the total." not in sent[data - 60 : data + 100]


@every_provider
async def test_plain_text_needs_no_schema_and_no_data(name: str, provider: Provider) -> None:
    request = replace(request_to(name), instructions="Say hello.", parts=(), output=None)
    async with ScriptedProvider([Rule(Reply(Text("Hello.")))]) as server:
        done = await ask(server, provider, request, MemoryLedger())
        assert "Say hello." in wire_text(server.ledger[0])
    assert done.value == "Hello."


@every_provider
@every_mode
async def test_a_schema_violation_is_asked_again_with_its_problems(
    name: str, provider: Provider, mode: OutputMode
) -> None:
    ledger = MemoryLedger()
    async with ScriptedProvider([Rule(Reply(Invalid()), times=1), Rule(GOOD)]) as server:
        done = await ask(server, provider, request_to(name, mode), ledger)
        assert "That reply cannot be used" in wire_text(server.ledger[1])
    assert done.value == {"total": 12.5}
    assert [row.status for row in ledger.rows] == ["rejected", "completed"]


@every_wire
@every_mode
async def test_malformed_json_is_asked_again(name: str, provider: Provider, mode: OutputMode) -> None:
    ledger = MemoryLedger()
    async with ScriptedProvider([Rule(Reply(Malformed()), times=1), Rule(GOOD)]) as server:
        done = await ask(server, provider, request_to(name, mode), ledger)
    assert done.value == {"total": 12.5}
    assert [row.status for row in ledger.rows] == ["rejected", "completed"]


@every_provider
async def test_a_rate_limit_is_waited_out(name: str, provider: Provider) -> None:
    ledger, pauses = MemoryLedger(), Pauses()
    async with ScriptedProvider([Rule(Reply(Failed(429, retry_after_s=3)), times=1), Rule(GOOD)]) as server:
        done = await ask(server, provider, request_to(name), ledger, pauses)
    assert done.attempts == 2
    (pause_s,) = pauses.seconds
    assert 3 <= pause_s < 4
    failure = ledger.rows[0].failure
    assert failure is not None
    assert (failure.code, failure.status, failure.retry_after_s) == ("rate_limited", 429, 3)


@every_wire
async def test_a_long_rate_limit_is_handed_to_the_engine(name: str, provider: Provider) -> None:
    async with ScriptedProvider([Rule(Reply(Failed(429, retry_after_s=120)))]) as server:
        with pytest.raises(ProviderError) as caught:
            await ask(server, provider, request_to(name), MemoryLedger())
        assert len(server.ledger) == 1
    assert caught.value.transient
    assert caught.value.retry_after_s == 120


@every_wire
@pytest.mark.parametrize(
    ("body", "code", "transient"),
    [
        (Failed(500), "server", True),
        (Failed(503), "overloaded", True),
        (Failed(401), "authentication", False),
        (Failed(404), "unknown_model", False),
        (Failed(400), "bad_request", False),
        (Raw("<html>hello</html>", "text/html"), "server", True),
        (Raw("{"), "server", True),
        (Raw(""), "server", True),
        (Raw("{}"), "server", True),
        (Raw("[]"), "server", True),
    ],
    ids=["500", "503", "401", "404", "400", "html", "half", "nothing", "object", "list"],
)
async def test_what_is_no_reply_has_a_code(
    name: str, provider: Provider, body: Body, code: str, *, transient: bool
) -> None:
    ledger = MemoryLedger()
    async with ScriptedProvider([Rule(Reply(body))]) as server:
        with pytest.raises(ProviderError) as caught:
            await ask(server, provider, request_to(name), ledger)
        assert len(server.ledger) == (3 if caught.value.transient else 1)
    assert (caught.value.code, caught.value.transient) == (code, transient)
    assert {row.status for row in ledger.rows} == {"failed"}
    assert KEY not in caught.value.message


@every_wire
async def test_the_key_is_not_repeated_from_an_error(name: str, provider: Provider) -> None:
    async with ScriptedProvider([Rule(Reply(Failed(401, message=f"wrong key {KEY}!")))]) as server:
        with pytest.raises(ProviderError, match=r"wrong key \*\*\*!") as caught:
            await ask(server, provider, request_to(name), MemoryLedger())
    assert caught.value.hint is not None
    assert KEY not in "".join(format_exception(caught.value))
    assert KEY not in repr(Credential(KEY))


@every_wire
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (replace(GOOD, truncated=True), "length"),
        (Reply(Refused()), "refusal"),
        (Reply(Filtered()), "content_filter"),
        (Reply(Text("")), "empty"),
    ],
    ids=["truncated", "refused", "filtered", "empty"],
)
async def test_what_is_no_result_is_not_asked_again(
    name: str, provider: Provider, reply: Reply, code: str
) -> None:
    async with ScriptedProvider([Rule(reply)]) as server:
        with pytest.raises(ProviderError) as caught:
            await ask(server, provider, request_to(name), MemoryLedger())
        assert len(server.ledger) == 1
    assert caught.value.code == SAID_ANOTHER_WAY.get((name, code), code)
    assert not caught.value.transient


@every_wire
async def test_a_usage_of_zeros_is_unknown(name: str, provider: Provider) -> None:
    async with ScriptedProvider([Rule(replace(GOOD, tokens=Tokens()))]) as server:
        done = await ask(server, provider, request_to(name), MemoryLedger())
    usage = done.reply.usage
    assert (usage.input_tokens, usage.cached_tokens, usage.output_tokens) == (None, None, None)
    assert done.reply.cost_usd is None


@every_wire
@pytest.mark.parametrize("when", ["before", "during"])
async def test_a_broken_connection_is_tried_again(name: str, provider: Provider, when: str) -> None:
    ledger = MemoryLedger()
    broken = replace(GOOD, reset="before" if when == "before" else "during")
    async with ScriptedProvider([Rule(broken, times=1), Rule(GOOD)]) as server:
        done = await ask(server, provider, request_to(name), ledger)
    assert done.attempts == 2
    assert ledger.rows[0].failure is not None
    assert ledger.rows[0].failure.code == "connection"


@every_wire
async def test_a_drip_is_cut_off_by_the_timeout_of_the_whole_attempt(name: str, provider: Provider) -> None:
    ledger, once = MemoryLedger(), CallLimits(attempts=1)
    async with ScriptedProvider([Rule(GOOD, times=1), Rule(replace(GOOD, bytes_per_s=4))]) as server:
        # The first call of a process lets some SDKs build their types, which alone can take longer than the timeout.
        await ask(server, provider, request_to(name), MemoryLedger())
        server.ledger.clear()
        with pytest.raises(ProviderError) as caught:
            await ask(server, provider, request_to(name, timeout_s=0.5), ledger, limits=once)
    assert (caught.value.code, caught.value.transient) == ("timeout", True)
    (row,) = ledger.rows
    assert row.failure is not None
    assert row.failure.code == "timeout"


@every_wire
@pytest.mark.parametrize("gzip", [False, True], ids=["endless", "bomb"])
async def test_an_endless_reply_is_cut_off_by_its_size(name: str, provider: Provider, *, gzip: bool) -> None:
    async with ScriptedProvider([Rule(replace(GOOD, endless=True, gzip=gzip))]) as server:
        with pytest.raises(ProviderError, match="larger than 8000000 bytes") as caught:
            await ask(server, provider, request_to(name, timeout_s=30), MemoryLedger())
        assert len(server.ledger) == 1
    assert (caught.value.code, caught.value.transient) == ("malformed", False)


@every_wire
async def test_a_gzipped_reply_is_read(name: str, provider: Provider) -> None:
    async with ScriptedProvider([Rule(replace(GOOD, gzip=True))]) as server:
        done = await ask(server, provider, request_to(name), MemoryLedger())
    assert done.value == {"total": 12.5}


@every_wire
async def test_no_server_is_a_connection_failure(name: str, provider: Provider) -> None:
    credential = Credential(KEY, "http://127.0.0.1:9/v1")
    with pytest.raises(ProviderError) as caught:
        await provider.request(request_to(name), credential)
    assert (caught.value.code, caught.value.transient) == ("connection", True)


@every_wire
async def test_many_calls_share_a_client_and_none_is_lost(name: str, provider: Provider) -> None:
    async with ScriptedProvider([Rule(GOOD)]) as server:
        credential = Credential(KEY, server.base_url(name))
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(provider.request(request_to(name), credential)) for _ in range(20)]
        assert len(server.ledger) == 20
    assert {task.result().text for task in tasks} == {tasks[0].result().text}


async def test_a_model_without_native_output_is_asked_by_a_tool_and_the_reply_says_so() -> None:
    request = replace(request_to("anthropic"), model=ModelRef("anthropic", "claude-3-5-haiku-latest"))
    await assert_asked_by_tool(request)


async def test_an_open_schema_is_asked_by_a_tool_where_native_output_must_be_strict() -> None:
    schema: JsonObject = {"type": "object", "additionalProperties": {"type": "number"}}
    request = request_to("anthropic")
    await assert_asked_by_tool(replace(request, output=OutputSpec("amounts", schema)))


async def test_a_schema_beyond_the_limits_of_strict_output_is_asked_by_a_tool() -> None:
    properties: JsonObject = {"total": {"type": "number"}}
    properties.update({f"f{n}": {"type": "string"} for n in range(20)})
    schema: JsonObject = {"type": "object", "properties": properties, "required": ["total"]}
    request = request_to("anthropic")
    await assert_asked_by_tool(replace(request, output=OutputSpec("invoice", schema)))


async def assert_asked_by_tool(request: ModelRequest) -> None:
    provider = provider_for(request.model.provider)
    async with ScriptedProvider([Rule(GOOD)]) as server:
        reply = await provider.request(request, Credential(KEY, server.base_url("anthropic")))
        assert len(server.ledger) == 1
        assert "tools" in server.ledger[0].body
    assert reply.metadata["output_mode"] == "tool"
    await provider.close()


@every_wire
async def test_a_redirect_is_not_followed_with_the_key(name: str, provider: Provider) -> None:
    async with ScriptedProvider([Rule(GOOD)]) as elsewhere, redirecting(elsewhere.url) as url:
        base_url = url if name in {"anthropic", "google"} else f"{url}/v1"
        with pytest.raises(ProviderError) as caught:
            await provider.request(request_to(name), Credential(KEY, base_url))
        assert elsewhere.ledger == []
    assert (caught.value.code, caught.value.transient) == ("bad_request", False)
    assert caught.value.hint is not None
    assert "redirects" in caught.value.hint


@asynccontextmanager
async def redirecting(target: str) -> AsyncGenerator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split(b" ")[1].decode()
        writer.write(f"HTTP/1.1 307 Moved\r\nlocation: {target}{path}\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@every_wire
async def test_the_environment_decides_nothing(
    name: str, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GOOGLE_API_KEY"):
        monkeypatch.setenv(variable, "someone-elses-key")
    monkeypatch.setenv("OPENAI_ORG_ID", "someone-elses-account")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    async with ScriptedProvider([Rule(GOOD)]) as server:
        await ask(server, provider, request_to(name), MemoryLedger())
        headers = str(dict(server.ledger[0].headers))
    assert "someone-elses" not in headers


async def test_clients_are_bounded_and_one_in_use_is_not_closed() -> None:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    made: list[BoundedClient] = []

    def build(credential: Credential, http: BoundedClient) -> ModelMaker:
        made.append(http)
        provider = OpenAIProvider(api_key=credential.api_key, base_url="http://127.0.0.1:9", http_client=http)
        return lambda model: OpenAIChatModel(model, provider=provider)

    cache = ClientCache(build, limit=2)
    async with cache.lease(Credential("busy")) as busy:
        for number in range(4):
            async with cache.lease(Credential(f"key-{number}")):
                pass
        async with cache.lease(Credential("busy")) as again:
            assert again is busy
        assert not busy.http.is_closed
    assert len(made) == 5
    assert sum(not http.is_closed for http in made) == 2
    await cache.close()
    assert all(http.is_closed for http in made)
