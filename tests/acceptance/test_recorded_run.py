"""A whole run on recorded replies: recorded once, replayed with the provider gone."""

import pickle
from pathlib import Path

import pytest
from opened import provider_environment
from thread_of_mails import CLASSIFIED, EXTRACTED, MAILBOX, SUMMARY, script_for

from tegu.app import Tegu
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress
from tegu.testing.recorded import recorded_models
from tegu.testing.scripted import ScriptedProvider

MODEL = "openai:gpt-5-mini"
EXPECTED = {"extract": EXTRACTED, "classify": CLASSIFIED, "summarize": SUMMARY}


async def test_a_run_is_recorded_once_and_replayed_with_the_provider_gone(
    address: DatabaseAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    path = tmp_path / "email.yaml"
    owner = address.owner
    settings = Settings(
        home=tmp_path,
        database_url=owner,
        app_database_url=owner.replace("//postgres:@", "//tegu_app:@", 1),
        engine_database_url=owner.replace("//postgres:@", "//tegu_engine:@", 1),
    )
    async with ScriptedProvider(script_for()) as server:
        keys = EnvironmentCredentials(provider_environment(server))
        with recorded_models(path, "record", credentials=keys) as recorded:
            async with Tegu(settings=settings, organization="one", credentials=recorded.credentials) as tegu:
                run = await tegu.run("email_analysis", MAILBOX, model=MODEL)
    assert run.stage_outputs == EXPECTED
    with recorded_models(path) as recorded:
        # A stage that is run alone gets its credentials in a child process.
        assert pickle.loads(pickle.dumps(recorded.credentials)) == recorded.credentials
        async with Tegu(settings=settings, organization="two", credentials=recorded.credentials) as tegu:
            replayed = await tegu.run("email_analysis", MAILBOX, model=MODEL)
    assert replayed.error is None
    assert replayed.stage_outputs == EXPECTED
    assert replayed.totals.cost_usd == run.totals.cost_usd
