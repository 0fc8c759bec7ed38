"""Measure what telling costs: figures, log fields and spans of a stage, an attempt to call a model, and a look at the installation.

    python -m benchmarks.observing [--quick]

CPU of this process, the fastest of several rounds: with the spans off (no tracer provider), and on (an SDK that drops what it
is given). The look is taken at a database with as many ended, due and owned runs as said. Writes
docs/benchmarks/observing.json; with `--quick` nothing.
"""

import argparse
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import asyncpg
import uvloop
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_tracer_provider
from prometheus_client import Histogram

from benchmarks.report import report
from tegu.domain.call import Usage
from tegu.domain.content import InputKind
from tegu.domain.ids import new_id
from tegu.domain.outcome import Completed, StageOutcome
from tegu.engine.attempt import attempt
from tegu.engine.observed import ObservedRun
from tegu.llm.observed import count_reply, observed
from tegu.llm.protocol import Credential, ModelRef, ModelReply, ModelRequest
from tegu.pipeline.definition import PipelineDefinition, StageDefinition
from tegu.pipeline.task import StageTask
from tegu.storage import embedded
from tegu.storage.claims import ClaimedRun
from tegu.storage.database import ENGINE_ROLE, DatabaseAddress, connect
from tegu.storage.installation import look
from tegu.storage.migrate import migrate
from tegu.telemetry.measured import STAGES

LATEST = Path(__file__).resolve().parents[1] / "docs" / "benchmarks" / "observing.json"
_RUNS = """
    insert into tegu.runs (organization_id, id, pipeline_id, version_id, content_id, status, due_at, ended_at, owner)
    select o, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $2::text,
        case when $2 = 'pending' then now() end, case when $2 = 'completed' then now() end,
        case when $2 = 'running' then gen_random_uuid() end
    from (select gen_random_uuid() o from generate_series(1, 50)) orgs, generate_series(1, $1::int / 50)"""


async def cpu_us(once: Callable[[], Awaitable[Any]], count: int, rounds: int) -> float:
    """Of one, the fastest round."""
    found: list[float] = []
    for _ in range(rounds):
        began = process_time()
        for _ in range(count):
            await once()
        found.append((process_time() - began) / count * 1e6)
    return min(found)


def a_task() -> tuple[ObservedRun, StageTask]:
    """A run of one stage."""
    stage = StageDefinition("say", "prompt")
    definition = PipelineDefinition("bench", InputKind.CONTENT, (stage,))
    now = datetime.now(UTC)
    run = ClaimedRun(
        organization_id=new_id(), id=new_id(), epoch=1, rev=0, inbox=0, version_id=new_id(), content_id=new_id(),
        thread_id=None, model=None, cancel_requested=False, created_at=now,
    )  # fmt: skip
    task = StageTask(
        run.organization_id, run.id, definition, stage, {}, run.content_id, None, None, 1, 0, now
    )
    return ObservedRun(run, definition, new_id()), task


async def telling(count: int, rounds: int) -> dict[str, float]:
    """CPU of what is told of one stage and of one attempt to call a model."""
    run, task = a_task()
    request = ModelRequest(ModelRef("openai", "gpt-5-mini"), "Say it.")
    reply = ModelReply("x", "stop", Usage(10, 0, 10, 0, {}), None)

    async def perform(task: StageTask) -> StageOutcome:
        del task
        return Completed(None)

    async def answered() -> ModelReply:
        return reply

    async def call() -> None:
        count_reply(request, await observed(request, Credential(), answered, number=1))

    bare = await cpu_us(lambda: attempt(perform, task), count, rounds)
    stage = await cpu_us(lambda: run.attempt(perform, task), count, rounds)
    bare_call = await cpu_us(answered, count, rounds)
    return {"stage": stage - bare, "call": await cpu_us(call, count, rounds) - bare_call}


async def histograms(count: int, rounds: int) -> dict[str, float]:
    """One value of a histogram with two labels: ours, and that of prometheus_client."""
    theirs = Histogram("bench_seconds", "x", ["kind", "outcome"], buckets=STAGES.bounds)

    async def nothing() -> None:
        pass

    async def one() -> None:
        STAGES.observe(0.7, "prompt", "completed")

    async def other() -> None:
        theirs.labels("prompt", "completed").observe(0.7)

    bare = await cpu_us(nothing, count, rounds)
    return {
        "ours": await cpu_us(one, count, rounds) - bare,
        "theirs": await cpu_us(other, count, rounds) - bare,
    }


async def looks(folder: Path, *, quick: bool) -> dict[str, tuple[float, str]]:
    """Milliseconds of a look, at growing tables; wall clock, the middle of several."""
    address = DatabaseAddress(await embedded.start(folder), is_embedded=True)
    await migrate(address)
    owner, engine = await asyncpg.connect(address.owner), await connect(address, ENGINE_ROLE)
    found: dict[str, tuple[float, str]] = {}
    part = 20 if quick else 1
    steps = (
        ("empty", "completed", 0),
        ("ended", "completed", 200_000 // part),
        ("owned", "running", 2_000 // part),
        ("due", "pending", 10_000 // part),
        ("due_many", "pending", 90_000 // part),
    )
    try:
        about: list[str] = []
        for name, status, count in steps:
            if count:
                about.append(f"{count} {status}")
                await owner.execute(_RUNS, count, status)
                await owner.execute("vacuum analyze tegu.runs")
            took: list[float] = []
            for _ in range(9):
                began = perf_counter()
                await look(engine)
                took.append((perf_counter() - began) * 1000)
            found[name] = sorted(took)[4], ", then ".join(about) or "no runs"
    finally:
        await owner.close()
        await engine.close()
    return found


async def measure(folder: Path, *, quick: bool) -> dict[str, dict[str, Any]]:
    """All figures, by name."""
    count, rounds = (2_000, 3) if quick else (20_000, 9)
    figures: dict[str, dict[str, Any]] = {}

    def note(name: str, value: float, unit: str, n: int, about: str) -> None:
        figures[name] = {"value": round(value, 2), "unit": unit, "n": n, "about": about}

    off = await telling(count, rounds)
    by = await histograms(count, rounds)
    set_tracer_provider(TracerProvider())
    on = await telling(count // 4, rounds)
    note(
        "stage_untraced_us",
        off["stage"],
        "us",
        count,
        "figures and log fields of a stage, no tracer provider",
    )
    note("stage_traced_us", on["stage"], "us", count // 4, "the same with a span that nobody takes")
    note(
        "call_untraced_us",
        off["call"],
        "us",
        count,
        "figures of an attempt to call a model, no tracer provider",
    )
    note("call_traced_us", on["call"], "us", count // 4, "the same with a span that nobody takes")
    note("histogram_us", by["ours"], "us", count, "one value, two labels")
    note(
        "histogram_prometheus_client_us",
        by["theirs"],
        "us",
        count,
        "the same by prometheus_client, labels looked up",
    )
    for name, (value, about) in (await looks(folder, quick=quick)).items():
        note(f"look_{name}_ms", value, "ms", 9, about)
    return figures


async def main(*, quick: bool) -> None:
    """Measure, print, write."""
    with tempfile.TemporaryDirectory(prefix="tegu-bench-", ignore_cleanup_errors=True) as folder:
        figures = await measure(Path(folder), quick=quick)
    report(figures, LATEST, quick=quick)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    uvloop.run(main(quick=parser.parse_args().quick))
