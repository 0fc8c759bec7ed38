"""Trying a document that nobody has published: a run of it over one input, to its end or up to one stage.

Called by the action. Invariants: the name of the pipeline means what it meant, also where it meant nothing; the run is one as any
other, in the ledger, the budgets and the quotas; what has not changed since an earlier run is not paid again.
"""

from dataclasses import dataclass
from uuid import UUID

from tegu.actions import pipelines, runs
from tegu.actions.apart import apart
from tegu.actions.policy import enforce
from tegu.actions.run_inputs import RunInput, inputs_by_id
from tegu.actions.runs import StartOptions
from tegu.actions.scope import Scope
from tegu.domain.actor import Permission
from tegu.domain.errors import UsageError
from tegu.domain.json import JsonObject
from tegu.pipeline.leading import leading_to
from tegu.storage.pipelines import PipelineVersion


@dataclass(frozen=True, slots=True)
class TriedRun:
    """The run that was started. `version` is that of the draft which it runs, below 0 unless it is published, `stages` are those of it in the order in which they
    can start.
    """

    run_id: UUID
    pipeline: str
    version: int
    stages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TriedInput:
    """What it is tried on: exactly one of the two."""

    content_id: UUID | None = None
    thread_id: UUID | None = None


async def try_document(
    scope: Scope, document: str | JsonObject, up_to: str | None, given: TriedInput, options: StartOptions
) -> TriedRun:
    """Start the run; workers are woken after it is committed. Raises DefinitionError, NotFoundError, UsageError, ConflictError,
    QuotaError, and ForbiddenError for whoever may write pipelines and start no runs.
    """
    enforce(scope.actor, "pipelines.try", Permission.RUNS_WRITE)
    definition = await apart(pipelines.define, scope, document)
    if up_to is not None:
        definition = leading_to(definition, up_to)
    async with scope.in_one_transaction() as joined:
        async with joined.transaction() as connection:
            # One that ships with Tegu and was not used yet is there first: its first version is the published one.
            await pipelines.find_in(joined, connection, definition.name)
        version = await pipelines.publish(joined, definition, makes_current=False)
        item = await _input(joined, version, given)
        if options.reuse_from is not None:
            await _check_earlier(joined, options.reuse_from, item)
        (run_id,) = await runs.start(joined, version, (item,), options, is_known=True)
    scope.wake()
    return TriedRun(run_id, version.name, version.number, definition.order())


async def _input(scope: Scope, version: PipelineVersion, given: TriedInput) -> RunInput:
    contents = () if given.content_id is None else (given.content_id,)
    threads = () if given.thread_id is None else (given.thread_id,)
    found = await inputs_by_id(scope, version, contents, threads)
    if len(found) != 1:
        raise UsageError(
            f"a pipeline is tried on one input, and this one makes {len(found)} runs",
            hint="choose one of its messages or threads",
        )
    return found[0]


async def _check_earlier(scope: Scope, run_id: UUID, item: RunInput) -> None:
    """Raises NotFoundError for a run that the actor does not see, UsageError for one over another input."""
    earlier = await runs.get_run(scope, run_id)
    if (earlier.content_id, earlier.thread_id) != (item.content_id, item.thread_id):
        raise UsageError(f"run {run_id} is over another input", hint="leave out `reuse_from`")
