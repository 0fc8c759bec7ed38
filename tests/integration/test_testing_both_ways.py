"""The same pipeline in memory and on the real engine: what a test learns from one holds for the other."""

import pytest

from refund_pipeline import MAILS, REPLIES, email_analysis, refund_request
from tegu import ProviderError, Run, RunEvent, Tegu, testing
from tegu.testing.model_server import ModelServer
from tegu.testing.scripted import Failed

MAIL = f"""\
From: Maria Lopez <maria@customer.example>
To: support@shop.example
Subject: Refund for order A-1001
Date: Mon, 2 Mar 2026 08:15:00 +0000
Message-ID: <one@customer.example>

{MAILS}
""".encode()
ASKED = {
    "extract": "People and amounts.",
    "classify": "wants to buy",
    "summarize": "Two sentences and the next step.",
    "refund": "The refund asked for.",
}


@pytest.fixture
def tegu_stages() -> tuple[object, ...]:
    return (refund_request,)


async def both(tegu: Tegu, models: ModelServer, replies: dict[str, object]) -> tuple[Run, testing.MemoryRun]:
    """The run of the real engine, and the one in memory."""
    for stage, text in ASKED.items():
        reply = replies[stage]
        is_error = isinstance(reply, Exception)
        models.when(text, reply=Failed(401) if is_error else reply)
    pipeline = email_analysis()
    real = await tegu.run(pipeline, MAIL)
    return real, await testing.run(pipeline, MAIL, replies=replies)


def told(run: Run) -> dict[str, object]:
    """What must be the same on both."""
    return {
        "status": run.status.value,
        "pipeline": run.pipeline,
        "input_name": run.input_name,
        "stages": [[s.stage, s.status.value, s.attempt, s.output] for s in run.stages],
        "results": [
            [r.stage, r.type, r.key, r.data, [(s.path, s.status.value, s.start, s.end) for s in r.evidence]]
            for r in run.results
        ],
        "outputs": run.stage_outputs,
        "calls": run.totals.calls,
        "error": [run.error.code, run.error.stage] if run.error else None,
    }


async def kinds(tegu: Tegu, run: Run) -> list[tuple[str, str | None]]:
    """The events of the real run, sorted within what may happen at once."""
    return ordered([event async for event in tegu.follow([run.id])])


def ordered(events: list[RunEvent]) -> list[tuple[str, str | None]]:
    return sorted((event.kind, event.stage) for event in events)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"extract": testing.quoted(REPLIES["extract"], {"/people/0": "Maria", "/amounts/0": "nowhere"})},
        {"classify": {"category": "sales", "confidence": 0.9}},
        {"classify": {"category": "support", "confidence": 0.2}},
        {"refund": [{"order": "A-1001"}, REPLIES["refund"]]},
    ],
    ids=["all stages", "quotes", "skipped by category", "skipped by confidence", "asked again"],
)
async def test_a_run_in_memory_ends_as_it_does_on_the_real_engine(
    tegu: Tegu, tegu_models: ModelServer, changed: dict[str, object]
) -> None:
    real, memory = await both(tegu, tegu_models, REPLIES | changed)
    assert told(memory) == told(real)
    assert ordered(list(memory.events)) == await kinds(tegu, real)
    assert [event.seq for event in memory.events] == list(range(1, len(memory.events) + 1))
    assert len(memory.calls) == len(await tegu.list_calls(run_id=real.id))


async def test_a_run_that_fails_in_memory_fails_so_on_the_real_engine(
    tegu: Tegu, tegu_models: ModelServer
) -> None:
    wrong_key = ProviderError("wrong key", code="authentication", transient=False)
    real, memory = await both(tegu, tegu_models, REPLIES | {"refund": wrong_key})
    assert told(memory) == told(real)
    assert memory.error is not None
    assert memory.error.code == "authentication"
    assert ordered(list(memory.events)) == await kinds(tegu, real)
