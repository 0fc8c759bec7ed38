"""Replies recorded once, replayed after: the scripted provider stands for the real one."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from tegu.domain.errors import ConfigurationError, ProviderError, RecordingError
from tegu.domain.json import JsonObject
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import Credential, CredentialSource, DataPart, ModelRef, ModelRequest, OutputSpec
from tegu.llm.providers.registry import provider_for
from tegu.testing import ScriptedProvider
from tegu.testing.recorded import recorded_models
from tegu.testing.recorded.record_or_replay import Recorded
from tegu.testing.recorded.replay import Replayer
from tegu.testing.scripted import Failed, Json, Reply, Rule

SECRET = "sk-proj-a-very-secret-key-0123456789"
MODELS = {
    "anthropic": "claude-sonnet-4-5",
    "google": "gemini-2.5-flash",
    "openai": "gpt-5-mini",
    "openai-responses": "gpt-5-mini",
}
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"total": {"type": "integer"}},
    "required": ["total"],
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the machine that runs these tests has set decides nothing here."""
    for variable in ("CI", "TEGU_RECORD", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(variable, raising=False)


def _environment(server: ScriptedProvider) -> dict[str, str]:
    found: dict[str, str] = {}
    for prefix, provider in {"OPENAI": "openai", "ANTHROPIC": "anthropic", "GOOGLE": "google"}.items():
        found |= {f"{prefix}_API_KEY": SECRET, f"{prefix}_BASE_URL": server.base_url(provider)}
    return found


def _keys(server: ScriptedProvider) -> CredentialSource:
    return EnvironmentCredentials(_environment(server))


async def _ask(recorded: Recorded, provider: str = "openai", text: str = "Invoice of 12 euros.") -> str:
    called = provider_for(provider)
    request = ModelRequest(
        ModelRef(provider, MODELS[provider]),
        "What is the total?",
        parts=(DataPart("mail", text),),
        output=OutputSpec("Invoice", SCHEMA),
    )
    try:
        credential = await recorded.credentials.credential(uuid4(), provider)
        return (await called.request(request, credential)).text
    finally:
        await called.close()


async def _record(path: Path, *providers: str) -> None:
    async with ScriptedProvider([Rule(Reply(Json({"total": 12})))]) as server:
        with recorded_models(path, "record", credentials=_keys(server)) as recorded:
            for provider in providers:
                await _ask(recorded, provider)


async def test_what_was_recorded_is_replayed_without_a_key_and_without_the_provider(tmp_path: Path) -> None:
    path = tmp_path / "recorded" / "refund.yaml"
    await _record(path, *MODELS)
    async with recorded_models(path) as recorded:
        found = [json.loads(await _ask(recorded, provider)) for provider in MODELS]
    assert found == [{"total": 12}] * len(MODELS)


async def test_no_secret_is_written(tmp_path: Path) -> None:
    path = tmp_path / "refund.yaml"
    said = Reply(
        Json({"total": 12}), headers={"set-cookie": "session=abc", "openai-organization": "acme-inc"}
    )
    async with ScriptedProvider([Rule(said)]) as server:
        with recorded_models(path, "record", credentials=_keys(server)) as recorded:
            for provider in MODELS:
                await _ask(recorded, provider, text=f"My key is {SECRET}.")
    text = path.read_text()
    assert "My key is ***." in text
    for secret in (SECRET, "Bearer", "session=abc", "acme-inc", "x-api-key", "authorization", "cookie"):
        assert secret not in text


async def test_a_changed_prompt_is_an_error_that_says_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "refund.yaml"
    await _record(path, "openai")
    recorded = recorded_models(path).__enter__()
    with pytest.raises(ProviderError, match=r"not in the recording .*/messages/1/content") as asking:
        await _ask(recorded, text="Invoice of 13 euros.")
    assert not asking.value.transient
    assert "TEGU_RECORD=1" in asking.value.message
    with pytest.raises(RecordingError, match=r"Invoice of 12.*Invoice of 13") as leaving:
        recorded.__exit__(None, None, None)
    assert leaving.value.code == "not_recorded"


async def test_what_was_never_asked_of_a_provider_is_an_error_for_every_client(tmp_path: Path) -> None:
    path = tmp_path / "refund.yaml"
    await _record(path, "openai")
    recorded = recorded_models(path).__enter__()
    for provider in ("anthropic", "google", "openai-responses"):
        with pytest.raises(ProviderError, match="nothing was recorded for POST"):
            await _ask(recorded, provider)
    with pytest.raises(RecordingError, match="and 2 more"):
        recorded.__exit__(None, None, None)


async def test_equal_requests_are_answered_in_the_order_recorded_and_then_by_the_last(tmp_path: Path) -> None:
    path = tmp_path / "refund.yaml"
    replies = [Rule(Reply(Failed(429, retry_after_s=3)), times=1), Rule(Reply(Json({"total": 12})))]
    async with ScriptedProvider(replies) as server:
        with recorded_models(path, "record", credentials=_keys(server)) as recorded:
            with pytest.raises(ProviderError, match="gpt-5-mini"):
                await _ask(recorded)
            await _ask(recorded)
    with recorded_models(path) as recorded:
        with pytest.raises(ProviderError) as refused:
            await _ask(recorded)
        assert [json.loads(await _ask(recorded)) for _ in range(2)] == [{"total": 12}] * 2
    assert (refused.value.code, refused.value.retry_after_s) == ("rate_limited", 3)


async def test_a_recording_is_readable_and_llm_replay_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "refund.yaml"
    await _record(path, *MODELS)
    assert "parsed_body:" in path.read_text()
    assert "  What is the total?\n" in path.read_text()
    async with Replayer() as replayer:
        report = await replayer.replay(path)
    assert sorted(str(call.provider) for call in report.calls) == sorted(MODELS)
    assert all(call.object == {"total": 12} and call.cost_usd is not None for call in report.calls)


async def test_recording_happens_only_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "refund.yaml"
    with pytest.raises(ConfigurationError, match="there is no recording") as missing, recorded_models(path):
        pass
    assert missing.value.hint is not None
    assert "TEGU_RECORD=1" in missing.value.hint
    monkeypatch.setenv("TEGU_RECORD", "1")
    async with ScriptedProvider([Rule(Reply(Json({"total": 12})))]) as server:
        with recorded_models(path, credentials=_keys(server)) as recorded:
            await _ask(recorded)
        assert len(server.ledger) == 1
        with recorded_models(path, "replay", credentials=_keys(server)) as recorded:
            await _ask(recorded)
        assert len(server.ledger) == 1


@pytest.mark.parametrize("mode", ["auto", "record"])
def test_nothing_is_recorded_in_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("TEGU_RECORD", "1")
    models = recorded_models(tmp_path / "refund.yaml", "record" if mode == "record" else "auto")
    with pytest.raises(ConfigurationError, match="is not recorded in CI"), models:
        pass


async def test_a_provider_that_cannot_be_reached_is_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "refund.yaml"
    keys = EnvironmentCredentials({"OPENAI_API_KEY": SECRET, "OPENAI_BASE_URL": "http://127.0.0.1:9"})
    models = recorded_models(path, "record", credentials=keys)
    with models as recorded, pytest.raises(ProviderError, match="could not be asked") as failed:
        await _ask(recorded)
    assert failed.value.transient
    assert not path.exists()


async def test_the_path_of_a_proxy_is_remembered(tmp_path: Path) -> None:
    path = tmp_path / "refund"
    async with ScriptedProvider([Rule(Reply(Json({"total": 12})))]) as server:
        keys = EnvironmentCredentials(_environment(server))
        with recorded_models(path, "record", credentials=keys) as recorded:
            await _ask(recorded)
    written = path.with_suffix(".yaml")
    written.write_text(written.read_text().replace("/v1", "/proxy/of/ours/v1"))
    with recorded_models(path) as recorded:
        credential = await recorded.credentials.credential(uuid4(), "openai")
        assert str(credential.base_url).endswith("/openai/proxy/of/ours/v1")
        assert json.loads(await _ask(recorded)) == {"total": 12}


async def test_rules_need_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "refund.yaml"
    await _record(path, "openai")
    with recorded_models(path) as recorded:
        assert await recorded.credentials.credential(uuid4(), "rules") == Credential()


def test_credentials_are_there_only_while_it_is_open(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="is not open"):
        _ = recorded_models(tmp_path / "refund.yaml").credentials
