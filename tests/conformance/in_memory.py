"""A case, run in memory: the real plan, driver and kinds, without a database."""

import asyncio
from typing import Any

from conformance.answers import Answers, asked_in
from conformance.case import Case
from conformance.seen import Seen
from conformance.tasks import FUNCTIONS
from tegu.llm.protocol import ModelRequest
from tegu.testing import run
from tegu.testing.checkpointed import MemoryRun

ENDS_WITHIN_S = 20.0


async def seen_in_memory(case: Case) -> Seen:
    """Run it; what was seen."""
    answers = Answers(case)

    async def answer(request: ModelRequest) -> Any:
        asked = asked_in(request.instructions)
        return await answers.answer(asked.task, str(request.parts))

    documents = case.documents()
    async with asyncio.timeout(ENDS_WITHIN_S):
        found = await run(
            documents[-1],
            case.source,
            replies=dict.fromkeys(case.tasks(), answer),
            stages=FUNCTIONS,
            pipelines=documents[:-1],
        )
    return _seen(found, answers)


def _seen(found: MemoryRun, answers: Answers) -> Seen:
    return Seen(
        status=found.status.value,
        statuses={each.stage: each.status.value for each in found.stages},
        outputs={each.stage: each.output for each in found.stages},
        times={each.stage: (each.started_at, each.ended_at) for each in found.stages},
        error=found.error.to_json() if found.error else None,
        errors={each.stage: each.error.message for each in found.stages if each.error is not None},
        answers=answers,
    )
