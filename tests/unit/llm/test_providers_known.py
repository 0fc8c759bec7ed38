"""Every provider that the installed pydantic-ai knows, through its real client code, or a refusal that says why."""

import ast
import inspect
import json
import sys
import textwrap
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, get_args

import pytest
from provider_lab import GOOD, KEY, request_to

from tegu.domain.errors import ConfigurationError
from tegu.domain.ids import new_id
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import ModelRef
from tegu.llm.providers.passed import SERVICES
from tegu.llm.providers.registry import ALIASES, ENTRIES, PROVIDER_NAMES, REFUSED, Providers, canonical_name
from tegu.llm.variables import VARIABLES
from tegu.testing.scripted import Rule, ScriptedProvider


def names_of_the_library() -> list[str]:
    """The cases of its own match, the routes of its gateway, and the prefixes of the models that it lists."""
    from pydantic_ai.models import KnownModelName
    from pydantic_ai.providers import gateway, infer_provider_class

    found = {"gateway/" + route for kind in get_args(gateway.UpstreamProvider) for route in get_args(kind)}
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(infer_provider_class)))):
        if isinstance(node, ast.MatchValue) and isinstance(node.value, ast.Constant):
            found.add(str(node.value.value))
    listed = get_args(KnownModelName.__value__)
    found.update(name.partition(":")[0] for name in listed if ":" in name)
    assert len(found) > 50
    assert len(listed) > 150
    return sorted(found)


LIBRARY_NAMES = names_of_the_library()
SDK_OF = {"bedrock": "boto3", "cohere": "cohere", "groq": "groq", "mistral": "mistralai"}
MODEL_OF = {
    "bedrock": "amazon.nova-lite-v1:0",
    "bedrock-mantle": "openai.gpt-oss-20b",
    "openrouter": "openai/gpt-5-mini",
    "snowflake": "claude-sonnet-4-5",
}
"""Where the library reads more from a model's name than which one it is."""


def environment_for(key: str, base_url: str) -> dict[str, str]:
    """The least that an operator sets, with another host than the provider's own."""
    variables = VARIABLES[key]
    given = {variables.urls[0]: base_url}
    if variables.keys:
        given[variables.keys[0]] = KEY
    return given


@pytest.mark.parametrize("name", sorted({*LIBRARY_NAMES, *ALIASES, *ENTRIES}))
async def test_a_model_is_reached_by_its_provider_s_name_or_it_is_said_why_not(name: str) -> None:
    if name in REFUSED:
        with pytest.raises(ConfigurationError, match=REFUSED[name]):
            canonical_name(name)
        return
    key, providers = canonical_name(name), Providers()
    extra = ENTRIES[key].extra
    if extra is not None and find_spec(SDK_OF[extra]) is None:
        with pytest.raises(ConfigurationError) as caught:
            await providers.ready(name)
        assert caught.value.hint == f"pip install 'tegu[{extra}]'"
        return
    provider = await providers.ready(name)
    model = ModelRef(name, MODEL_OF.get(key, "some-model"))
    async with ScriptedProvider([Rule(GOOD)]) as server:
        source = EnvironmentCredentials(environment_for(key, server.base_url(key)))
        credential = await source.credential(new_id(), name)
        reply = await provider.request(replace(request_to("openai"), model=model), credential)
        (entry,) = server.ledger
    await providers.close()
    assert json.loads(reply.text)["total"] == 12.5
    reasoning_apart = 5 if key == "xai" else 0  # xAI counts it beside the completion, the others within it
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (100, 20 + reasoning_apart)
    assert entry.model == model.name
    assert entry.headers.get("authorization") == "***" or "x-" in "".join(entry.headers)


def test_every_provider_has_its_variables_and_none_is_known_to_one_table_alone() -> None:
    assert set(VARIABLES) == set(ENTRIES) == set(PROVIDER_NAMES) - {"rules"}
    assert not {*REFUSED, *ALIASES} & set(ENTRIES)
    assert set(ALIASES.values()) <= set(ENTRIES)


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if service.url])
def test_a_provider_s_own_host_is_the_one_that_the_library_knows(name: str) -> None:
    from pydantic_ai.providers import infer_provider_class

    kind: Any = infer_provider_class(name)
    assert str(kind(api_key=KEY).base_url).rstrip("/") == SERVICES[name].url


async def test_a_name_with_a_typing_error_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'mistral'"):
        canonical_name("mistrall")


async def test_a_missing_sdk_is_told_before_the_ledger_knows_of_a_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "groq", None)  # what Python does when a package is not installed
    monkeypatch.delitem(sys.modules, "pydantic_ai.providers.groq", raising=False)
    monkeypatch.delitem(sys.modules, "pydantic_ai.models.groq", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        await Providers().ready("groq")
    assert caught.value.hint == "pip install 'tegu[groq]'"
