"""A stage task and its outcome as JSON, for the pipe between a worker and its child process.

Called by `alone` on both sides.
"""

from datetime import datetime
from uuid import UUID

from pydantic import JsonValue, TypeAdapter
from pydantic_core import from_json, to_json

from tegu.domain.json import JsonObject
from tegu.domain.outcome import StageOutcome
from tegu.pipeline.child import RunInput
from tegu.pipeline.definition import PipelineDefinition
from tegu.pipeline.slice_plan import stage_named
from tegu.pipeline.task import StageTask

_OUTCOME: TypeAdapter[StageOutcome] = TypeAdapter(StageOutcome)


def pack_task(task: StageTask) -> bytes:
    """A task as JSON."""
    return to_json(
        {
            "organization_id": task.organization_id,
            "run_id": task.run_id,
            "definition": task.definition.to_json(),
            "stage": task.stage.name,
            "inputs": dict(task.inputs),
            "content_id": task.content_id,
            "thread_id": task.thread_id,
            "model": task.model,
            "attempt": task.attempt,
            "generation": task.generation,
            "pinned_at": task.pinned_at,
            "epoch": task.epoch,
            "failures": task.failures,
            "input": {"data": task.data.value} if task.data is not None else None,
            "is_about_item": task.is_about_item,
            "reuse_from": task.reuse_from,
        }
    )


def unpack_task(data: bytes) -> StageTask:
    """The inverse of `pack_task`."""
    packed: JsonObject = from_json(data)
    document, inputs = packed["definition"], packed["inputs"]
    assert isinstance(document, dict)
    assert isinstance(inputs, dict)
    definition = PipelineDefinition.from_json(document)
    return StageTask(
        organization_id=UUID(str(packed["organization_id"])),
        run_id=UUID(str(packed["run_id"])),
        definition=definition,
        stage=stage_named(definition, str(packed["stage"])),
        inputs=inputs,
        content_id=_uuid(packed["content_id"]),
        thread_id=_uuid(packed["thread_id"]),
        model=str(packed["model"]) if packed["model"] is not None else None,
        attempt=int(str(packed["attempt"])),
        generation=int(str(packed["generation"])),
        pinned_at=datetime.fromisoformat(str(packed["pinned_at"])),
        is_alone=True,
        epoch=int(str(packed["epoch"])),
        failures=int(str(packed["failures"])),
        data=RunInput.from_json(packed["input"]).data,
        is_about_item=bool(packed["is_about_item"]),
        reuse_from=_uuid(packed["reuse_from"]),
    )


def pack_outcome(outcome: StageOutcome) -> bytes:
    """An outcome as JSON. The four kinds share no required field, so that they can be told apart."""
    return _OUTCOME.dump_json(outcome)


def unpack_outcome(data: bytes) -> StageOutcome:
    """The inverse of `pack_outcome`."""
    return _OUTCOME.validate_json(data)


def _uuid(value: JsonValue) -> UUID | None:
    return UUID(str(value)) if value is not None else None
