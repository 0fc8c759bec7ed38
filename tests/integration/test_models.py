"""Models by name on a real database and over real HTTP: whose model is asked, what a fallback leaves, what a crash costs."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from asking_stages import twice
from sqlalchemy import text

from tegu.actions.model_trials import plan_trials
from tegu.app import Tegu
from tegu.domain.call import Usage
from tegu.domain.errors import ConfigurationError, UsageError
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.domain.run import Run
from tegu.domain.status import RunStatus
from tegu.llm.credentials import EnvironmentCredentials
from tegu.llm.protocol import CallSettings, DataPart, ModelRef, ModelReply, ModelRequest
from tegu.settings import Settings
from tegu.storage.database import Database, DatabaseAddress
from tegu.storage.ledger import CallPlace, StoredLedger
from tegu.testing.scripted import (
    Failed,
    Json,
    LedgerEntry,
    Match,
    Refused,
    Reply,
    Rule,
    ScriptedProvider,
    Text,
)

SUMMARY = Reply(Json({"summary": "Short."}))


def pipeline(model: str | None) -> JsonObject:
    document: JsonObject = {"name": "note", "stages": {"summary": {"uses": "summarize"}}}
    return document if model is None else {**document, "model": model}


def model_rule(name: str, reply: Reply, *, times: int | None = None) -> Rule:
    return Rule(reply, Match(model=name), times)


def asked(server: ScriptedProvider) -> list[str]:
    return [entry.model for entry in server.ledger]


@asynccontextmanager
async def opened(
    address: DatabaseAddress,
    server: ScriptedProvider,
    *,
    model: str | None = None,
    models: Mapping[str, str] | None = None,
    organization: str = "default",
    keys: tuple[str, ...] = ("OPENAI", "ANTHROPIC"),
) -> AsyncGenerator[Tegu]:
    urls = {
        "OPENAI_BASE_URL": server.base_url("openai"),
        "ANTHROPIC_BASE_URL": server.base_url("anthropic"),
    }
    environment = urls | {f"{name}_API_KEY": "sk-test" for name in keys}
    settings = Settings(
        home=Path("/nowhere"), database_url=address.owner, model=model, organization=organization
    )
    async with Tegu(
        settings=settings, models=models, credentials=EnvironmentCredentials(environment)
    ) as tegu:
        yield tegu


async def test_a_run_override_wins_over_stage_pipeline_organization_and_setting(
    address: DatabaseAddress,
) -> None:
    async with (
        ScriptedProvider([Rule(SUMMARY)]) as server,
        opened(address, server, model="openai:of-setting") as tegu,
    ):
        seen: list[str | None] = []

        async def run(document: JsonObject, override: str | None = None) -> None:
            ended = await tegu.run(document, f"Text {len(seen)}.".encode(), model=override)
            seen.append(ended.stages[0].model)

        staged: JsonObject = {
            "name": "note",
            "model": "openai:of-pipeline",
            "stages": {"summary": {"uses": "summarize", "model": "openai:of-stage"}},
        }
        await run(pipeline(None))
        await tegu.set_model("openai:of-organization")
        await run(pipeline(None))
        await run(pipeline("openai:of-pipeline"))
        await run(staged)
        await run(staged, "openai:of-run")
        await tegu.set_model(None)
        await run(pipeline(None))
    order = ["setting", "organization", "pipeline", "stage", "run", "setting"]
    assert seen == [f"openai:of-{name}" for name in order]
    assert asked(server) == [f"of-{name}" for name in order]


async def test_an_organizations_model_is_its_own_and_no_others(address: DatabaseAddress) -> None:
    async with (
        ScriptedProvider() as server,
        opened(address, server, organization="a") as a,
        opened(address, server, organization="b") as b,
    ):
        await a.set_model("fast, rules")
        assert (await a.list_models()).organization_model == "fast, rules"
        assert (await b.list_models()).organization_model is None
        with pytest.raises(ConfigurationError, match="no model alias 'fats'"):
            await b.set_model("fats")


async def test_the_role_of_people_may_change_that_column_of_its_own_row_and_nothing_else(
    database: Database, organization: UUID
) -> None:
    async def change(statement: str) -> int:
        async with database.transaction(organization) as connection:
            return (await connection.execute(text(statement))).rowcount

    assert await change("update tegu.organizations set model = 'rules'") == 1
    assert await change(f"update tegu.organizations set model = 'rules' where id <> '{organization}'") == 0
    with pytest.raises(Exception, match="permission denied"):
        await change("update tegu.organizations set external_id = 'x'")


async def test_a_fallback_is_told_in_the_ledger_in_the_event_and_with_the_stage(
    address: DatabaseAddress,
) -> None:
    rules = [model_rule("gone", Reply(Failed(404, "no such model"))), model_rule("claude-x", SUMMARY)]
    chain = "openai:gone, anthropic:claude-x, openai:never"
    async with ScriptedProvider(rules) as server, opened(address, server, models={"mine": chain}) as tegu:
        run = await tegu.run(pipeline("mine"), b"A text.")
        calls = await tegu.list_calls(run_id=run.id)
        events = [event async for event in tegu.follow([run.id])]
    assert run.status is RunStatus.COMPLETED
    (stage,) = run.stages
    assert stage.model == "anthropic:claude-x"
    (why,) = stage.fallbacks
    assert (why.from_model, why.to_model, why.code) == ("openai:gone", "anthropic:claude-x", "unknown_model")
    assert [(call.model, call.fallback) for call in calls] == [("gone", None), ("claude-x", why)]
    (completed,) = [event for event in events if event.kind == "stage.completed"]
    assert isinstance(completed.data, dict)
    assert completed.data["fallbacks"] == [why.to_json()]
    assert asked(server) == ["gone", "claude-x"]


async def test_a_chain_that_fails_altogether_fails_the_run_with_every_code(address: DatabaseAddress) -> None:
    rules = [model_rule("refusing", Reply(Refused())), model_rule("gone", Reply(Failed(404)))]
    async with ScriptedProvider(rules) as server, opened(address, server) as tegu:
        run = await tegu.run(pipeline("openai:refusing, anthropic:gone"), b"A text.")
    assert run.error is not None
    assert run.error.code == "models_failed"
    assert "openai:refusing: refusal" in run.error.message
    assert "anthropic:gone: unknown_model" in run.error.message


async def test_rules_at_the_end_of_a_chain_are_asked_in_their_own_way_and_say_so(
    address: DatabaseAddress,
) -> None:
    document: JsonObject = {
        "name": "note",
        "model": "openai:gone, rules",
        "stages": {"found": {"uses": "extract", "with": {"schema": {"email": "str?"}}}},
    }
    gone = model_rule("gone", Reply(Failed(404)))
    async with ScriptedProvider([gone]) as server, opened(address, server) as tegu:
        run = await tegu.run(document, b"Write to anna@acme.example")
    (stage,) = run.stages
    assert (stage.model, stage.output) == ("rules", {"email": "anna@acme.example"})
    (result,) = run.results
    assert [span.path for span in result.evidence] == ["/email"]
    assert result.confidence is None or result.confidence.method.value == "rule"


async def test_a_missing_key_leads_to_the_next_model_without_a_call(address: DatabaseAddress) -> None:
    async with ScriptedProvider([Rule(SUMMARY)]) as server, opened(address, server, keys=("OPENAI",)) as tegu:
        run = await tegu.run(pipeline("anthropic:claude-x, openai:y"), b"A text.")
        calls = await tegu.list_calls(run_id=run.id)
    assert asked(server) == ["y"]
    (call,) = calls
    assert call.fallback is not None
    assert (call.fallback.from_model, call.fallback.code) == ("anthropic:claude-x", "configuration")


async def replies_stored(address: DatabaseAddress, model: str) -> int:
    connection = await asyncpg.connect(address.owner)
    try:
        query = "select count(*) from tegu.llm_calls where model = $1 and reply is not null"
        return await connection.fetchval(query, model)
    finally:
        await connection.close()


async def test_a_reply_of_the_second_model_is_not_paid_again_after_a_crash_though_the_first_would_answer_now(
    address: DatabaseAddress,
) -> None:
    """The stage asks twice: the second call hangs, its worker is ended as by a crash, and another runs the stage again."""
    document: JsonObject = {
        "name": "two",
        "model": "openai:shaky, anthropic:claude-x",
        "stages": {"twice": {"uses": "python", "with": {"function": "twice@1"}}},
    }
    rules = [
        Rule(Reply(Failed(401)), Match(model="shaky", nth=1)),
        Rule(Reply(Text("one")), Match(model="claude-x", contains=("First.",))),
        Rule(Reply(Text("never"), delay_s=50), Match(model="shaky", contains=("Second.",)), times=1),
        Rule(Reply(Text("two")), Match(model="shaky", contains=("Second.",))),
        Rule(Reply(Text("paid twice")), Match(model="shaky")),
    ]
    async with ScriptedProvider(rules) as server:
        settings = Settings(home=Path("/nowhere"), database_url=address.owner)
        keys = EnvironmentCredentials(
            {
                "OPENAI_API_KEY": "sk-test",
                "ANTHROPIC_API_KEY": "sk-test",
                "OPENAI_BASE_URL": server.base_url("openai"),
                "ANTHROPIC_BASE_URL": server.base_url("anthropic"),
            }
        )
        async with Tegu(settings=settings, stages=[twice], credentials=keys) as tegu:
            (run_id,) = await tegu.start(document, b"A text.")
            worker = await tegu.worker()
            driving = asyncio.create_task(worker.run())
            async with asyncio.timeout(60):
                while len(server.ledger) < 3:
                    await asyncio.sleep(0.02)
            driving.cancel()  # as a crash would: nothing is handed back
            await asyncio.gather(driving, return_exceptions=True)
            assert await replies_stored(address, "claude-x") == 1
            run = await _performed_again(tegu, run_id)
    assert run.stages[0].output == "one two"
    assert asked(server) == ["shaky", "claude-x", "shaky", "shaky"]
    (why,) = run.stages[0].fallbacks
    assert (why.from_model, why.code) == ("openai:shaky", "authentication")
    assert run.stages[0].model == "anthropic:claude-x, openai:shaky"


async def _performed_again(tegu: Tegu, run_id: UUID) -> Run:
    statuses = await tegu.drive([run_id], timeout_s=110)
    run = await tegu.get_run(run_id)
    assert statuses == {run_id: RunStatus.COMPLETED}, run.error
    return run


def request(model: str, text: str = "same") -> ModelRequest:
    return ModelRequest(ModelRef("p", model), "Say it.", (DataPart("text", text),), settings=CallSettings())


async def test_equal_questions_of_one_stage_keep_their_places_whichever_model_answered_the_others(
    database: Database, organization: UUID
) -> None:
    place = CallPlace(organization, new_id(), "s")
    chain = [request("first"), request("second")]

    async def answer(ledger: StoredLedger, index: int, ordinal: int, said: str) -> None:
        call = await ledger.begin(chain[index], ordinal=ordinal, attempt=1)
        await ledger.replied(call, ModelReply(said, "stop", Usage(), None), latency_ms=1)

    before = StoredLedger(await database.engine(), place)
    await before.begin(chain[0], ordinal=1, attempt=1)  # fails
    await answer(before, 1, 1, "of the first call")
    await before.begin(chain[0], ordinal=2, attempt=1)  # fails
    await answer(before, 1, 2, "of the second call")
    after = StoredLedger(await database.engine(), place)
    for ordinal, said in ((1, "of the first call"), (2, "of the second call")):
        stored = await after.stored_among(chain, ordinal=ordinal)
        assert stored is not None
        assert stored.index == 1
        replayed = await after.begin(chain[stored.index], ordinal=ordinal, attempt=1)
        assert replayed.reply is not None
        assert replayed.reply.text == said
    assert await after.stored_among(chain, ordinal=3) is None


async def test_models_are_tried_with_one_small_call_each_that_is_in_the_ledger(
    address: DatabaseAddress,
) -> None:
    rules = [model_rule("gpt-6-luna", Reply(Text("ready"))), model_rule("gone", Reply(Failed(404)))]
    async with ScriptedProvider(rules) as server, opened(address, server) as tegu:
        plan = plan_trials(await tegu.resolve_model("openai:gpt-6-luna, anthropic:gone, rules"))
        good, bad, by_rules = await tegu.try_models(plan)
        calls = await tegu.list_calls()
    assert 0 < plan.cost_usd_max < 1
    assert plan.unknown_costs == 1
    assert (good.is_ok, good.finish_reason, good.code) == (True, "stop", None)
    assert good.cost_usd is not None
    assert good.cost_usd <= plan.cost_usd_max
    assert (bad.is_ok, bad.code) == (False, "unknown_model")
    assert by_rules.is_ok
    assert sorted(call.model for call in calls) == ["gone", "gpt-6-luna", "rules"]
    assert all(call.run_id is None and call.attempt == 1 for call in calls)


def test_thousands_of_models_are_never_tried_at_once() -> None:
    with pytest.raises(UsageError, match="at most 30"):
        plan_trials([ModelRef("openai", str(number)) for number in range(31)])


async def test_a_model_is_asked_by_alias_without_a_run(address: DatabaseAddress) -> None:
    entries: list[LedgerEntry] = []
    rules = [model_rule("gone", Reply(Failed(404))), model_rule("here", Reply(Text("ready")))]
    async with ScriptedProvider(rules) as server:
        async with opened(address, server, models={"fast": "openai:gone, openai:here"}) as tegu:
            answer = await tegu.llm.ask("Say ready.", model="fast")
            await tegu.set_model("openai:here")
            assert await tegu.llm.generate("Say ready.") == "ready"
        entries.extend(server.ledger)
    assert (answer.text, answer.model) == ("ready", "openai:here")
    assert [why.code for why in answer.fallbacks] == ["unknown_model"]
    assert [entry.model for entry in entries] == ["gone", "here", "here"]
