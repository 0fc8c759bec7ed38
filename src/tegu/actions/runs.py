"""Runs: plan, start, read, follow and cancel them."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from tegu.actions.run_inputs import RunInput
from tegu.actions.scope import Scope
from tegu.domain.backlog import RunBacklog
from tegu.domain.budget import checked_limit
from tegu.domain.errors import ConflictError, NotFoundError
from tegu.domain.json import JsonObject, json_hash
from tegu.domain.operations import check_start_time, checked_priority
from tegu.domain.run import Run, RunEvent, TriggeredBy
from tegu.domain.run_filter import ALL_RUNS, RunFilter, StatusCount
from tegu.domain.status import RunStatus
from tegu.domain.worker import waiting_reason
from tegu.storage import idempotency, partials, pipelines, run_filters, run_starts
from tegu.storage import runs as store
from tegu.storage.backlog import backlog_of
from tegu.storage.pipelines import PipelineVersion
from tegu.storage.quotas import take_runs
from tegu.storage.transaction import Transaction
from tegu.storage.workers import Workers

WATCH_S = 60.0
"""How long a run counts as followed after somebody said so; followers say it again and again."""


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How to start runs. `budget_usd` is the most that the calls of each may cost. `model` overrides every stage's; the same `idempotency_key` gives the same runs for 24 h. With
    `stream` replies may be followed from the first call on (`Tegu.follow(..., partials=True)` asks for the later ones).
    `priority` is low, normal, high or -9 to 9: an organization's runs of higher priority go first, a step being worth an hour of
    waiting; None is the pipeline's own. They start at `due_at` or after `delay_s`, or at once. Outputs of the run `reuse_from`, which is over the same input, are
    taken where nothing has changed that they depend on.
    """

    model: str | None = None
    triggered_by: TriggeredBy = TriggeredBy.LIBRARY
    metadata: JsonObject | None = None
    idempotency_key: str | None = None
    stream: bool = False
    budget_usd: Decimal | None = None
    priority: int | str | None = None
    due_at: datetime | None = None
    delay_s: float | None = None
    reuse_from: UUID | None = None


async def start(
    scope: Scope,
    version: PipelineVersion,
    inputs: Sequence[RunInput],
    options: StartOptions | None = None,
    *,
    is_known: bool = False,
) -> tuple[UUID, ...]:
    """Start runs, all in one transaction; workers are woken after it is committed. `is_known`: see `start_in`."""
    async with scope.transaction() as connection:
        run_ids = await start_in(scope, connection, version, inputs, options, is_known=is_known)
    scope.wake()
    return run_ids


async def start_in(
    scope: Scope,
    connection: Transaction,
    version: PipelineVersion,
    inputs: Sequence[RunInput],
    options: StartOptions | None = None,
    *,
    is_known: bool = False,
) -> tuple[UUID, ...]:
    """Start runs in a transaction of the caller's, bound to the organization. Raises ConflictError for a reused key and for
    a pipeline that is archived, QuotaError where the organization's quota has no room for all of them. `is_known`: the version was found by its name,
    in this organization.
    """
    options = options or StartOptions()
    check_start_time(options.due_at, options.delay_s)
    known = version
    if not is_known:
        found = await pipelines.find(connection, scope.organization_id, version.name, number=version.number)
        if found is None or found.id != version.id:
            raise NotFoundError(f"there is no pipeline {version.name}@{version.number} in this organization")
        known = found
    if known.archived_at is not None:
        raise pipelines.refuse_archived(version.name)
    if options.idempotency_key is not None:
        keys = [options.idempotency_key, *(f"{options.idempotency_key}\n{i}" for i in range(1, len(inputs)))]
        others = inputs if len(inputs) > 1 else ()
        return tuple(
            [
                await _start_once(scope, connection, version, item, options, key, others)
                for item, key in zip(inputs, keys, strict=False)
            ]
        )
    if inputs:
        await take_runs(connection, scope.organization_id, len(inputs))
    return tuple([await _insert(scope, connection, version, item, options) for item in inputs])


async def get_run(scope: Scope, run_id: UUID) -> Run:
    """A run with stages, results and totals. Raises NotFoundError."""
    async with scope.transaction() as connection:
        run = await store.get_run(connection, scope.organization_id, run_id, scope.rows)
    if run is None:
        raise NotFoundError(f"there is no run {run_id}", hint="`tegu runs` lists the newest")
    return run


async def list_runs(
    scope: Scope,
    wanted: RunFilter = ALL_RUNS,
    *,
    limit: int = 50,
    after: UUID | None = None,
    is_oldest_first: bool = False,
) -> list[Run]:
    """The newest runs, or the oldest, after a row; see `storage.runs.list_runs`."""
    async with scope.transaction() as connection:
        return await store.list_runs(
            connection,
            scope.organization_id,
            wanted,
            limit=limit,
            after=after,
            is_oldest_first=is_oldest_first,
            rows=scope.rows,
        )


async def count_runs(scope: Scope, wanted: RunFilter = ALL_RUNS) -> list[StatusCount]:
    """How many runs there are of each status, as far as they are counted; see `storage.run_filters`."""
    async with scope.transaction() as connection:
        return await run_filters.count_runs(connection, scope.organization_id, wanted, scope.rows)


async def backlog(scope: Scope) -> RunBacklog:
    """How the organization's runs stand now, and whether a worker lives that would take them."""
    workers = await Workers(await scope.machinery.database.engine()).living()
    has_worker = any(worker.drives_all for worker in workers)
    async with scope.transaction() as connection:
        return await backlog_of(connection, scope.organization_id, scope.rows, has_worker=has_worker)


async def statuses(scope: Scope, run_ids: Sequence[UUID]) -> dict[UUID, RunStatus]:
    """Where runs stand."""
    async with scope.transaction() as connection:
        return await store.statuses_of(connection, scope.organization_id, run_ids)


async def waiting_reasons(scope: Scope, run_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Why runs that are due are not taken; those that will be are missing."""
    async with scope.transaction() as connection:
        missing = await store.waiting_of(connection, scope.organization_id, run_ids)
        held = await store.held_of(connection, scope.organization_id, run_ids)
    return {run_id: waiting_reason(functions) for run_id, functions in missing.items()} | held


async def unserved_functions(scope: Scope, version: PipelineVersion) -> tuple[str, ...]:
    """The Python stages of a version for which there is no living worker."""
    async with scope.transaction() as connection:
        return await store.unserved_functions(connection, version.definition.python_stages())


async def events_after(scope: Scope, run_ids: Mapping[UUID, int], *, limit: int = 1000) -> list[RunEvent]:
    """Events of these runs after the given sequence numbers, in order within each run."""
    async with scope.transaction() as connection:
        return await store.events_after(connection, scope.organization_id, run_ids, limit=limit)


async def cancel(scope: Scope, run_id: UUID) -> RunStatus:
    """Ask for the end of a run; a worker ends it within seconds. Raises ConflictError when it has ended already."""
    async with scope.transaction() as connection:
        status = await run_starts.request_cancel(connection, scope.organization_id, run_id, scope.rows)
    if status is None:
        raise NotFoundError(f"there is no run {run_id}", hint="`tegu runs` lists the newest")
    if status.is_terminal:
        raise ConflictError(f"run {run_id} is {status.value} already", hint="a terminal status is final")
    scope.wake()
    return status


async def _start_once(
    scope: Scope,
    connection: Transaction,
    version: PipelineVersion,
    item: RunInput,
    options: StartOptions,
    key: str,
    together: Sequence[RunInput],
) -> UUID:
    body: JsonObject = {
        "version": str(version.id),
        "content": str(item.content_id),
        "thread": str(item.thread_id),
        "model": options.model,
        "metadata": options.metadata or {},
    }
    # Only where they are given: keys that were used before there were any stay good.
    if priority := checked_priority(options.priority or 0):
        body["priority"] = priority
    if options.due_at is not None:
        body["due_at"] = options.due_at.astimezone(UTC).isoformat()
    if options.delay_s:
        body["delay_s"] = options.delay_s
    if options.budget_usd is not None:
        body["budget_usd"] = str(options.budget_usd)
    if options.reuse_from is not None:
        body["reuse_from"] = str(options.reuse_from)
    if together:  # with others it is another request than alone
        body["together"] = [str(each.content_id or each.thread_id) for each in together]
    request_hash = json_hash(body)
    hashed_key = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    found = await idempotency.claim_key(connection, scope.organization_id, hashed_key, request_hash)
    if found is None:
        await take_runs(connection, scope.organization_id, 1)
        run_id = await _insert(scope, connection, version, item, options)
        await idempotency.settle_key(connection, scope.organization_id, hashed_key, run_id)
        return run_id
    if found.request_hash != request_hash:
        raise ConflictError(
            f"idempotency key {key!r} was used for another request", hint="use a new key for a new request"
        )
    return found.run_id


async def _insert(
    scope: Scope, connection: Transaction, version: PipelineVersion, item: RunInput, options: StartOptions
) -> UUID:
    run_id = await run_starts.insert_run(
        connection,
        scope.organization_id,
        run_starts.NewRun(
            version=version,
            content_id=item.content_id,
            thread_id=item.thread_id,
            model=options.model,
            triggered_by=options.triggered_by,
            metadata=options.metadata,
            budget_usd=checked_limit(options.budget_usd) if options.budget_usd is not None else None,
            priority=_priority(version, options),
            due_at=options.due_at,
            delay_s=options.delay_s or 0.0,
            reuse_from=options.reuse_from,
        ),
    )
    if options.stream:
        await partials.watch_runs(connection, scope.organization_id, [run_id], for_s=WATCH_S)
    return run_id


def _priority(version: PipelineVersion, options: StartOptions) -> int:
    if options.priority is None:
        return version.definition.priority or 0
    return checked_priority(options.priority)
