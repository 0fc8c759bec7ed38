"""Forecasts from the ledger: near what comes, unknown below their minimum, and honest about what they are made from."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from action_lab import ask
from one_question import MODEL
from replies_by_text import DOCUMENT, answering, letters

from tegu.actions.scope import Scope
from tegu.app import Tegu
from tegu.domain.errors import NotFoundError, UsageError
from tegu.domain.forecast import Basis
from tegu.domain.ids import new_id
from tegu.domain.json import JsonObject
from tegu.llm.catalog import worst_cost_usd
from tegu.llm.protocol import ModelRef

Open = Callable[..., Any]


async def ran(tegu: Tegu, document: JsonObject, texts: list[str]) -> tuple[int, Decimal]:
    """Calls and cost of runs over these texts."""
    run_ids = await tegu.start(document, *texts)
    await tegu.drive(run_ids, timeout_s=120)
    totals = [(await tegu.get_run(run_id)).totals for run_id in run_ids]
    return sum(each.calls for each in totals), sum((each.cost_usd for each in totals), Decimal(0))


async def stored(tegu: Tegu, texts: list[str]) -> list[Any]:
    return [(await tegu.ingest(text)).content.id for text in texts]


async def scope_of(tegu: Tegu) -> Scope:
    return await tegu.scope()


async def test_what_comes_is_what_was_forecast(opened: Open) -> None:
    random = Random(1)
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, DOCUMENT, letters(random, 40))
        coming = letters(random, 30, words=(200, 900))
        ids = await stored(tegu, coming)
        said = await ask(await scope_of(tegu), "pipelines.forecast", pipeline="letters", content_ids=ids)
        assert said.runs == 30
        assert [each.basis for each in said.stages] == [Basis.SAME, Basis.SAME]
        assert said.stages[1].share == pytest.approx(0.5, abs=0.2)
        calls, cost = await ran(tegu, DOCUMENT, coming)
        assert said.calls.low <= calls <= said.calls.high
        assert said.cost_usd.low <= float(cost) <= said.cost_usd.high
        assert said.cost_usd.mean == pytest.approx(float(cost), rel=0.2)
        assert said.run_cost_usd.p50 <= said.run_cost_usd.p90
        again = await ask(await scope_of(tegu), "pipelines.forecast", pipeline="letters", content_ids=ids)
        assert again.runs == said.runs


async def test_below_its_minimum_a_stage_is_unknown_and_never_a_number(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, DOCUMENT, letters(Random(2), 9))
        said = await ask(await scope_of(tegu), "pipelines.forecast", pipeline="letters", where={})
        assert said.runs == 9
        assert (said.calls, said.cost_usd, said.run_cost_usd, said.input_tokens) == (None,) * 4
        assert [(each.basis, each.samples, each.cost_usd) for each in said.stages] == [
            (Basis.UNKNOWN, 9, None)
        ] * 2
        assert said.unknown[0] == "kind: 9 earlier runs so far, and an estimate needs 10"


async def test_what_costs_nothing_is_known_to_before_anything_ran(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        await ask(await scope_of(tegu), "pipelines.create", document=DOCUMENT)
        await stored(tegu, letters(Random(5), 2))
        for model, cost_usd in (("rules", 0.0), ("demo:canned-answers", 0.0), (MODEL, None)):
            said = await ask(
                await scope_of(tegu), "pipelines.forecast", pipeline="letters", where={}, model=model
            )
            assert said.calls is None  # how often they ask is told by earlier runs alone
            assert [total and total.p90 for total in (said.cost_usd, said.run_cost_usd)] == [cost_usd] * 2
            assert said.no_model == ()


async def test_stages_for_which_no_model_is_configured_are_told_before_they_fail(opened: Open) -> None:
    async with answering() as server, opened(server, model=None) as tegu:
        await ask(await scope_of(tegu), "pipelines.create", document=DOCUMENT)
        ids = await stored(tegu, ["A letter."])
        asked: JsonObject = {"pipeline": "letters", "content_ids": ids}
        said = await ask(await scope_of(tegu), "pipelines.forecast", **asked)
        assert said.no_model == ("kind", "reply")
        assert (await ask(await scope_of(tegu), "pipelines.forecast", **asked, model="rules")).no_model == ()
        await ask(await scope_of(tegu), "models.use", model=MODEL)
        assert (await ask(await scope_of(tegu), "pipelines.forecast", **asked)).no_model == ()


async def test_a_stage_that_changed_is_told_from_what_it_was_and_says_so(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, DOCUMENT, letters(Random(3), 12))
        stages: Any = DOCUMENT["stages"]
        changed: JsonObject = {
            **DOCUMENT,
            "stages": {
                **stages,
                "reply": {**stages["reply"], "with": {"instructions": "Answer shortly."}},
            },
        }
        await tegu.pipeline(changed)
        said = await ask(await scope_of(tegu), "pipelines.forecast", pipeline="letters", where={})
        assert said.version == 2
        assert [each.basis for each in said.stages] == [Basis.SAME, Basis.NEAREST]
        assert (said.stages[1].differs, said.stages[1].versions) == (("instructions",), (1,))
        assert said.cost_usd is not None


async def test_another_model_is_priced_by_the_table(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        await ran(tegu, DOCUMENT, letters(Random(4), 15))
        scope = await scope_of(tegu)
        now = await ask(scope, "pipelines.forecast", pipeline="letters", where={})
        dear = await ask(scope, "pipelines.forecast", pipeline="letters", where={}, model="openai:gpt-5")
        prices = [
            worst_cost_usd(ModelRef.parse(name), input_tokens=10**6, output_tokens=0)
            for name in (MODEL, "openai:gpt-5")
        ]
        assert prices[0]
        assert prices[1]
        assert dear.cost_usd.mean / now.cost_usd.mean == pytest.approx(float(prices[1] / prices[0]), rel=0.05)
        assert dear.calls.mean == now.calls.mean
        assert dear.stages[0].differs == ("model",)
        free = await ask(scope, "pipelines.forecast", pipeline="letters", where={}, model="rules")
        assert free.cost_usd.mean == 0
        nobody = await ask(
            scope, "pipelines.forecast", pipeline="letters", where={}, model="ollama:nobody-knows"
        )
        assert nobody.calls is not None
        assert nobody.cost_usd is None
        assert "no price of ollama:nobody-knows" in nobody.unknown[0]


async def test_runs_by_the_rules_tell_nothing_of_what_a_model_would_cost(opened: Open) -> None:
    async with answering() as server, opened(server, model="rules") as tegu:
        await ran(tegu, DOCUMENT, letters(Random(5), 12))
        scope = await scope_of(tegu)
        assert (await ask(scope, "pipelines.forecast", pipeline="letters", where={})).cost_usd.mean == 0
        said = await ask(scope, "pipelines.forecast", pipeline="letters", where={}, model=MODEL)
        assert said.cost_usd is None


async def test_which_contents_are_meant_is_said_by_ids_or_by_a_filter(opened: Open) -> None:
    async with answering() as server, opened(server) as tegu:
        await tegu.pipeline(DOCUMENT)
        scope = await scope_of(tegu)
        await tegu.ingest("One.", metadata={"customer": "acme"})
        await tegu.ingest("Two.", metadata={"customer": "other"})

        async def runs(**where: Any) -> int:
            return (await ask(scope, "pipelines.forecast", pipeline="letters", where=where)).runs

        assert await runs() == 2
        assert await runs(metadata={"customer": "acme"}) == 1
        assert await runs(source_type="email") == 0
        assert await runs(until="2020-01-01T00:00:00Z") == 0
        with pytest.raises(UsageError, match="nothing to run over"):
            await ask(scope, "pipelines.forecast", pipeline="letters")
        with pytest.raises(NotFoundError, match="no content"):
            await ask(scope, "pipelines.forecast", pipeline="letters", content_ids=[new_id()])
