"""What arrives at each provider: the path, the login, and the schema in that provider's own form."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from provider_lab import KEY, request_to
from pydantic import JsonValue
from recorder import Arrived, recording

from tegu.domain.errors import ConfigurationError, ProviderError
from tegu.domain.json import JsonObject
from tegu.llm.protocol import Credential, ModelRef, OutputMode
from tegu.llm.providers.registry import provider_for
from tegu.testing.scripted.wire import at


@dataclass(frozen=True)
class Place:
    """Where things are in a request; `schema` and `tool` are paths into the body."""

    line: str
    login: tuple[str, str]
    schema: tuple[str | int, ...]
    tool: tuple[str | int, ...]
    base_path: str = ""
    model: tuple[str | int, ...] = ("model",)
    options: tuple[tuple[str, str], ...] = ()


BEARER = ("authorization", f"Bearer {KEY}")
CHAT_SCHEMA = ("response_format", "json_schema", "schema")
CHAT_TOOL = ("tools", 0, "function", "parameters")
CHAT = Place("POST /v1/chat/completions HTTP/1.1", BEARER, CHAT_SCHEMA, CHAT_TOOL, "/v1")
RESPONSES = Place(
    "POST /v1/responses HTTP/1.1", BEARER, ("text", "format", "schema"), ("tools", 0, "parameters"), "/v1"
)
GOOGLE = Place(
    "POST /v1beta/models/gemini-2.5-flash:generateContent HTTP/1.1",
    ("x-goog-api-key", KEY),
    ("generationConfig", "responseJsonSchema"),
    ("tools", 0, "functionDeclarations", 0, "parameters_json_schema"),
    model=(),
)
PLACES = {
    "openai": CHAT,
    "openai-responses": RESPONSES,
    "openai-compatible": CHAT,
    "ollama": CHAT,
    "vllm": CHAT,
    "azure": replace(
        CHAT,
        line="POST /openai/deployments/gpt-5-mini/chat/completions?api-version=2024-10-21 HTTP/1.1",
        login=("api-key", KEY),
        base_path="",
        options=(("api_version", "2024-10-21"),),
    ),
    "azure-responses": replace(
        RESPONSES,
        line="POST /openai/responses?api-version=2025-04-01-preview HTTP/1.1",
        login=("api-key", KEY),
        base_path="",
        options=(("api_version", "2025-04-01-preview"),),
    ),
    "anthropic": Place(
        "POST /v1/messages HTTP/1.1",
        BEARER,
        ("output_config", "format", "schema"),
        ("tools", 0, "input_schema"),
    ),
    "bedrock": Place(
        "POST /model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse HTTP/1.1",
        BEARER,
        ("outputConfig", "textFormat", "structure", "jsonSchema", "schema"),
        ("toolConfig", "tools", 0, "toolSpec", "inputSchema", "json"),
        model=(),
    ),
    "google": GOOGLE,
    "google-cloud": replace(
        GOOGLE, line="POST /v1beta1/publishers/google/models/gemini-2.5-flash:generateContent HTTP/1.1"
    ),
    "groq": replace(CHAT, line="POST /openai/v1/chat/completions HTTP/1.1", base_path=""),
    "mistral": replace(CHAT, base_path="", schema=CHAT_TOOL),
    "deepseek": replace(CHAT, line="POST /chat/completions HTTP/1.1", base_path="", schema=CHAT_TOOL),
    "openrouter": replace(CHAT, line="POST /api/v1/chat/completions HTTP/1.1", base_path="/api/v1"),
}


async def arrived_at(name: str, place: Place, mode: OutputMode) -> Arrived:
    provider = provider_for(name)
    async with recording() as recorder:
        with pytest.raises(ProviderError) as caught:
            await provider.request(
                request_to(name, mode), Credential(KEY, recorder.url + place.base_path, place.options)
            )
        (arrived,) = recorder.arrived
    await provider.close()
    assert (caught.value.code, caught.value.transient) == ("bad_request", False)
    return arrived


@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("mode", OutputMode)
async def test_path_login_model_and_schema_are_where_the_provider_wants_them(
    name: str, mode: OutputMode
) -> None:
    place = PLACES[name]
    arrived = await arrived_at(name, place, mode)
    assert arrived.line == place.line
    header, value = place.login
    assert arrived.headers[header] == value
    if place.model:
        assert at(arrived.json, *place.model) == request_to(name).model.name
    schema: JsonValue = at(arrived.json, *(place.schema if mode is OutputMode.NATIVE else place.tool))
    if isinstance(schema, str):
        schema = json.loads(schema)
    assert at(schema, "required") in (["note", "total"], ["total", "note"])


async def test_azure_without_a_version_is_asked_over_its_v1_api() -> None:
    place = replace(PLACES["azure"], options=())
    arrived = await arrived_at("azure", place, OutputMode.NATIVE)
    assert arrived.line == "POST /openai/v1/chat/completions HTTP/1.1"
    assert arrived.headers["authorization"] == f"Bearer {KEY}"


async def test_bedrock_signs_with_an_access_key_and_the_signature_holds() -> None:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    options = (
        ("access_key_id", "AKIDEXAMPLE"),
        ("secret_access_key", "a-secret-access-key"),
        ("session_token", "a-session-token"),
        ("region", "eu-central-1"),
    )
    provider = provider_for("bedrock")
    async with recording() as recorder:
        with pytest.raises(ProviderError):
            await provider.request(request_to("bedrock"), Credential(None, recorder.url, options))
        (arrived,) = recorder.arrived
    await provider.close()
    said = arrived.headers["authorization"]
    signed = said.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    again: Any = AWSRequest(
        method="POST",
        url=recorder.url + arrived.line.split(" ")[1],
        data=arrived.body,
        headers={name: arrived.headers[name] for name in signed},
    )
    again.context["timestamp"] = arrived.headers["x-amz-date"]
    auth: Any = SigV4Auth(Credentials("AKIDEXAMPLE", "a-secret-access-key"), "bedrock", "eu-central-1")
    expected = auth.signature(auth.string_to_sign(again, auth.canonical_request(again)), again)
    assert said.endswith(f"Signature={expected}")
    assert "/eu-central-1/bedrock/aws4_request" in said
    assert arrived.headers["x-amz-security-token"] == "a-session-token"
    assert "a-secret-access-key" not in str(arrived)


def service_account(path: Path, token_url: str) -> Path:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account: JsonObject = {
        "type": "service_account",
        "project_id": "the-project",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "tegu@the-project.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_url,
    }
    path.write_text(json.dumps(account), "utf-8")
    return path


async def test_vertex_logs_in_with_a_service_account_and_names_project_and_location(tmp_path: Path) -> None:
    token = '{"access_token": "the-access-token", "expires_in": 3600, "token_type": "Bearer"}'
    provider = provider_for("google-cloud")
    async with recording(status="200 OK", body=token) as login, recording() as recorder:
        file = service_account(tmp_path / "login.json", f"{login.url}/token")
        options = (("login_file", str(file)), ("location", "europe-west4"))
        with pytest.raises(ProviderError):
            await provider.request(request_to("google-cloud"), Credential(None, recorder.url, options))
        (arrived,) = recorder.arrived
        assert login.arrived[0].line == "POST /token HTTP/1.1"
    await provider.close()
    assert arrived.headers["authorization"] == "Bearer the-access-token"
    model = "projects/the-project/locations/europe-west4/publishers/google/models/gemini-2.5-flash"
    assert arrived.line == f"POST /v1beta1/{model}:generateContent HTTP/1.1"


async def test_a_login_that_google_refuses_is_an_authentication_failure(tmp_path: Path) -> None:
    provider = provider_for("google-cloud")
    refused = '{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'
    async with recording(body=refused) as login, recording() as recorder:
        file = service_account(tmp_path / "login.json", f"{login.url}/token")
        with pytest.raises(ProviderError) as caught:
            await provider.request(
                request_to("google-cloud"), Credential(None, recorder.url, (("login_file", str(file)),))
            )
        assert recorder.arrived == []
    await provider.close()
    assert (caught.value.code, caught.value.transient) == ("authentication", False)


async def test_a_login_file_that_is_none_is_said_without_its_content(tmp_path: Path) -> None:
    file = tmp_path / "login.json"
    file.write_text('{"type": "service_account", "private_key": "not-to-be-shown"}', "utf-8")
    provider = provider_for("google-cloud")
    with pytest.raises(ConfigurationError, match="holds no login") as caught:
        await provider.request(
            request_to("google-cloud"), Credential(None, None, (("login_file", str(file)),))
        )
    assert "not-to-be-shown" not in str(caught.value)


async def test_a_model_s_name_may_hold_colons_and_slashes() -> None:
    ref = ModelRef.parse("openrouter:anthropic/claude-sonnet-4.5:beta")
    provider = provider_for("openrouter")
    async with recording() as recorder:
        with pytest.raises(ProviderError):
            await provider.request(
                replace(request_to("openrouter"), model=ref), Credential(KEY, f"{recorder.url}/api/v1")
            )
        assert recorder.arrived[0].json["model"] == "anthropic/claude-sonnet-4.5:beta"
    await provider.close()


def test_the_page_of_providers_names_those_that_are_tested_here() -> None:
    page = (Path(__file__).parents[3] / "docs" / "providers.md").read_text("utf-8")
    (listed,) = (line for line in page.split("\n\n") if line.startswith("Tests send every provider"))
    names = listed.partition("For\n")[2].partition(" tests also")[0]
    assert names == ", ".join(f"`{name}`" for name in names.replace("`", "").split(", "))
    assert sorted(names.replace("`", "").replace("\n", " ").split(", ")) == sorted(PLACES)
