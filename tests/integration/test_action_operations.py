"""Actions that govern runs and the installation: budgets, schedules, pauses, models, costs, and what operators may."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from action_lab import ask, everything, keyed, pipeline

from tegu.app import Tegu
from tegu.domain.actor import Role
from tegu.domain.errors import ConfigurationError, ForbiddenError, NotFoundError, UsageError
from tegu.domain.ids import new_id
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.storage.database import DatabaseAddress


@pytest.fixture
async def tegu(address: DatabaseAddress, tmp_path: Path) -> AsyncGenerator[Tegu]:
    settings = Settings(home=tmp_path, database_url=address.owner, model="rules")
    async with Tegu(settings=settings, credentials=EnvironmentCredentials({})) as opened:
        yield opened


async def test_budgets_are_set_listed_page_by_page_and_removed(tegu: Tegu) -> None:
    scope = await tegu.scope()
    for name in ("a", "b"):
        await tegu.pipeline(pipeline(name))
    (run_id,) = await tegu.start(pipeline("a"), "A note.")
    places: list[dict[str, Any]] = [
        {"period": "day"},
        {"period": "month"},
        {"period": "day", "pipeline": "a"},
        {"period": "day", "pipeline": "b"},
        {"period": "run", "run_id": run_id},
    ]
    for place in places:
        changed = await ask(scope, "budgets.set", limit_usd="1.50", **place)
        assert changed.place.period == place["period"]
    found = await everything(scope, "budgets.list")
    shown = [(b.place.period, b.place.pipeline, b.place.run_id) for b in found]
    assert shown == [(p["period"], p.get("pipeline"), p.get("run_id")) for p in places]
    assert {b.left_usd for b in found} == {Decimal("1.50")}
    key = keyed(scope, "a")
    assert {b.place.pipeline for b in await everything(key, "budgets.list")} == {"a", None}
    assert all(b.place.pipeline or b.place.run_id for b in await everything(key, "budgets.list"))
    for place in (places[0], places[3]):
        with pytest.raises((ForbiddenError, NotFoundError)):
            await ask(key, "budgets.set", limit_usd=2, **place)
    await ask(scope, "budgets.remove", period="day")
    assert len(await everything(scope, "budgets.list")) == 4
    with pytest.raises(NotFoundError):
        await ask(scope, "budgets.remove", period="day")
    with pytest.raises(ValueError, match="run_id"):
        await ask(scope, "budgets.set", period="run", limit_usd=1)


async def test_a_key_for_some_pipelines_sets_no_budget_of_anothers_run(tegu: Tegu) -> None:
    (run_id,) = await tegu.start(pipeline("a"), "A note.")
    scope = await tegu.scope()
    with pytest.raises(UsageError):
        await ask(keyed(scope, "b"), "budgets.set", period="run", run_id=run_id, limit_usd=1)
    await ask(keyed(scope, "a"), "budgets.set", period="run", run_id=run_id, limit_usd=1)


async def test_schedules_are_found_by_name_and_by_id(tegu: Tegu) -> None:
    scope = await tegu.scope()
    content = (await tegu.ingest("A note.")).content
    for name in ("a", "b"):
        await tegu.pipeline(pipeline(name))
        for number in (1, 2):
            made = await ask(
                scope,
                "schedules.create",
                name=f"{name} {number}",
                pipeline=name,
                cron="30 8 * * MON",
                zone="Europe/Berlin",
                content_ids=[content.id],
                priority="high",
            )
            assert made.spec.priority == 3
    assert [s.name for s in await everything(scope, "schedules.list")] == ["a 1", "a 2", "b 1", "b 2"]
    assert [s.name for s in await everything(scope, "schedules.list", pipeline="b")] == ["b 1", "b 2"]
    by_id = await ask(scope, "schedules.get", schedule=str(made.id))
    assert by_id == await ask(scope, "schedules.get", schedule="b 2")
    paused = await ask(scope, "schedules.pause", schedule=str(made.id))
    assert (paused.name, paused.next_at) == ("b 2", None)
    assert [s.name for s in await everything(scope, "schedules.list", is_paused=True)] == ["b 2"]
    assert (await ask(scope, "schedules.resume", schedule="b 2")).next_at > datetime.now(tz=UTC)
    key = keyed(scope, "a")
    assert [s.name for s in await everything(key, "schedules.list")] == ["a 1", "a 2"]
    for name in ("schedules.get", "schedules.pause", "schedules.resume", "schedules.remove"):
        with pytest.raises(NotFoundError):
            await ask(key, name, schedule="b 2")
    assert (await ask(scope, "schedules.remove", schedule="b 2")).name == "b 2"
    with pytest.raises(NotFoundError):
        await ask(scope, "schedules.get", schedule=str(made.id))


async def test_pauses_hold_back_and_let_go_and_a_key_for_some_pipelines_pauses_no_others(tegu: Tegu) -> None:
    scope = keyed(await tegu.scope(), is_operator=True)
    for name in ("a", "b"):
        await tegu.pipeline(pipeline(name))
    await ask(scope, "pauses.create", pipeline="b", reason="the supplier's server is down")
    await ask(scope, "pauses.create", pipeline="a")
    await ask(scope, "pauses.create")
    await ask(scope, "installation.pause", reason="moving")
    found = await everything(scope, "pauses.list")
    assert [(p.is_everybodys, p.pipeline) for p in found] == [
        (True, None),
        (False, None),
        (False, "a"),
        (False, "b"),
    ]
    key = keyed(scope, "a")
    assert [p.pipeline for p in await everything(key, "pauses.list")] == [None, None, "a"]
    with pytest.raises(NotFoundError):
        await ask(key, "pauses.remove", pipeline="b")
    with pytest.raises(ForbiddenError):
        await ask(key, "pauses.remove")
    await ask(key, "pauses.remove", pipeline="a")
    await ask(scope, "installation.resume")
    with pytest.raises(NotFoundError):
        await ask(scope, "installation.resume")
    assert [p.pipeline for p in await everything(scope, "pauses.list")] == [None, "b"]


async def test_only_operators_see_and_govern_the_installation_and_the_audit_log_has_it(tegu: Tegu) -> None:
    owner = keyed(await tegu.scope())
    operator = keyed(await tegu.scope(), role=Role.VIEWER, is_operator=True)
    asked: dict[str, dict[str, Any]] = {
        "installation.get": {},
        "installation.check": {},
        "installation.prune": {"runs_days": 30},
        "installation.pause": {"reason": "moving"},
        "installation.resume": {},
        "workers.list": {},
        "limits.list": {},
        "concurrency.set": {"runs_max": 3},
    }
    for name, said in asked.items():
        with pytest.raises(ForbiddenError, match="operators"):
            await ask(owner, name, **said)
        await ask(operator, name, **said)
    assert (await ask(owner, "concurrency.get")).runs_max == 3
    assert all(check.detail for check in (await ask(operator, "installation.check")).checks)
    noted = {(event.actor_id, event.action) for event in await everything(owner, "audit.list")}
    writes = ("installation.prune", "installation.pause", "installation.resume", "concurrency.set")
    assert noted == {(operator.actor.id, name) for name in writes}


async def test_models_are_listed_chosen_tried_and_asked(tegu: Tegu) -> None:
    scope = keyed(await tegu.scope())
    listing = await ask(scope, "models.list")
    assert [str(model.ref) for model in listing.models] == ["rules"]
    with pytest.raises(ConfigurationError):
        await ask(scope, "models.use", model="nobody:nothing")
    assert (await ask(scope, "models.use", model="rules")).model == "rules"
    assert (await ask(scope, "models.list")).organization_model == "rules"
    tried = await ask(scope, "models.try", models=["rules"])
    assert [trial.is_ok for trial in tried.trials] == [True]
    answer = await ask(scope, "llm.ask", instructions="Two sentences.", texts=["A note about a refund."])
    assert answer.is_rule_based
    call = await ask(scope, "calls.get", call_id=answer.call_id)
    assert (call.call.run_id, call.call.provider) == (None, "rules")
    with pytest.raises(ForbiddenError):
        await ask(keyed(scope, role=Role.VIEWER), "llm.ask", instructions="Write.")


async def test_costs_are_added_up_with_retries_savings_and_what_is_not_known(
    tegu: Tegu, address: DatabaseAddress
) -> None:
    now = datetime.now(tz=UTC)
    ids = {name: (await tegu.start(pipeline(name), "A note."))[0] for name in ("a", "b")}
    scope = await tegu.scope()
    first = new_id()
    rows: list[tuple[Any, ...]] = [
        # id, run, model, answered_by, attempt, cost, metadata, created_at
        (first, ids["a"], "m", "provider", 1, "0.30", "{}", now),
        (new_id(), ids["a"], "m", "provider", 2, "0.10", "{}", now),
        (new_id(), ids["a"], "m", "journal", 1, None, f'{{"replayed_call_id": "{first}"}}', now),
        (new_id(), ids["b"], "n", "provider", 1, None, "{}", now),
        (new_id(), None, "n", "provider", 1, "0.05", "{}", now),
        (new_id(), ids["a"], "m", "provider", 1, "9.00", "{}", now - timedelta(days=40)),
    ]
    connection = await asyncpg.connect(address.owner)
    try:
        for row in rows:
            await connection.execute(
                """insert into tegu.llm_calls (organization_id, id, run_id, stage, item, provider, model, status, answered_by,
                    ordinal, attempt, request_hash, input_tokens, output_tokens, cost_usd, metadata, created_at)
                values ($9, $1, $2, case when $2::uuid is null then null else 'summary' end, '', 'openai', $3, 'completed', $4,
                    1, $5, 'h', 10, 5, $6::text::numeric, $7::jsonb, $8)""",
                *row,
                scope.organization_id,
            )
    finally:
        await connection.close()
    found = await ask(scope, "costs.summary", by="model")
    total = found.total
    assert (total.calls, total.cost_usd, total.unknown_costs) == (4, Decimal("0.45"), 1)
    assert (total.retries, total.retry_cost_usd, total.replays, total.saved_usd) == (
        1, Decimal("0.1"), 1, Decimal("0.3"),
    )  # fmt: skip
    assert total.runs == 2
    assert [(g.key, g.sum.cost_usd) for g in found.groups] == [
        ("openai:m", Decimal("0.4")),
        ("openai:n", Decimal("0.05")),
    ]
    assert found.groups[0].sum.retry_share == pytest.approx(0.25)
    by_stage = await ask(scope, "costs.summary", by="stage")
    assert {g.key: g.sum.calls for g in by_stage.groups} == {"a.summary": 2, "b.summary": 1, None: 1}
    by_day = await ask(scope, "costs.summary", since=now - timedelta(days=60), until=now + timedelta(hours=1))
    assert [g.sum.cost_usd for g in by_day.groups] == [Decimal(9), Decimal("0.45")]
    mine = await ask(keyed(scope, "a"), "costs.summary", by="pipeline")
    assert [(g.key, g.sum.cost_usd) for g in mine.groups] == [("a", Decimal("0.4"))]
    assert mine.total.calls == 2
    with pytest.raises(UsageError, match="no time"):
        await ask(scope, "costs.summary", since=now, until=now - timedelta(days=1))
