"""Cases, run by worker processes over real HTTP: some of them at once, on one database.

The server that stands for every model asks the `Answers` of the case whose task is asked for, so that what is held, never
answered or answered differently in each iteration is so whichever process asks, and however often.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from conformance.answers import Answers, asked_in
from conformance.case import Case
from conformance.seen import Seen
from tegu.actions.runs import StartOptions
from tegu.actions.signals import SignalOptions, send
from tegu.app import Tegu
from tegu.domain.json import JsonObject
from tegu.domain.run import Run
from tegu.testing.canned import with_quotes
from tegu.testing.scripted import Failed, Json, ProviderRequest, Reply, Text

MODEL = "openai:gpt-5-mini"
ENDS_WITHIN_S = 90.0


@dataclass
class Models:
    """A reply function of the scripted provider."""

    answers: dict[str, Answers] = field(default_factory=dict[str, Answers])

    async def __call__(self, request: ProviderRequest) -> Reply:
        asked = asked_in(request.prompt)
        said = await self.answers[asked.case].answer(asked.task, request.prompt)
        if isinstance(said, int):
            return Reply(Failed(said))
        if isinstance(said, str) and request.asked.schema is None:
            return Reply(Text(said))
        return Reply(Json(with_quotes(said, {}) if _is_wrapped(request.asked.schema) else said))


def _is_wrapped(schema: JsonObject | None) -> bool:
    properties = (schema or {}).get("properties")
    return isinstance(properties, dict) and properties.keys() == {"output", "evidence"}


async def seen_by_workers(
    tegu: Tegu, models: Models, cases: Sequence[Case], service: str, *, at_once: int
) -> dict[str, Seen]:
    """Run them, so many at once; what was seen of each. `service` is the address of the store of pets."""
    models.answers.update({case.name: Answers(case) for case in cases})
    turns, seen = asyncio.Semaphore(at_once), dict[str, Seen]()

    async def see(case: Case) -> None:
        async with turns:
            seen[case.name] = await _run(tegu, case, models.answers[case.name], service)

    async with asyncio.TaskGroup() as running:
        for case in cases:
            running.create_task(see(case))
    return seen


async def _run(tegu: Tegu, case: Case, answers: Answers, service: str) -> Seen:
    """Publish and start it, send the signals when they are due, wait until it has ended."""
    *nested, document = case.documents(service)
    for each in nested:
        await tegu.pipeline(each)
    (run_id,) = await tegu.start(document, case.source, options=StartOptions(model=MODEL))
    signalling = asyncio.create_task(_signal(tegu, run_id, answers))
    try:
        with suppress(TimeoutError):  # then its status says so
            await tegu.wait([run_id], timeout_s=ENDS_WITHIN_S)
    finally:
        signalling.cancel()
    return _seen(await tegu.get_run(run_id), answers)


async def _signal(tegu: Tegu, run_id: UUID, answers: Answers) -> None:
    for signal in answers.case.signals:
        await answers.until_asked(signal.get("after", []))
        is_kept, is_heard = signal.get("keep", True), signal.get("heard", True)
        options = SignalOptions(is_kept=is_kept)
        while await send(await tegu.scope(), run_id, signal["name"], signal.get("data"), options) != is_heard:
            assert is_heard, f"{signal['name']} was heard, and nobody waited for it"
            await asyncio.sleep(0.05)  # the stage that waits for it has not begun
        await answers.note_sent(signal["name"])


def _seen(run: Run, answers: Answers) -> Seen:
    stages: Iterable[Any] = run.stages
    return Seen(
        status=run.status.value,
        statuses={each.stage: each.status.value for each in stages},
        outputs={each.stage: each.output for each in run.stages},
        times={each.stage: (each.started_at, each.ended_at) for each in run.stages},
        error=run.error.to_json() if run.error else None,
        errors={each.stage: each.error.message for each in run.stages if each.error is not None},
        answers=answers,
    )
