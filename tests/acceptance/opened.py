"""How acceptance tests open a Tegu, and the keys that only a scripted provider takes."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tegu.app import Tegu
from tegu.testing.scripted import ScriptedProvider

OpenTegu = Callable[[ScriptedProvider | None], AbstractAsyncContextManager[Tegu]]


def provider_environment(server: ScriptedProvider) -> dict[str, str]:
    """Keys and hosts of every provider, all served by this one."""
    return {
        "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": server.base_url("openai"),
        "ANTHROPIC_API_KEY": "sk-ant-test",
        "ANTHROPIC_BASE_URL": server.base_url("anthropic"),
        "GOOGLE_API_KEY": "g-test",
        "GOOGLE_BASE_URL": server.base_url("google"),
        "OPENAI_COMPATIBLE_BASE_URL": server.base_url("openai"),
        "OLLAMA_BASE_URL": server.base_url("openai"),
        "VLLM_BASE_URL": server.base_url("openai"),
    }
