"""What organizations set for themselves: providers, regions, what is kept of calls, and their own keys."""

from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import asyncpg
import pytest
from canaries import places_of
from one_question import NOTE

from tegu.actions.action import NoInput
from tegu.actions.declared.provider_keys import (
    CreateProviderKey,
    ProviderKeyId,
    RotateProviderKey,
    create_provider_key,
    delete_provider_key,
    list_provider_keys,
    rotate_provider_key,
)
from tegu.actions.declared.secrets import RotateSecrets, rotate_secrets
from tegu.actions.declared.settings import UpdateSettings, get_settings, update_settings
from tegu.actions.erasures import erase_once
from tegu.actions.model_trials import plan_trials
from tegu.app import Tegu
from tegu.domain.errors import ConfigurationError, ConflictError, NotFoundError
from tegu.domain.json import JsonObject
from tegu.domain.privacy import StoreLlm
from tegu.domain.status import RunStatus
from tegu.handle import OrganizationHandle
from tegu.llm.protocol import DataPart, ModelRef, ModelRequest
from tegu.llm.structured import complete
from tegu.storage.database import DatabaseAddress
from tegu.storage.ledger import CallPlace
from tegu.storage.organization_settings import key_place
from tegu.testing.scripted import Failed, Match, Reply, Rule, ScriptedProvider, Text

Opened = Callable[..., AbstractAsyncContextManager[Tegu]]
KEYS = "k1:" + b64encode(b"1" * 32).decode()
CANARY = "Xylophone4711"
TWO: JsonObject = {
    "tegu": 1,
    "name": "two",
    "input": "content",
    "stages": {
        "one": {"uses": "prompt", "with": {"instructions": f"Say {CANARY}."}},
        "two": {"uses": "prompt", "with": {"instructions": "Again."}, "inputs": ["one"]},
    },
}


def says(text: str = "said", **more: Any) -> ScriptedProvider:
    return ScriptedProvider([Rule(Reply(Text(text), **more))])


async def change(tegu: Tegu, **more: Any) -> None:
    await update_settings(await tegu.scope(), UpdateSettings.model_validate(more))


async def key_of(handle: OrganizationHandle) -> str | None:
    """What it would send to OpenAI."""
    scope = await handle.scope()
    return (await scope.machinery.credentials.credential(scope.organization_id, "openai")).api_key


async def test_what_is_not_allowed_is_asked_by_no_path(opened: Opened) -> None:
    async with says() as server, opened(server) as tegu:
        await change(tegu, providers=["anthropic"])
        run = await tegu.run(NOTE, b"A text.")
        assert run.status is RunStatus.FAILED
        assert run.error is not None
        assert run.error.code == "destination_not_allowed"
        with pytest.raises(ConfigurationError, match="'openai' is not one") as refused:
            await tegu.llm.generate("Say it.")
        assert "rules, anthropic" in str(refused.value.hint)
        [trial] = await tegu.try_models(plan_trials([ModelRef("openai", "gpt-5-mini")]))
        assert (trial.is_ok, trial.code) == (False, "destination_not_allowed")
        assert not server.ledger
        assert (await tegu.run(NOTE | {"model": "rules"}, b"A text.")).status is RunStatus.COMPLETED
        await change(tegu, providers=None)
        assert await tegu.llm.generate("Say it.") == "said"


async def test_a_chain_passes_over_what_is_not_allowed_and_says_why(opened: Opened) -> None:
    async with says() as server, opened(server) as tegu:
        await change(tegu, providers=["openai"])
        run = await tegu.run(NOTE, b"A text.", model="mistral:large, openai:gpt-5-mini")
        assert run.status is RunStatus.COMPLETED
        [fallback] = run.stages[0].fallbacks
        assert (fallback.from_model, fallback.code) == ("mistral:large", "destination_not_allowed")


async def test_an_unknown_region_is_refused_where_regions_are_restricted(opened: Opened) -> None:
    async with (
        says() as server,
        opened(server) as tegu,
        opened(server, regions="openai=eu-west-1") as declared,
    ):
        await change(tegu, regions=["eu-*", "us-east-1"])
        with pytest.raises(ConfigurationError, match="nobody knows where"):
            await tegu.llm.generate("Say it.")
        assert await declared.llm.generate("Say it.") == "said"
        await change(declared, regions=["us-east-1"])
        with pytest.raises(ConfigurationError, match="answers in eu-west-1"):
            await declared.llm.generate("Say it.")
        assert len(server.ledger) == 1


async def test_settings_are_changed_one_by_one_and_read_back(opened: Opened) -> None:
    async with says() as server, opened(server) as tegu:
        scope = await tegu.scope()
        await change(tegu, model="openai:gpt-5", keep_runs_days=7)
        await change(tegu, providers=["openai", "google-vertex"], keep_runs_days=None)
        found = await get_settings(scope, NoInput())
        assert (found.model, found.providers, found.keep_runs_days) == (
            "openai:gpt-5",
            ("openai", "google-cloud"),
            None,
        )
        for wrong in ({"providers": ["nobody"]}, {"regions": ["Mars!"]}, {"model": "nothing"}):
            with pytest.raises(ConfigurationError):
                await change(tegu, **wrong)
        with pytest.raises(ConfigurationError) as refused:
            await change(tegu, store_llm=StoreLlm.HASH)
        assert refused.value.code == "no_secret_key"


@pytest.mark.parametrize("kept", [StoreLlm.UNTIL_RUN_ENDS, StoreLlm.HASH])
async def test_nothing_that_was_asked_or_said_is_left_when_the_run_has_ended(
    opened: Opened, address: DatabaseAddress, kept: StoreLlm
) -> None:
    async with says("An answer.") as server, opened(server, secret_keys=KEYS) as tegu:
        await change(tegu, store_llm=kept)
        stored = await tegu.ingest(b"A text.")
        run = await tegu.run(TWO, stored)
        assert run.status is RunStatus.COMPLETED
        await erase_once(tegu.database)
        assert await places_of(address, CANARY) == ["pipeline_versions"]
        assert "llm_calls" not in await places_of(address, "An answer.")
        calls = await tegu.list_calls(run_id=run.id)
        assert all(call.usage.output_tokens for call in calls)
        await tegu.llm.generate(f"And {CANARY}?")
        await erase_once(tegu.database)
        assert await places_of(address, CANARY) == ["pipeline_versions"]


async def test_with_hash_nothing_readable_is_stored_and_a_stored_reply_is_not_paid_again(
    opened: Opened, address: DatabaseAddress
) -> None:
    rules = [
        Rule(Reply(Text(f"An answer to {CANARY}.")), Match(contains=("One.",)), times=1),
        Rule(Reply(Failed(400)), Match(contains=("Two.",)), times=1),
    ]
    async with ScriptedProvider(rules) as server, opened(server, secret_keys=KEYS) as tegu:
        await change(tegu, store_llm="hash")
        [run_id] = await tegu.start(NOTE, b"A text.")
        place = CallPlace((await tegu.scope()).organization_id, run_id, "say")
        request = ModelRequest(ModelRef("openai", "gpt-5-mini"), "One.", (DataPart("x", CANARY),))
        provider = await tegu._runtime.providers.ready("openai")
        credential = await tegu._runtime.credentials.credential(place.organization_id, "openai")
        for _ in range(2):  # the second time by the journal: another would be refused
            ledger = await tegu._runtime.ledger(place)
            done = await complete(request, provider=provider, credential=credential, ledger=ledger)
            assert done.value == f"An answer to {CANARY}."
        assert await places_of(address, CANARY) == []
        assert len(server.ledger) == 1


async def test_an_own_key_goes_before_the_operators_and_is_never_shown(
    opened: Opened, address: DatabaseAddress
) -> None:
    async with says() as server, opened(server, secret_keys=KEYS) as tegu:
        scope = await tegu.scope()
        secret = f"sk-{CANARY}-own-key-wxyz"
        made = await create_provider_key(scope, CreateProviderKey(provider="openai", api_key=secret))
        assert (made.last4, made.host) == ("wxyz", server.base_url("openai").rstrip("/"))
        assert CANARY not in repr(made) + repr(CreateProviderKey(provider="openai", api_key=secret))
        assert await places_of(address, CANARY) == []
        with pytest.raises(ConflictError):
            await create_provider_key(scope, CreateProviderKey(provider="openai", api_key="sk-another-0000"))
        assert await key_of(tegu) == secret
        changed = await rotate_provider_key(
            scope, RotateProviderKey(key_id=made.id, api_key="sk-second-key-9999")
        )
        assert (changed.last4, changed.rotated_at is None) == ("9999", False)
        assert await key_of(tegu) == "sk-second-key-9999"
        assert await tegu.llm.generate("Say it.") == "said"
        assert [key.id for key in (await list_provider_keys(scope, NoInput())).items] == [made.id]
        other = tegu.for_organization("another")
        assert await key_of(other) == "sk-of-a-test"
        with pytest.raises(NotFoundError):
            await delete_provider_key(await other.scope(), ProviderKeyId(key_id=made.id))
        await delete_provider_key(scope, ProviderKeyId(key_id=made.id))
        assert await key_of(tegu) == "sk-of-a-test"


async def test_a_key_that_was_moved_to_another_organization_or_host_does_not_open(opened: Opened) -> None:
    async with says() as server, says() as elsewhere, opened(server, secret_keys=KEYS) as tegu:
        await create_provider_key(
            await tegu.scope(), CreateProviderKey(provider="openai", api_key="sk-of-the-first-0001")
        )
        thief = tegu.for_organization("thief")
        thief_id = (await thief.scope()).organization_id
        connection = await asyncpg.connect(tegu.database.address.owner)
        await connection.execute(
            "insert into tegu.provider_keys (organization_id, id, provider, host, sealed, last4)"
            " select $1, id, provider, host, sealed, last4 from tegu.provider_keys",
            thief_id,
        )
        await connection.close()
        with pytest.raises(ConfigurationError) as refused:
            await thief.llm.generate("Say it.")
        assert refused.value.code == "secret_unreadable"
        async with opened(elsewhere, secret_keys=KEYS) as moved:
            with pytest.raises(ConfigurationError, match="the host is another now"):
                await moved.llm.generate("Say it.")
        assert not server.ledger
        assert not elsewhere.ledger


async def test_what_is_no_key_of_a_provider_is_refused(opened: Opened) -> None:
    async with says() as server, opened(server, secret_keys=KEYS) as tegu:
        scope = await tegu.scope()
        for wrong in (
            {"provider": "nobody", "api_key": "x"},
            {"provider": "rules", "api_key": "x"},
            {"provider": "openai"},
            {"provider": "openai", "api_key": "with space"},
            {"provider": "google-cloud", "options": {"login_file": "/etc/passwd"}},
            {"provider": "bedrock", "options": {"access_key_id": "a", "secret_access_key": "b"}},
            {"provider": "bedrock-mantle", "api_key": "k", "options": {"region": "evil.example/"}},
        ):
            with pytest.raises(ConfigurationError):
                await create_provider_key(scope, CreateProviderKey.model_validate(wrong))
        assert (await list_provider_keys(scope, NoInput())).items == ()


async def test_everything_that_is_sealed_is_sealed_anew_by_a_new_key(opened: Opened) -> None:
    async with says() as server, opened(server, secret_keys=KEYS) as tegu:
        scope = await tegu.scope()
        await create_provider_key(scope, CreateProviderKey(provider="openai", api_key="sk-of-the-ring-0001"))
        assert (await rotate_secrets(scope, RotateSecrets())).resealed == 0
    newer = "k2:" + b64encode(b"2" * 32).decode()
    async with says() as server, opened(server, secret_keys=f"{newer},{KEYS}") as tegu:
        found = await rotate_secrets(await tegu.scope(), RotateSecrets())
        assert (found.resealed, found.secrets, found.key_id) == (1, 1, "k2")
        with pytest.raises(ConfigurationError, match="only you can change"):
            await rotate_secrets(await tegu.scope(), RotateSecrets(new_key=True))
    async with opened(server, secret_keys=newer) as tegu:
        scope = await tegu.scope()
        pool = await tegu.database.engine()
        [row] = await pool.fetch("select organization_id, provider, host, sealed from tegu.provider_keys")
        place = key_place(row["organization_id"], row["provider"], row["host"])
        assert "sk-of-the-ring-0001" in scope.machinery.keyring.unseal(row["sealed"], place)
