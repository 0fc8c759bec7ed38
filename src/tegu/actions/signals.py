"""Signals to runs: what a stage that waits for one is told, before or while it waits, in the run or in those that stem from it."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue
from pydantic_core import to_json

from tegu.actions.scope import Scope
from tegu.domain.errors import ConflictError, NotFoundError, UsageError
from tegu.domain.signal import DATA_BYTES_MAX, LISTENERS_MAX, SIGNALS_MAX
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.slices import split_name
from tegu.storage import pipelines, signals
from tegu.storage.signals import Addressed, NewSignal
from tegu.storage.transaction import Transaction

WAIT_KIND = "wait"


@dataclass(frozen=True, slots=True)
class SignalOptions:
    """`is_kept`: a stage that waits for it later finds it; otherwise only those that wait now hear it, each once. The same `key` is
    one signal.
    """

    is_kept: bool = True
    key: str | None = None


async def send(
    scope: Scope, run_id: UUID, name: str, data: JsonValue = None, options: SignalOptions | None = None
) -> bool:
    """Tell a run something. False: it was not to be kept, and no stage waits for it. Raises NotFoundError, ConflictError for
    a run that has ended or was told too much, UsageError for data that are too large.
    """
    options = options or SignalOptions()
    if len(to_json(data)) > DATA_BYTES_MAX:
        raise UsageError(
            f"the data of signal {name!r} have more than {DATA_BYTES_MAX} bytes",
            code="too_large",
            hint="store them as a content, and send its id",
        )
    async with scope.transaction() as connection:
        run = await signals.address(connection, scope.organization_id, run_id, scope.rows)
        _check(run_id, run)
        assert run is not None
        key = (
            hashlib.sha256(options.key.encode("utf-8", "surrogatepass")).hexdigest() if options.key else None
        )
        signal = NewSignal(name, data, key)
        if options.is_kept:
            await signals.send(connection, scope.organization_id, run.family, signal)
        else:
            waiting = await _waiting(scope, connection, run, name)
            if not waiting:
                return False
            _check_listeners(run_id, len(waiting))
            # First for the run that was addressed, whoever listens: that one counts what it was sent, and knows the key.
            first = {run_id: waiting.pop(run_id, ())}
            if await signals.send_to(connection, scope.organization_id, first, signal) and waiting:
                await signals.send_to(connection, scope.organization_id, waiting, signal)
    scope.wake()
    return True


def _check(run_id: UUID, run: Addressed | None) -> None:
    if run is None:
        raise NotFoundError(f"there is no run {run_id}", hint="`tegu runs` lists the newest")
    if run.status.is_terminal:
        raise ConflictError(
            f"run {run_id} is {run.status.value} already", hint="nothing waits for a signal in it any more"
        )
    if run.signals >= SIGNALS_MAX:
        raise ConflictError(
            f"run {run_id} was sent {run.signals} signals already, and it keeps no more",
            hint="send what belongs together as one signal",
        )


def _check_listeners(run_id: UUID, count: int) -> None:
    if count > LISTENERS_MAX:
        raise ConflictError(
            f"{count} runs that stem from run {run_id} wait for that",
            code="too_many",
            hint=f"send it to be kept, which is stored once, or to a part of them: at most {LISTENERS_MAX} at once",
        )


async def _waiting(
    scope: Scope, connection: Transaction, run: Addressed, name: str
) -> dict[UUID, tuple[str, ...]]:
    """The stages that wait for this signal now, or are about to look for it, by the run that they are of."""
    found: dict[UUID, tuple[str, ...]] = {}
    waiting_by_version: dict[UUID, frozenset[tuple[str, bool]]] = {}
    for listener in await signals.listeners(connection, scope.organization_id, run.family):
        if (version_id := listener.version_id) not in waiting_by_version:
            version = await pipelines.get_version(connection, scope.organization_id, version_id)
            waiting_by_version[version_id] = _waits_of(version.definition, name) if version else frozenset()
        waits = waiting_by_version[version_id]
        # What is mapped waits in its slices; a run that has such a stage only waits for those.
        if stages := tuple(
            each for each in listener.active if (split_name(each)[0], listener.is_slice) in waits
        ):
            found[listener.run_id] = stages
    return found


def _waits_of(definition: PipelineDefinition, name: str) -> frozenset[tuple[str, bool]]:
    """The stages that wait for the signal, and whether they are mapped."""
    return frozenset(
        (stage.name, stage.each is not None)
        for stage in definition.stages
        if stage.uses == WAIT_KIND and stage.config.get("signal") == name
    )
