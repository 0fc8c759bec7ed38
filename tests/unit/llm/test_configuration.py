"""Names, keys and hosts: what is found, and the one sentence when it is not."""

import subprocess
import sys
from decimal import Decimal

import pytest

from tegu.domain.errors import ConfigurationError
from tegu.domain.ids import new_id
from tegu.llm.catalog import known_models
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import Credential
from tegu.llm.providers.registry import PROVIDER_NAMES, Providers, provider_for

ORGANIZATION = new_id()


async def found(provider: str, **environment: str) -> Credential:
    return await EnvironmentCredentials(environment).credential(ORGANIZATION, provider)


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("openai", "OPENAI_API_KEY"),
        ("openai-responses", "OPENAI_API_KEY"),
        ("anthropic", "ANTHROPIC_API_KEY"),
        ("google", "GOOGLE_API_KEY"),
        ("google-gla", "GEMINI_API_KEY"),
    ],
)
async def test_a_key_is_read_and_a_missing_one_is_named(provider: str, variable: str) -> None:
    assert (await found(provider, **{variable: " k-1 "})).api_key == "k-1"
    with pytest.raises(ConfigurationError, match=variable) as caught:
        await found(provider)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("export ")


async def test_the_host_is_the_operators() -> None:
    assert (
        await found("openai", OPENAI_API_KEY="k", OPENAI_BASE_URL="http://proxy:1/v1/")
    ).base_url == "http://proxy:1/v1"
    assert (await found("openai", OPENAI_API_KEY="k")).base_url is None
    assert (await found("ollama")).base_url == "http://localhost:11434/v1"
    assert (await found("ollama", OLLAMA_BASE_URL="http://box:11434")).base_url == "http://box:11434/v1"
    assert (await found("vllm", VLLM_BASE_URL="http://box:8000/v1", VLLM_API_KEY="k")) == Credential(
        "k", "http://box:8000/v1"
    )
    assert await found("rules") == Credential()


async def test_a_host_that_is_none_and_a_key_that_is_none_are_refused() -> None:
    with pytest.raises(
        ConfigurationError, match="OPENAI_BASE_URL is 'proxy:1', which is no http or https URL"
    ):
        await found("openai", OPENAI_API_KEY="k", OPENAI_BASE_URL="proxy:1")
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY holds characters that no key has") as caught:
        await found("openai", OPENAI_API_KEY="sk-äöü")
    assert "sk-" not in caught.value.message
    with pytest.raises(ConfigurationError, match="OPENAI_COMPATIBLE_BASE_URL is not set"):
        await found("openai-compatible")


def test_whether_a_call_could_be_made_is_known_without_making_one() -> None:
    credentials = EnvironmentCredentials({"ANTHROPIC_API_KEY": "k"})
    assert {name for name in PROVIDER_NAMES if credentials.has_credential(name)} == {
        "anthropic",
        "ollama",
        "rules",
        "vllm",
    }


@pytest.mark.parametrize(
    ("name", "meant"), [("antropic", "anthropic"), ("open-ai", "openai"), ("gemini", None)]
)
def test_an_unknown_provider_is_named_with_the_nearest(name: str, meant: str | None) -> None:
    with pytest.raises(ConfigurationError, match=f"there is no provider '{name}'") as caught:
        provider_for(name)
    assert (f"did you mean '{meant}'" in caught.value.message) == (meant is not None)
    assert caught.value.hint is not None
    assert "openai-responses" in caught.value.hint


async def test_one_provider_of_each_name_is_made_and_ones_own_come_first() -> None:
    own = provider_for("openai")
    providers = Providers({"openai": own})
    assert providers.provider_for("openai") is own
    assert providers.provider_for("google-gla") is providers.provider_for("google")
    assert providers.provider_for("anthropic") is not own
    await providers.close()


def test_known_models_have_prices_per_million() -> None:
    models = {(model.provider, model.name): model for model in known_models()}
    mini = models["openai", "gpt-5-mini"]
    assert (mini.input_usd_per_million, mini.output_usd_per_million) == (Decimal("0.25"), Decimal(2))
    assert mini.context_tokens == 400_000
    assert next(iter(models)) == ("rules", "rules")
    assert not [name for provider, name in models if provider == "google" and name.startswith("claude")]


def test_nothing_heavy_is_imported_before_the_first_call() -> None:
    rooms = "tegu.llm.structured, tegu.llm.credentials, tegu.llm.catalog, tegu.llm.providers.registry"
    heavy = "{'pydantic_ai', 'openai', 'anthropic', 'google.genai', 'httpx2', 'jsonschema', 'genai_prices', 'dateparser'}"
    code = f"import sys, {rooms}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
