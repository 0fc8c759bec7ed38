"""What holds for the SDKs that do not take our HTTP client as it is: limits, one request a call, no environment."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest
from memory_ledger import MemoryLedger
from provider_lab import EVERY_MODEL, GOOD, KEY, ask, request_to

from tegu.domain.errors import ProviderError
from tegu.llm.protocol import Credential
from tegu.llm.providers.registry import Providers
from tegu.testing.scripted import Rule, ScriptedProvider

SOMEONE_ELSES = {
    "ANTHROPIC_CUSTOM_HEADERS": "x-leak: someone-elses",
    "AWS_ACCESS_KEY_ID": "someone-elses-id",
    "AWS_BEARER_TOKEN_BEDROCK": "someone-elses-token",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "http://127.0.0.1:9",
    "AWS_PROFILE": "someone-elses-profile",
    "AWS_SECRET_ACCESS_KEY": "someone-elses-secret",
    "AWS_SESSION_TOKEN": "someone-elses-session",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AZURE_OPENAI_AD_TOKEN": "someone-elses-token",
    "AZURE_OPENAI_API_KEY": "someone-elses-key",
    "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
    "DEEPSEEK_API_KEY": "someone-elses-key",
    "GOOGLE_API_KEY": "someone-elses-key",
    "GOOGLE_CLOUD_LOCATION": "someone-elses-location",
    "GOOGLE_CLOUD_PROJECT": "someone-elses-project",
    "GOOGLE_VERTEX_BASE_URL": "http://127.0.0.1:9",
    "GROQ_API_KEY": "someone-elses-key",
    "GROQ_BASE_URL": "http://127.0.0.1:9",
    "GROQ_CUSTOM_HEADERS": "x-leak: someone-elses",
    "MISTRAL_API_KEY": "someone-elses-key",
    "OPENAI_API_KEY": "someone-elses-key",
    "OPENAI_API_VERSION": "someone-elses-version",
    "OPENAI_BASE_URL": "http://127.0.0.1:9",
    "OPENAI_ORG_ID": "someone-elses-account",
    "OPENAI_PROJECT_ID": "someone-elses-project",
    "OPENROUTER_API_KEY": "someone-elses-key",
    "OPENROUTER_APP_URL": "http://someone-elses",
}


@pytest.mark.parametrize("name", EVERY_MODEL)
async def test_nothing_of_the_environment_reaches_a_provider(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable, value in SOMEONE_ELSES.items():
        monkeypatch.setenv(variable, value)
    config = tmp_path / "config"
    config.write_text("[default]\nregion = someone-elses-1\nendpoint_url = http://127.0.0.1:9\n", "utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    providers = Providers()
    async with ScriptedProvider([Rule(GOOD)]) as server:
        await ask(server, await providers.ready(name), request_to(name), MemoryLedger())
        (entry,) = server.ledger
    await providers.close()
    assert "someone-elses" not in str(dict(entry.headers)) + entry.path + str(entry.body)


@pytest.mark.parametrize("name", ["bedrock", "groq", "mistral"])
async def test_the_timeout_of_one_call_holds_without_the_loop_around_it(name: str) -> None:
    providers = Providers()
    provider = await providers.ready(name)
    async with ScriptedProvider([Rule(replace(GOOD, delay_s=30))]) as server:
        credential = Credential(KEY, server.base_url(name))
        started = time.monotonic()
        with pytest.raises(ProviderError) as caught:
            await provider.request(request_to(name, timeout_s=0.3), credential)
        assert time.monotonic() - started < 10
        assert len(server.ledger) == 1
    await providers.close()
    assert (caught.value.code, caught.value.transient) == ("timeout", True)


async def test_a_cancelled_call_to_bedrock_ends_at_once() -> None:
    providers = Providers()
    provider = await providers.ready("bedrock")
    async with ScriptedProvider([Rule(replace(GOOD, delay_s=30))]) as server:
        credential = Credential(KEY, server.base_url("bedrock"))
        task = asyncio.create_task(provider.request(request_to("bedrock", timeout_s=1), credential))
        while not server.ledger:
            await asyncio.sleep(0.01)
        started = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - started < 0.5
        await asyncio.sleep(1)  # the thread that waited has ended by then: its call had a second
    await providers.close()


async def test_sixty_calls_to_bedrock_at_once_are_all_answered() -> None:
    providers = Providers()
    provider = await providers.ready("bedrock")
    async with ScriptedProvider([Rule(replace(GOOD, delay_s=0.05))]) as server:
        credential = Credential(KEY, server.base_url("bedrock"))
        calls = [provider.request(request_to("bedrock", timeout_s=30), credential) for _ in range(60)]
        replies = await asyncio.gather(*calls)
        assert len(server.ledger) == 60
    await providers.close()
    assert {reply.usage.input_tokens for reply in replies} == {100}
