"""A provider that means harm: it shows the key it was sent, or counts what nobody counts."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from memory_ledger import MemoryLedger
from provider_lab import GOOD, KEY, WIRES, ask, request_to

from tegu.llm.protocol import Provider
from tegu.llm.providers.registry import Providers
from tegu.testing.scripted import Reply, Rule, ScriptedProvider, Text, Tokens

every_wire = pytest.mark.parametrize("name", WIRES)


@pytest.fixture
async def provider(name: str) -> AsyncGenerator[Provider]:
    providers = Providers()
    yield await providers.ready(name)
    await providers.close()


@every_wire
async def test_the_key_is_not_repeated_from_a_reply(name: str, provider: Provider) -> None:
    plain = replace(request_to(name), parts=(), output=None)
    async with ScriptedProvider([Rule(Reply(Text(f"your key is {KEY}")))]) as server:
        found = await ask(server, provider, plain, MemoryLedger())
    assert found.value == "your key is ***"


@every_wire
async def test_counts_that_no_call_has_are_unknown(name: str, provider: Provider) -> None:
    absurd = replace(GOOD, tokens=Tokens(input_tokens=10**12, output_tokens=1))
    async with ScriptedProvider([Rule(absurd)]) as server:
        done = await ask(server, provider, request_to(name), MemoryLedger())
    assert (done.reply.usage.input_tokens, done.reply.cost_usd) == (None, None)
