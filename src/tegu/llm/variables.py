"""Where each provider's key, host and other settings are in the environment.

Called by `credentials`, and by the page of providers in the docs. Invariant: only what is named here is read; names
are those that the provider's own SDK or pydantic-ai use, in order of preference.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Option:
    """A setting beside key and host, as `Credential.options` names it."""

    name: str
    variables: tuple[str, ...]
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Variables:
    """`default_url` None: the provider's own host. `ways`: which of `key` and the options must be set, each way alone
    being enough; `{}` in `url_of` is filled with the option of that name.
    """

    keys: tuple[str, ...]
    urls: tuple[str, ...]
    options: tuple[Option, ...] = ()
    ways: tuple[tuple[str, ...], ...] = (("key",),)
    is_url_required: bool = False
    default_url: str | None = None
    default_path: str = ""
    url_of: str | None = None
    example_url: str = "http://localhost:8000/v1"

    @property
    def is_key_required(self) -> bool:
        """Whether nothing goes without a key."""
        return all("key" in way for way in self.ways) and bool(self.ways)

    def all_names(self) -> tuple[str, ...]:
        """Keys, then hosts, then the rest."""
        rest = [name for option in self.options for name in option.variables]
        return tuple(dict.fromkeys((*self.keys, *self.urls, *rest)))


def _plain(prefix: str, *more_keys: str) -> Variables:
    """`PREFIX_API_KEY` and `PREFIX_BASE_URL`, as most are."""
    return Variables((f"{prefix}_API_KEY", *more_keys), (f"{prefix}_BASE_URL",))


def _local(prefix: str, default_url: str) -> Variables:
    return Variables(
        (f"{prefix}_API_KEY",),
        (f"{prefix}_BASE_URL",),
        ways=(),
        default_url=default_url,
        default_path="/v1",
        example_url=default_url,
    )


_OPENAI = _plain("OPENAI")
_AZURE = Variables(
    ("AZURE_OPENAI_API_KEY",),
    ("AZURE_OPENAI_ENDPOINT",),
    (Option("api_version", ("AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION")),),
    is_url_required=True,
    example_url="https://YOUR-RESOURCE.openai.azure.com",
)
_REGION = Option("region", ("AWS_REGION", "AWS_DEFAULT_REGION"))
_BEDROCK = Variables(
    ("AWS_BEARER_TOKEN_BEDROCK",),
    ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME",),
    (
        Option("access_key_id", ("AWS_ACCESS_KEY_ID",)),
        Option("secret_access_key", ("AWS_SECRET_ACCESS_KEY",)),
        Option("session_token", ("AWS_SESSION_TOKEN",)),
        _REGION,
    ),
    ways=(("key", "region"), ("access_key_id", "secret_access_key", "region")),
)
_GATEWAY = Variables(
    ("PYDANTIC_AI_GATEWAY_API_KEY", "PAIG_API_KEY"),
    ("PYDANTIC_AI_GATEWAY_BASE_URL", "PAIG_BASE_URL"),
    is_url_required=True,
    example_url="https://gateway-us.pydantic.dev/proxy",
)
_GOOGLE_CLOUD = Variables(
    ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
    ("GOOGLE_VERTEX_BASE_URL",),
    (
        Option("login_file", ("GOOGLE_APPLICATION_CREDENTIALS",)),
        Option("project", ("GOOGLE_CLOUD_PROJECT",)),
        Option("location", ("GOOGLE_CLOUD_LOCATION",), "us-central1"),
    ),
    ways=(("key",), ("login_file",), ("project",)),
)

VARIABLES: Mapping[str, Variables] = MappingProxyType(
    {
        "alibaba": _plain("ALIBABA", "DASHSCOPE_API_KEY"),
        "anthropic": _plain("ANTHROPIC"),
        "azure": _AZURE,
        "azure-responses": _AZURE,
        "bedrock": _BEDROCK,
        "bedrock-mantle": Variables(
            ("AWS_BEARER_TOKEN_BEDROCK",),
            ("AWS_ENDPOINT_URL_BEDROCK_MANTLE",),
            (_REGION,),
            url_of="https://bedrock-mantle.{region}.api.aws",
        ),
        "cerebras": _plain("CEREBRAS"),
        "cohere": _plain("CO"),
        "crusoe": _plain("CRUSOE"),
        "deepseek": _plain("DEEPSEEK"),
        "fireworks": _plain("FIREWORKS"),
        "gateway/anthropic": _GATEWAY,
        "gateway/bedrock": _GATEWAY,
        "gateway/google-cloud": _GATEWAY,
        "gateway/groq": _GATEWAY,
        "gateway/openai-chat": _GATEWAY,
        "gateway/openai-responses": _GATEWAY,
        "github-copilot": Variables(
            ("GITHUB_COPILOT_API_KEY", "GITHUB_COPILOT_API_TOKEN", "COPILOT_GITHUB_TOKEN"),
            ("GITHUB_COPILOT_BASE_URL", "COPILOT_API_URL", "GITHUB_COPILOT_API_BASE"),
            (Option("integration_id", ("GITHUB_COPILOT_INTEGRATION_ID",)),),
        ),
        "google": Variables(
            ("GOOGLE_API_KEY", "GEMINI_API_KEY"), ("GOOGLE_BASE_URL", "GOOGLE_GEMINI_BASE_URL")
        ),
        "google-cloud": _GOOGLE_CLOUD,
        "groq": _plain("GROQ"),
        "heroku": Variables(("HEROKU_INFERENCE_KEY",), ("HEROKU_INFERENCE_URL",), default_path="/v1"),
        "huggingface": Variables(("HF_TOKEN",), ("HF_BASE_URL",)),
        "litellm": Variables(("LITELLM_API_KEY",), ("LITELLM_BASE_URL",), ways=(), is_url_required=True),
        "meta": _plain("META"),
        "mistral": _plain("MISTRAL"),
        "moonshotai": _plain("MOONSHOTAI"),
        "nebius": _plain("NEBIUS"),
        "ollama": _local("OLLAMA", "http://localhost:11434/v1"),
        "openai": _OPENAI,
        "openai-compatible": Variables(
            ("OPENAI_COMPATIBLE_API_KEY",), ("OPENAI_COMPATIBLE_BASE_URL",), ways=(), is_url_required=True
        ),
        "openai-responses": _OPENAI,
        "openrouter": _plain("OPENROUTER"),
        "ovhcloud": _plain("OVHCLOUD"),
        "sambanova": _plain("SAMBANOVA"),
        "snowflake": Variables(
            ("SNOWFLAKE_TOKEN",),
            ("SNOWFLAKE_BASE_URL",),
            (Option("account", ("SNOWFLAKE_ACCOUNT",)),),
            url_of="https://{account}.snowflakecomputing.com/api/v2/cortex/v1",
        ),
        "together": _plain("TOGETHER"),
        "vercel": Variables(
            ("VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"), ("VERCEL_AI_GATEWAY_BASE_URL",)
        ),
        "vllm": _local("VLLM", "http://localhost:8000/v1"),
        "xai": _plain("XAI"),
        "zai": _plain("ZAI"),
    }
)
"""Every provider that sends something somewhere; `rules` does not."""
