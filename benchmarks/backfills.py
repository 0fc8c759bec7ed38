"""The journey of a backfill: many runs, a changed prompt, a preview, a sample, the rest within a budget.

    python -m benchmarks.backfills [--runs 12000] [--quick]

The model is the scripted provider, in this process, which answers by what it reads; the database is an embedded one of its own.
Writes docs/benchmarks/backfill.json, from which docs/backfills.md is made. What is counted is compared with the provider's own ledger.
"""

import argparse
import asyncio
import os
import sys
from dataclasses import asdict
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any
from uuid import UUID

from benchmarks.report import report
from tegu.actions.registry import ACTIONS
from tegu.app import Tegu
from tegu.domain.backfill import Backfill, Step
from tegu.domain.json import JsonObject
from tegu.engine.worker import WorkerOptions
from tegu.llm.credentials import EnvironmentCredentials
from tegu.settings import Settings
from tegu.testing.scripted import Json, ProviderRequest, Reply, ScriptedProvider, Text

LATEST = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "backfill.json"
MODEL = "openai:gpt-5-mini"
SAMPLE = 50
SEED = 2026
_AT_ONCE = 1000
_WORDS = ("order", "parcel", "came", "late", "please", "look", "into", "it", "and", "tell", "us", "why")
_WAIT_S = 3600.0


def document(instructions: str) -> JsonObject:
    """Letters are sorted; those that ask for money back get an answer."""
    labels: JsonObject = {"refund": "wants money back", "other": "anything else"}
    return {
        "tegu": 1,
        "name": "letters",
        "input": "content",
        "stages": {
            "kind": {"uses": "classify", "with": {"labels": labels}},
            "reply": {
                "uses": "prompt",
                "inputs": ["source", "kind"],
                "when": "kind.category == 'refund'",
                "with": {"instructions": instructions, "max_tokens": 200},
            },
        },
    }


def letter(random: Random, number: int) -> str:
    """Of a length as letters have it; three of four ask for money back."""
    length = max(10, round(random.lognormvariate(4.5, 0.7)))
    wish = "We want a refund. " if random.random() < 0.75 else ""
    return f"Letter {number}. {wish}{' '.join(random.choices(_WORDS, k=length))}"


def answer(request: ProviderRequest) -> Reply:
    """As a model would that knows a refund when it reads one; replies differ in length."""
    is_refund = "We want a refund" in request.prompt
    if "Answer" not in request.prompt:
        return Reply(Json({"category": "refund" if is_refund else "other", "confidence": 0.9}))
    said = "Dear customer, we will look into it. " * (1 + int(request.prompt_hash[:2], 16) % 4)
    return Reply(Text(said.upper() if "in capitals" in request.prompt else said))


async def ask(tegu: Tegu, name: str, **said: Any) -> Any:
    """An action, as interfaces ask for it."""
    action = ACTIONS[name]
    return await action(await tegu.scope(), action.input.model_validate(said))


async def waited(tegu: Tegu, backfill_id: UUID) -> tuple[Backfill, float]:
    """Until it has ended, and how long that took."""
    begun = perf_counter()
    while True:
        found: Backfill = await ask(tegu, "backfills.get", backfill_id=backfill_id)
        if found.ended_at is not None:
            return found, perf_counter() - begun
        if perf_counter() - begun > _WAIT_S:
            raise TimeoutError(f"not over: {found.progress}")
        await asyncio.sleep(1)


async def run_all(tegu: Tegu, count: int) -> float:
    """The runs before the prompt is changed, and how long they took."""
    random, begun = Random(SEED), perf_counter()
    for start in range(0, count, _AT_ONCE):
        texts = [letter(random, number) for number in range(start, min(count, start + _AT_ONCE))]
        await tegu.start(document("Answer the letter."), *texts)
        sys.stderr.write(f"{start + len(texts)} letters\n")
    while (await ask(tegu, "runs.list", status="completed", limit=1, sort="created_at")) is not None:
        left = [s for s in ("pending", "running") if (await ask(tegu, "runs.list", status=s, limit=1)).items]
        if not left:
            return perf_counter() - begun
        await asyncio.sleep(1)
    raise AssertionError


async def journey(tegu: Tegu, server: ScriptedProvider, count: int) -> dict[str, Any]:
    """Everything, in order."""
    base_s = await run_all(tegu, count)
    asked = len(server.ledger)
    await tegu.pipeline(document("Answer the letter in capitals."))
    begun = perf_counter()
    plan = await ask(tegu, "backfills.preview", pipeline="letters", is_all=True, seed=SEED)
    preview_s = perf_counter() - begun
    first = await ask(tegu, "backfills.start", pipeline="letters", sample=SAMPLE, seed=SEED)
    _, sample_s = await waited(tegu, first.id)
    rest = await ask(tegu, "backfills.preview", pipeline="letters", is_all=True)
    budget = round(rest.forecast.cost_usd.high * 1.25 + 0.05, 2)
    await ask(tegu, "backfills.start", pipeline="letters", is_all=True, budget_usd=str(budget))
    done, rest_s = await waited(tegu, first.id)
    found = await ask(tegu, "backfills.report", backfill_id=first.id)
    assert done.progress is not None
    return {
        "runs": count,
        "results": plan.results,
        "whole": total(plan.forecast.calls, plan.forecast.cost_usd),
        "steps": [step_json(each) for each in done.steps],
        "calls": done.progress.calls,
        "calls_at_provider": len(server.ledger) - asked,
        "cost_usd": str(done.progress.cost_usd),
        "statuses": dict(done.progress.runs),
        "stages": [asdict(each) for each in found.stages],
        "budget_usd": budget,
        "seconds": {
            "base_runs": round(base_s, 1),
            "preview": round(preview_s, 2),
            "sample": round(sample_s, 1),
            "rest": round(rest_s, 1),
        },
        "load": round(os.getloadavg()[0], 1),
    }


def total(calls: Any, cost: Any) -> dict[str, Any]:
    """Of a forecast."""
    return {"calls": asdict(calls), "cost_usd": asdict(cost)}


def step_json(step: Step) -> dict[str, Any]:
    """What was said, and what came."""
    return {
        "runs": step.upto - step.after,
        "forecast": total(step.calls_forecast, step.cost_usd_forecast),
        "calls": step.calls,
        "cost_usd": str(step.cost_usd),
    }


async def measure(count: int) -> dict[str, Any]:
    """On a database of its own."""
    with TemporaryDirectory() as folder:
        async with ScriptedProvider(answer) as server:
            keys = {"OPENAI_API_KEY": "sk-of-a-benchmark", "OPENAI_BASE_URL": server.base_url("openai")}
            settings = Settings(home=Path(folder), model=MODEL)
            async with Tegu(settings=settings, credentials=EnvironmentCredentials(keys)) as tegu:
                worker = await tegu.worker(options=WorkerOptions(concurrency=100))
                working = asyncio.create_task(worker.run())
                try:
                    return await journey(tegu, server, count)
                finally:
                    worker.stop()
                    await working


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=12_000)
    parser.add_argument("--quick", action="store_true", help="200 runs; writes nothing")
    options = parser.parse_args()
    found = asyncio.run(measure(200 if options.quick else options.runs))
    about = {"value": found["calls"], "unit": "", "n": found["runs"], "about": "calls of the backfill"}
    report({"backfill": {**about, **found}}, LATEST, quick=options.quick)


if __name__ == "__main__":
    main()
