"""Reviews as the stages that wait for them open and read them, and as workers look after them.

Called by the stages and by a chore of the engine's, under tegu_engine. Invariant: a try of a stage has one review, however often
it is asked for.
"""

from uuid import UUID

import asyncpg
from pydantic_core import from_json

from tegu.domain.errors import StageError
from tegu.domain.ids import new_id
from tegu.domain.json import storable_json, storable_text
from tegu.domain.review import ReviewAnswer, ReviewQuestion, ReviewStatus
from tegu.pipeline.slices import split_name
from tegu.pipeline.task import StageTask
from tegu.storage.outages import PatientPool
from tegu.storage.statements import statement

WITHDRAWN_MAX = 500


class ReviewStore:
    """Implements `stages.reach.Reviews` on the engine's pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = PatientPool(pool)

    async def ask(self, task: StageTask, question: ReviewQuestion) -> ReviewAnswer:
        """How the review of this try stands; it is opened where there is none. Raises StageError where the run is not ours."""
        found = await self._find(task)
        if found is None:
            await self._open(task, question)
            found = await self._find(task)
        if found is None:
            raise StageError("the run has ended, or another worker has it", code="lost", transient=True)
        return found

    async def expire(self, task: StageTask, review_id: UUID) -> ReviewAnswer:
        """Close a review whose time is over. Returns how it stands: somebody may have decided at the last moment."""
        await self._pool.execute(statement("expire_review"), task.organization_id, review_id)
        found = await self._find(task)
        assert found is not None
        return found

    async def withdraw(self) -> int:
        """Take back those that nobody needs any more, some at a time. Returns how many."""
        return len(await self._pool.fetch(statement("withdraw_reviews"), WITHDRAWN_MAX))

    async def _find(self, task: StageTask) -> ReviewAnswer | None:
        row = await self._pool.fetchrow(statement("find_review"), *_place(task))
        if row is None:
            return None
        return ReviewAnswer(
            id=row["id"],
            status=ReviewStatus(row["status"]),
            due_in_s=row["due_in_s"],
            corrected=from_json(row["corrected"]) if row["corrected"] is not None else None,
            comment=row["comment"],
            decided_by=row["decided_by"],
        )

    async def _open(self, task: StageTask, question: ReviewQuestion) -> None:
        await self._pool.execute(
            statement("open_review"),
            *_place(task),
            task.epoch,
            new_id(),
            storable_text(question.instructions),
            question.assignee,
            question.about,
            storable_json(question.value),
            storable_json(question.schema),
            question.due_s,
        )


def _place(task: StageTask) -> tuple[UUID, UUID, str, str, int]:
    return task.organization_id, task.run_id, *split_name(task.stage.name), task.failures
