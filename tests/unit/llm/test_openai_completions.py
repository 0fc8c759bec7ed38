"""What the shortened way through OpenAI's SDK sends is what the SDK itself would have sent."""

import pytest
from memory_ledger import MemoryLedger
from openai.resources.chat.completions import AsyncCompletions
from provider_lab import GOOD, ask, request_to

from tegu.llm.protocol import OutputMode
from tegu.llm.providers import openai_completions
from tegu.llm.providers.registry import provider_for
from tegu.testing.scripted import LedgerEntry, Reply, Rule, ScriptedProvider, Text


async def _sent(mode: OutputMode) -> LedgerEntry:
    async with ScriptedProvider([Rule(Reply(Text("no JSON")), times=1), Rule(GOOD)]) as server:
        provider = provider_for("openai")
        try:
            done = await ask(server, provider, request_to("openai", mode), MemoryLedger())
        finally:
            await provider.close()
        assert done.attempts == 2
        return server.ledger[-1]


@pytest.mark.parametrize("mode", list(OutputMode))
async def test_the_same_request_arrives_as_by_the_sdks_own_way(
    mode: OutputMode, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = await _sent(mode)
    monkeypatch.setattr(openai_completions, "PlainCompletions", AsyncCompletions)
    theirs = await _sent(mode)
    assert ours.body == theirs.body
    assert ours.path == theirs.path
    assert _named(ours) == _named(theirs)


def _named(entry: LedgerEntry) -> dict[str, str]:
    """The headers, but for the port and the length, which depend on the order of keys."""
    return {name: value for name, value in entry.headers.items() if name not in {"host", "content-length"}}
