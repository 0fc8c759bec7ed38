"""Starting runs in a transaction of the caller's: what takes time is done before it, what is stored is stored in it.

Called by the handle, and by `sync`, which stores in the caller's thread. Invariant: in the caller's transaction nothing is
awaited but its connection.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from uuid import UUID

from tegu.actions import contents as content_actions
from tegu.actions import pipelines as pipeline_actions
from tegu.actions import runs as run_actions
from tegu.actions.contents import Ingested, ReadInput
from tegu.actions.pipelines import PipelineSource
from tegu.actions.run_inputs import inputs_of
from tegu.actions.runs import StartOptions
from tegu.actions.scope import Scope
from tegu.storage.joined import join


@dataclass(frozen=True, slots=True)
class PreparedStart:
    """Runs to be started in a caller's transaction: everything that takes time is done, nothing is stored."""

    pipeline: PipelineSource
    inputs: tuple[Ingested | ReadInput, ...]
    options: StartOptions | None
    scope: Scope


@asynccontextmanager
async def joined_scope(scope: Scope, connection: object) -> AsyncGenerator[Scope]:
    """The same organization, acting in the caller's transaction."""
    async with join(connection, scope.organization_id) as joined:
        yield replace(scope, transaction=lambda: nullcontext(joined.transaction), wake=joined.wake)


async def start_prepared(prepared: PreparedStart, connection: object) -> tuple[UUID, ...]:
    """Store what was prepared in the caller's transaction. It awaits nothing but the connection."""
    async with joined_scope(prepared.scope, connection) as scope:
        version = await pipeline_actions.resolve(scope, prepared.pipeline)
        ingested = [
            item if isinstance(item, Ingested) else await content_actions.store_input(scope, item)
            for item in prepared.inputs
        ]
        inputs = inputs_of(version, ingested)
        return await run_actions.start(scope, version, inputs, prepared.options)
