"""One attempt at one stage: its task, and how it ends, bounded in time, whatever the stage's code does.

Called by the driver, the worker, and by `alone` for what runs in a child. Invariant: unless it is cancelled from outside, it
returns an outcome: a stage that leaves none would be under way for ever.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from pydantic import JsonValue

from tegu.domain.errors import ErrorInfo
from tegu.domain.outcome import Completed, Crashed, Failed, Postponed, StageOutcome
from tegu.engine.progress import StageProgress
from tegu.pipeline.flow import ITEM
from tegu.pipeline.plan import Plan
from tegu.pipeline.slice_plan import item_content, stage_named
from tegu.pipeline.task import StageTask
from tegu.storage.claims import ClaimedRun

log = logging.getLogger("tegu.engine")

Perform = Callable[[StageTask], Awaitable[StageOutcome]]
"""Performs one stage. It may raise: an exception is a failure that may pass."""


async def attempt(perform: Perform, task: StageTask, *, is_bounded: bool = True) -> StageOutcome:
    """How it ended. With `is_bounded` within the stage's `timeout_s`; otherwise `perform` sees to that itself."""
    timeout = asyncio.timeout(task.stage.timeout_s if is_bounded else None)
    try:
        async with timeout:
            return _checked(await perform(task))
    except TimeoutError as error:
        return _timed_out(task) if timeout.expired() else _raised(task, error)
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is None or current.cancelling():
            raise
        return _raised(task, error)  # its own code gave up on itself; nobody asked for the end of the attempt
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 (sys.exit() in a stage, or a panic of native code, is its failure)
        return _raised(task, error)


def task_of(
    run: ClaimedRun,
    plan: Plan,
    name: str,
    stage: StageProgress,
    inputs: Mapping[str, JsonValue],
) -> StageTask:
    """The task of an attempt that the database knows as begun; `inputs` are what has arrived."""
    inputs = plan.inputs_of(name, inputs)
    each = plan.whole.stage(run.slice.stage).each if run.slice is not None else None
    item_id = item_content(inputs.get(ITEM)) if each is not None and each.is_of_contents else None
    return StageTask(
        organization_id=run.organization_id,
        run_id=run.id,
        definition=plan.whole,
        stage=stage_named(plan.whole, name),
        inputs=inputs,
        content_id=item_id or run.content_id,
        thread_id=run.thread_id if item_id is None else None,
        model=run.model,
        attempt=stage.attempt,
        generation=stage.generation,
        pinned_at=run.created_at,
        is_alone=stage.is_alone,
        epoch=run.epoch,
        failures=stage.failures,
        data=run.input.data if run.input is not None and item_id is None else None,
        is_about_item=item_id is not None,
        reuse_from=run.reuse_from if name != run.fork_stage else None,
    )


def _checked(outcome: object) -> StageOutcome:
    if isinstance(outcome, Completed | Failed | Crashed | Postponed):
        return outcome
    raise TypeError(f"a stage returned {type(outcome).__name__}, which is no outcome")


def _timed_out(task: StageTask) -> Failed:
    message = f"stage {task.stage.name!r} took longer than its {task.stage.timeout_s:g} s"
    return Failed(ErrorInfo("timeout", message, hint="raise timeout_s"), transient=True)


def _raised(task: StageTask, error: BaseException) -> Failed:
    log.debug("stage %s raised", task.stage.name, exc_info=error)
    return Failed(ErrorInfo.of(error), transient=True)
