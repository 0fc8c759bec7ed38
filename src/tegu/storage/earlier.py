"""What an earlier run has come to, for the stages of a run that may use it again.

Called by the stages under the engine's role. Invariant: only what completed is found, over the same input, in the same
organization; a failure, and what was erased, never is.
"""

from uuid import UUID

import asyncpg
from pydantic import JsonValue
from pydantic_core import from_json

from tegu.domain.evidence import EvidenceSpan
from tegu.domain.outcome import Completed, Confidence, ConfidenceMethod, ResultDraft
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.storage.outages import PatientPool
from tegu.storage.statements import statement


class EarlierStore:
    """Implements `stages.reach.Earlier` on the engine's pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = PatientPool(pool)

    async def find(self, task: StageTask, fingerprint: str) -> Completed | None:
        """The stage as the run that the task may reuse has it, with this very fingerprint."""
        if task.reuse_from is None:
            return None
        stage, item = split_name(task.stage.name)
        row = await self._pool.fetchrow(
            statement("find_earlier"),
            task.organization_id,
            task.run_id,
            task.reuse_from,
            stage,
            fingerprint,
            item,
        )
        if row is None:
            return None
        results: list[dict[str, JsonValue]] = from_json(row["results"])
        return Completed(
            output=from_json(row["output"]),
            results=tuple(_draft(result) for result in results),
            model=row["model"],
            fingerprint=fingerprint,
            reused_from=row["reused_from"],
        )


def _draft(result: dict[str, JsonValue]) -> ResultDraft:
    confidence, spans, call_id = result["confidence"], result["evidence"], result["llm_call_id"]
    return ResultDraft(
        type=str(result["type"]),
        data=result["data"],
        key=str(result["key"]),
        confidence=None
        if not isinstance(confidence, int | float)
        else Confidence(float(confidence), ConfidenceMethod(str(result["confidence_method"]))),
        evidence=tuple(EvidenceSpan.from_json(span) for span in spans if isinstance(span, dict))
        if isinstance(spans, list)
        else (),
        llm_call_id=UUID(str(call_id)) if call_id is not None else None,
    )
