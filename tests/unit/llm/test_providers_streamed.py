"""Streamed replies through the real client code: heard while they come, and the same in the end as unstreamed ones."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from memory_ledger import MemoryLedger
from provider_lab import GOOD, KEY, MODELS, MORE_MODELS, WIRES, Pauses, request_to
from pydantic_core import from_json

from tegu.domain.errors import ProviderError
from tegu.llm.protocol import (
    Credential,
    ModelReply,
    ModelRequest,
    OnText,
    OutputMode,
    Provider,
    StreamingProvider,
)
from tegu.llm.providers.direct import DirectProvider
from tegu.llm.providers.registry import Providers
from tegu.llm.structured import Completion, Timing, complete
from tegu.testing.scripted import (
    Failed,
    Filtered,
    Json,
    ProviderRequest,
    Raw,
    Refused,
    Reply,
    Rule,
    ScriptedProvider,
    Text,
    Tokens,
)

every_provider = pytest.mark.parametrize("name", MODELS)
every_wire = pytest.mark.parametrize("name", WIRES)
every_mode = pytest.mark.parametrize("mode", OutputMode)
LONG = "The quick brown fox jumps over the lazy dog. " * 20


@pytest.fixture
async def provider(name: str) -> AsyncGenerator[DirectProvider]:
    providers = Providers()
    found = await providers.ready(name)
    assert isinstance(found, DirectProvider)
    yield found
    await providers.close()


def text_request(name: str) -> ModelRequest:
    return replace(request_to(name), output=None)


async def streamed(
    server: ScriptedProvider, provider: DirectProvider, request: ModelRequest, heard: list[str]
) -> ModelReply:
    credential = Credential(KEY, server.base_url(request.model.provider))
    return await provider.request_streamed(request, credential, heard.append)


async def watched(
    server: ScriptedProvider,
    provider: Provider,
    request: ModelRequest,
    heard: list[list[str]],
    ledger: MemoryLedger,
) -> Completion:
    """Through the loop; what is heard of each attempt is a list of its own."""

    async def watch() -> OnText:
        heard.append([])
        return heard[-1].append

    credential = Credential(KEY, server.base_url(request.model.provider))
    timing = Timing(sleep=Pauses().sleep)
    return await complete(
        request, provider=provider, credential=credential, ledger=ledger, timing=timing, watch=watch
    )


def comparable(reply: ModelReply) -> tuple[object, ...]:
    """All of a reply but what differs from one request to the next: its ids, times, and white space in JSON."""
    metadata = {name: value for name, value in reply.metadata.items() if not name.endswith("_id")}
    limits = metadata.pop("rate_limit", None)
    stored = reply.to_json() | {"metadata": metadata, "text": None}
    try:
        said: object = from_json(reply.text)
    except ValueError:
        said = reply.text
    return said, stored, sorted(reply.metadata), sorted(limits) if isinstance(limits, dict) else None


@every_provider
@every_mode
async def test_a_streamed_value_is_the_same_reply(
    name: str, provider: DirectProvider, mode: OutputMode
) -> None:
    heard: list[str] = []
    request = request_to(name, mode)
    async with ScriptedProvider([Rule(GOOD)]) as server:
        credential = Credential(KEY, server.base_url(name))
        whole = await provider.request(request, credential)
        reply = await streamed(server, provider, request, heard)
        assert len(server.ledger) == 2
        assert server.ledger[0].prompt_hash == server.ledger[1].prompt_hash
    assert comparable(reply) == comparable(whole)
    assert reply.usage.raw == whole.usage.raw != {}
    assert "".join(heard) == reply.text


@pytest.mark.parametrize("name", MORE_MODELS)
async def test_whoever_is_asked_for_a_stream_gives_the_same_value_with_one_request(
    name: str, provider: DirectProvider
) -> None:
    heard: list[str] = []
    async with ScriptedProvider([Rule(GOOD)]) as server:
        whole = await provider.request(request_to(name), Credential(KEY, server.base_url(name)))
        reply = await streamed(server, provider, request_to(name), heard)
        assert len(server.ledger) == 2
    assert comparable(reply)[0] == comparable(whole)[0]
    assert reply.usage == whole.usage
    assert reply.cost_usd == whole.cost_usd
    assert "".join(heard) in {reply.text, ""}  # some are asked without a stream: nothing is heard of them


@every_provider
async def test_a_text_is_heard_piece_by_piece(name: str, provider: DirectProvider) -> None:
    heard: list[str] = []
    async with ScriptedProvider([Rule(Reply(Text(LONG), tokens=Tokens(9, 200)))]) as server:
        reply = await streamed(server, provider, text_request(name), heard)
    assert reply.text == LONG
    assert "".join(heard) == LONG
    assert len(heard) > 20


@every_wire
async def test_pieces_are_heard_as_they_arrive_and_not_at_the_end(
    name: str, provider: DirectProvider
) -> None:
    begun, first, heard = time.monotonic(), asyncio.Event(), list[float]()

    def on_text(piece: str) -> None:
        del piece
        heard.append(time.monotonic() - begun)
        first.set()

    async with ScriptedProvider([Rule(Reply(Text("x" * 160), piece_delay_s=0.05))]) as server:
        credential = Credential(KEY, server.base_url(name))
        asking = asyncio.create_task(provider.request_streamed(text_request(name), credential, on_text))
        await asyncio.wait_for(first.wait(), 5)
        assert not asking.done()
        await asking
    assert heard[-1] - heard[0] > 0.3


@every_wire
@pytest.mark.parametrize(
    "reply",
    [
        Reply(Refused()),
        Reply(Filtered()),
        Reply(Json({"total": 1, "note": "a long note that is cut off"}), truncated=True),
        Reply(Json({"total": 1}), tokens=Tokens()),
        Reply(Json({"total": 1}), gzip=True),
    ],
    ids=["refused", "filtered", "truncated", "unknown usage", "gzip"],
)
async def test_other_endings_are_the_same_too(name: str, provider: DirectProvider, reply: Reply) -> None:
    request = request_to(name)
    async with ScriptedProvider([Rule(reply)]) as server:
        credential = Credential(KEY, server.base_url(name))
        ends: list[object] = []
        for ask in (
            lambda: provider.request(request, credential),
            lambda: streamed(server, provider, request, []),
        ):
            try:
                ends.append(comparable(await ask()))
            except ProviderError as error:
                ends.append((error.code, error.transient))
    assert ends[0] == ends[1]


@every_wire
@pytest.mark.parametrize(
    ("fault", "codes"),
    [
        (Reply(Text(LONG), reset="during"), {"connection"}),
        (Reply(Text(LONG), ends_early=True), {"connection"}),
        (Reply(Text(LONG), breaks_with=Failed(503)), {"overloaded", "server"}),
        (Reply(Text(LONG), breaks_with=Failed(429)), {"rate_limited"}),
    ],
    ids=["cut", "ended early", "overloaded", "rate limited"],
)
async def test_a_stream_that_breaks_is_no_reply_and_is_asked_again(
    name: str, provider: DirectProvider, fault: Reply, codes: set[str]
) -> None:
    ledger, heard = MemoryLedger(), list[list[str]]()
    async with ScriptedProvider([Rule(fault, times=1), Rule(Reply(Text("Whole.")))]) as server:
        done = await watched(server, provider, text_request(name), heard, ledger)
        assert len(server.ledger) == 2
    assert done.value == "Whole."
    assert LONG.startswith("".join(heard[0]))
    assert heard[0]
    assert "".join(heard[1]) == "Whole."
    assert [row.status for row in ledger.rows] == ["failed", "completed"]
    failure = ledger.rows[0].failure
    assert failure is not None
    assert failure.transient
    assert failure.code in codes
    assert list(ledger.journal.values()) == [done.reply]


async def test_anthropics_overloaded_event_is_overloaded() -> None:
    providers = Providers()
    provider = await providers.ready("anthropic")
    ledger = MemoryLedger()
    fault = Reply(Text(LONG), breaks_with=Failed(529))
    async with ScriptedProvider([Rule(fault, times=1), Rule(Reply(Text("Whole.")))]) as server:
        await watched(server, provider, text_request("anthropic"), [], ledger)
    await providers.close()
    failure = ledger.rows[0].failure
    assert failure is not None
    assert failure.code == "overloaded"


@every_wire
@pytest.mark.parametrize(
    "reply",
    [Reply(Text(LONG), bytes_per_s=200), Reply(Text(LONG), endless=True, piece_delay_s=0.01)],
    ids=["drip", "endless"],
)
async def test_the_time_of_an_attempt_bounds_a_stream(
    name: str, provider: DirectProvider, reply: Reply
) -> None:
    request = replace(text_request(name), settings=request_to(name, timeout_s=0.5).settings)
    ledger = MemoryLedger()
    async with ScriptedProvider([Rule(reply)]) as server:
        with pytest.raises(ProviderError) as caught:
            await watched(server, provider, request, [], ledger)
    assert (caught.value.code, caught.value.transient) == ("timeout", True)


async def test_an_endless_stream_ends_at_its_limit() -> None:
    providers = Providers()
    provider = await providers.ready("openai")
    assert isinstance(provider, DirectProvider)
    async with ScriptedProvider([Rule(Reply(Text("x"), endless=True))]) as server:
        with pytest.raises(ProviderError) as caught:
            await streamed(server, provider, text_request("openai"), [])
    await providers.close()
    assert (caught.value.code, caught.value.transient) == ("malformed", False)
    assert "longer than" in caught.value.message


@every_wire
@pytest.mark.parametrize(
    ("status", "code"),
    [(429, "rate_limited"), (500, "server"), (401, "authentication"), (400, "bad_request")],
)
async def test_an_error_before_the_stream_is_what_it_was(
    name: str, provider: DirectProvider, status: int, code: str
) -> None:
    async with ScriptedProvider([Rule(Reply(Failed(status)))]) as server:
        with pytest.raises(ProviderError) as caught:
            await streamed(server, provider, text_request(name), [])
        assert len(server.ledger) == 1
    assert caught.value.code == code


@pytest.mark.parametrize("name", ["openai", "openai-compatible", "anthropic"])
@pytest.mark.parametrize(
    "refused",
    [
        Reply(Failed(400, "Your organization must be verified to stream this model.")),
        Reply(Raw('{"id": "x"}')),
    ],
    ids=["refuses", "sends a body"],
)
async def test_a_server_that_will_not_stream_is_asked_without(
    name: str, provider: DirectProvider, refused: Reply
) -> None:
    def script(request: ProviderRequest) -> Reply:
        return refused if request.asked.stream else Reply(Text("Whole."))

    heard: list[list[str]] = []
    async with ScriptedProvider(script) as server:
        done = await watched(server, provider, text_request(name), heard, MemoryLedger())
        again = await watched(server, provider, text_request(name), heard, MemoryLedger())
        assert len(server.ledger) == 3
    assert (done.value, again.value) == ("Whole.", "Whole.")


@every_wire
async def test_the_key_is_in_no_text(name: str, provider: DirectProvider) -> None:
    async with ScriptedProvider([Rule(Reply(Text(f"Your key is {KEY}, is it not?")))]) as server:
        reply = await streamed(server, provider, text_request(name), [])
    assert KEY not in reply.text


async def test_a_reply_from_the_journal_is_not_heard() -> None:
    providers = Providers()
    provider = await providers.ready("openai")
    ledger, heard = MemoryLedger(), list[list[str]]()
    async with ScriptedProvider([Rule(GOOD)]) as server:
        first = await watched(server, provider, request_to("openai"), heard, ledger)
        second = await watched(server, provider, request_to("openai"), heard, ledger)
        assert len(server.ledger) == 1
    await providers.close()
    assert first.value == second.value
    assert len(heard) == 1


async def test_a_listener_that_fails_costs_no_reply(caplog: pytest.LogCaptureFixture) -> None:
    providers = Providers()
    provider = await providers.ready("openai")
    calls: list[str] = []

    def broken(piece: str) -> None:
        calls.append(piece)
        raise RuntimeError("the terminal is gone")

    async def watch() -> OnText:
        return broken

    async with ScriptedProvider([Rule(Reply(Text(LONG)))]) as server:
        done = await complete(
            text_request("openai"),
            provider=provider,
            credential=Credential(KEY, server.base_url("openai")),
            ledger=MemoryLedger(),
            watch=watch,
        )
    await providers.close()
    assert done.value == LONG
    assert len(calls) == 1
    assert "the terminal is gone" in caplog.text


async def test_the_rules_answer_whoever_watches() -> None:
    providers = Providers()
    provider = await providers.ready("rules")
    assert not isinstance(provider, StreamingProvider)
    await providers.close()
