"""Messages that stages send: rows of the webhooks' outbox, from where they are delivered like every event.

Called by the stages under tegu_engine. Invariant: a stage's message to a webhook is one row, however often it is sent.
"""

import asyncpg

from tegu.domain.json import JsonObject, storable_json
from tegu.pipeline.task import StageTask
from tegu.storage.outages import PatientPool
from tegu.storage.statements import statement


class MessageStore:
    """Implements `stages.reach.Messages` on the engine's pool."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = PatientPool(pool)

    async def send(self, task: StageTask, body: JsonObject, *, webhook: str | None) -> int:
        """See `stages.reach.Messages`."""
        subject = f"{task.run_id} {task.stage.name}"
        where = task.organization_id, task.run_id, subject
        return await self._pool.fetchval(statement("send_message"), *where, storable_json(body), webhook)
