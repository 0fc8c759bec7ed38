"""Keys go to the children of a process, never as a copy of its environment."""

from multiprocessing.reduction import ForkingPickler

import pytest

from tegu.domain.errors import ConfigurationError
from tegu.domain.ids import new_id
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import Credential
from tegu.llm.variables import VARIABLES


def test_the_credentials_of_a_process_can_be_handed_to_its_children() -> None:
    assert bytes(ForkingPickler.dumps(EnvironmentCredentials()))


async def found(provider: str, **environment: str) -> Credential:
    return await EnvironmentCredentials(environment).credential(new_id(), provider)


async def test_bedrock_takes_a_key_or_an_access_key_with_a_region() -> None:
    by_key = await found("bedrock", AWS_BEARER_TOKEN_BEDROCK="token", AWS_REGION="eu-west-1")
    assert (by_key.api_key, by_key.option("region")) == ("token", "eu-west-1")
    signed = await found(
        "bedrock", AWS_ACCESS_KEY_ID="id", AWS_SECRET_ACCESS_KEY="secret", AWS_DEFAULT_REGION="eu-west-1"
    )
    assert (signed.api_key, signed.option("secret_access_key")) == (None, "secret")
    assert "secret" not in repr(signed)


@pytest.mark.parametrize(
    ("provider", "environment", "missing"),
    [
        ("bedrock", {}, "AWS_BEARER_TOKEN_BEDROCK and AWS_REGION or AWS_DEFAULT_REGION"),
        ("bedrock", {"AWS_BEARER_TOKEN_BEDROCK": "t"}, "AWS_REGION or AWS_DEFAULT_REGION"),
        ("bedrock", {"AWS_ACCESS_KEY_ID": "i", "AWS_REGION": "x"}, "AWS_SECRET_ACCESS_KEY"),
        ("azure", {"AZURE_OPENAI_API_KEY": "k"}, "AZURE_OPENAI_ENDPOINT"),
        ("azure", {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com"}, "AZURE_OPENAI_API_KEY"),
        ("google-vertex", {}, "GOOGLE_API_KEY or GEMINI_API_KEY"),
        ("groq", {}, "GROQ_API_KEY"),
        ("snowflake", {"SNOWFLAKE_TOKEN": "t"}, "SNOWFLAKE_ACCOUNT"),
        ("gateway/openai", {"PYDANTIC_AI_GATEWAY_API_KEY": "k"}, "PYDANTIC_AI_GATEWAY_BASE_URL"),
    ],
)
async def test_what_is_missing_is_named(provider: str, environment: dict[str, str], missing: str) -> None:
    with pytest.raises(ConfigurationError, match=missing) as caught:
        await found(provider, **environment)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("export ")
    assert not EnvironmentCredentials(environment).has_credential(provider)


async def test_vertex_goes_with_a_key_a_login_s_file_or_a_project() -> None:
    assert (await found("google-vertex", GOOGLE_API_KEY="key")).api_key == "key"
    login = await found("google-cloud", GOOGLE_APPLICATION_CREDENTIALS="/run/secrets/my login.json")
    assert login.option("login_file") == "/run/secrets/my login.json"
    machine = await found("google-cloud", GOOGLE_CLOUD_PROJECT="p", GOOGLE_CLOUD_LOCATION="europe-west4")
    assert (machine.option("project"), machine.option("location")) == ("p", "europe-west4")


async def test_a_region_or_an_account_names_a_host_and_no_other_place() -> None:
    url = (await found("snowflake", SNOWFLAKE_TOKEN="t", SNOWFLAKE_ACCOUNT="org-acc")).base_url
    assert url == "https://org-acc.snowflakecomputing.com/api/v2/cortex/v1"
    with pytest.raises(ConfigurationError, match="no name of a host"):
        await found("snowflake", SNOWFLAKE_TOKEN="t", SNOWFLAKE_ACCOUNT="evil.example/x#")


@pytest.mark.parametrize("name", sorted(VARIABLES))
async def test_every_provider_s_host_can_be_set(name: str) -> None:
    variables = VARIABLES[name]
    given = dict.fromkeys((*variables.keys[:1], "AWS_REGION"), "a-key")
    credential = await found(name, **given, **{variables.urls[0]: "https://proxy.example.com/v1/"})
    assert credential.base_url == "https://proxy.example.com/v1"
