"""From what was typed to runs that are started, here or at the service.

Called by `run`. Invariant: nothing is started unless all of it can be.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from tegu.actions.contents import Ingested
from tegu.actions.declared.runs import INPUTS_MAX
from tegu.actions.run_inputs import RunInput, inputs_of
from tegu.actions.runs import StartOptions
from tegu.app import Tegu
from tegu.client.service import Service
from tegu.domain.errors import UsageError
from tegu.domain.operations import checked_priority
from tegu.domain.worker import waiting_reason
from tegu.interfaces.cli import wording
from tegu.interfaces.cli.failure import write_error, write_notice
from tegu.interfaces.cli.forecast_table import forecast_line
from tegu.interfaces.cli.inputs import Unread, ingest_each, version_of
from tegu.interfaces.cli.local_service import LocalService
from tegu.pipeline.builder import Pipeline
from tegu.runtime import StageFunction
from tegu.storage.pipelines import PipelineVersion

FORECAST_RUNS_MIN = 20
"""So many runs are foretold before they are started."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to run: as given on the command line."""

    pipeline: "str | Path | Pipeline[Any]"
    inputs: tuple[str, ...]
    limit: int
    options: StartOptions
    is_sure: bool = False

    @property
    def functions(self) -> tuple[StageFunction, ...]:
        """The Python stages that a pipeline in Python brings with it."""
        return tuple(self.pipeline.functions.values()) if isinstance(self.pipeline, Pipeline) else ()


async def planned(
    service: Service, wish: Wish, *, drives: bool
) -> tuple[PipelineVersion, tuple[RunInput, ...]]:
    """The version and the runs to start. Everything that can be refused is refused here, before any run exists."""
    version = await version_of(service, wish.pipeline)
    if isinstance(service, LocalService):
        await _check_functions(service.tegu, version, drives=drives)
        await service.tegu.require_models(version, model=wish.options.model, with_keys=drives)
    stored, unread = await ingest_each(service, wish.inputs)
    if unread:
        raise _refusal(unread, len(wish.inputs))
    found = inputs_of(version, stored)
    _announce(version, stored, found)
    if len(found) > wish.limit:
        raise UsageError(
            f"that is more than {wish.limit}: nothing was started", hint=f"allow it with --limit {len(found)}"
        )
    if len(found) >= FORECAST_RUNS_MIN:
        await _foretell(service, version, found, wish)
    return version, found


async def _foretell(
    service: Service, version: PipelineVersion, found: Sequence[RunInput], wish: Wish
) -> None:
    """Say what they will take, and ask whoever sits there whether to go on. Raises click.Abort."""
    few = found[:INPUTS_MAX]
    said = await service.pipelines.forecast(
        f"{version.name}@{version.number}",
        content_ids=[item.content_id for item in few if item.content_id],
        thread_ids=[item.thread_id for item in few if item.thread_id],
        model=wish.options.model,
    )
    of_all = f" (of the first {len(few)})" if len(few) < len(found) else ""
    write_notice(f"Forecast{of_all}: {forecast_line(said)}")
    if not wish.is_sure and sys.stdin.isatty() and sys.stderr.isatty():
        click.confirm("Go on?", abort=True, err=True)


async def _check_functions(tegu: Tegu, version: PipelineVersion, *, drives: bool) -> None:
    """This process, or a worker that is alive, must have the Python stages, or the runs would wait without end."""
    missing = ", ".join(sorted(version.definition.python_stages() - tegu.registry.functions().keys()))
    if drives and not missing:
        return
    unserved = await tegu.unserved_functions(version)
    if not drives:
        if unserved:
            write_notice(f"The runs wait: {waiting_reason(unserved)} (`tegu worker --import MODULE`).")
        return
    if unserved:
        hint = "add --import MODULE, or use `tegu start` and a worker that has it"
        raise UsageError(f"this process has no {missing}, and {waiting_reason(unserved)}", hint=hint)
    write_notice(f"This process has no {missing}: a worker that has drives the runs.")


def _announce(version: PipelineVersion, stored: Sequence[Ingested], found: Sequence[RunInput]) -> None:
    """Say first how many runs this makes."""
    per = "mail thread" if any(item.thread_id for item in found) else "file or message"
    runs, inputs = wording.counted(len(found), "run"), wording.counted(len(stored), "input")
    write_notice(f"This makes {runs} of {version.name}@{version.number}: one per {per}, from {inputs}.")
    for item in stored:
        for warning in item.warnings:
            write_notice(f"note: {item.content.name}: {warning}")


def _refusal(unread: Sequence[Unread], total: int) -> Exception:
    """One error for all inputs that cannot be read."""
    if len(unread) == 1 and total == 1:
        return unread[0].error
    for each in unread:
        write_error(each.error.message, each.error.hint)
    first = unread[0].error
    message = f"{len(unread)} of {total} inputs cannot be read: nothing was started"
    return type(first)(message, code=first.code, hint="leave them out, or mend them")


async def begun(
    service: Service, version: PipelineVersion, found: Sequence[RunInput], options: StartOptions
) -> dict[UUID, str]:
    """Start the runs: their ids, each with the name of its input."""
    if isinstance(service, LocalService):
        run_ids = await service.tegu.start_inputs(version, found, options)
    else:
        started: list[UUID] = []
        for few in _parts(found):
            one = await service.runs.start(
                pipeline=f"{version.name}@{version.number}",
                content_ids=[item.content_id for item in few if item.content_id],
                thread_ids=[item.thread_id for item in few if item.thread_id],
                model=options.model,
                budget_usd=options.budget_usd,
                priority=None if options.priority is None else checked_priority(options.priority),
                due_at=options.due_at,
                delay_s=options.delay_s,
            )
            started += one.run_ids
        run_ids = tuple(started)
    return dict(zip(run_ids, [item.name for item in found], strict=True))


def _parts(found: Sequence[RunInput]) -> Iterator[Sequence[RunInput]]:
    """As many at once as one request takes."""
    for start in range(0, len(found), INPUTS_MAX):
        yield found[start : start + INPUTS_MAX]
